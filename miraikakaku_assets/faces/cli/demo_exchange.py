"""A demo's simulated exchange: marked when the demo is made, started again by whatever goes on with it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from miraikakaku_assets.bootstrap import Ports, use
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.market.origin import Demo, PriceOrigin

if TYPE_CHECKING:
    from miraikakaku_assets.simulator.core.config import SimulatorConfig


def addresses(exchange: str) -> dict[str, Any]:
    """Settings by which everything that is collected comes from a simulated exchange."""
    return {
        "miraikakaku_price_source": "yahoo",
        "yahoo_base_url": exchange,
        "jpx_list_url": f"{exchange}/jpx/data_j.xls",
        "nasdaq_listed_url": f"{exchange}/symdir/nasdaqlisted.txt",
        "other_listed_url": f"{exchange}/symdir/otherlisted.txt",
        "alpha_vantage_base_url": exchange,
        "lme_price_source": "westmetall",
        "westmetall_url": f"{exchange}/de/markdaten.php?action=table&field=LME_Cu_cash",
    }


def mark_demo(installation: Ports, config: "SimulatorConfig", settings: Mapping[str, Any]) -> None:
    """Marks an installation as a demo: what it is gone on with, and that nobody is told of what it finds.

    Its exchange stands still while the demo runs; later it follows the real clock.

    Raises:
        ConfigurationError: The installation holds real prices.
    """
    from miraikakaku_assets.simulator.server.process import config_values

    demo = Demo(config_values(replace(config, now=None)), settings)
    mark = PriceOrigin(simulated=True, exchange=config.as_options(), demo=demo)
    if not installation.origin.claim(mark).simulated:
        raise ConfigurationError(
            f"{installation.settings.home} holds real prices, and a demo's are simulated; "
            "name another MIRAIKAKAKU_HOME"
        )


@contextmanager
def with_its_exchange(installation: Ports) -> Iterator[Ports]:
    """The installation; if it is a demo and the user names no source of prices, with its simulated exchange.

    A source that is named is not replaced in silence: whoever asks it has it refused, see `Sources.admit_prices`.
    """
    mark, chosen = installation.origin.read(), installation.settings
    if mark is None or mark.demo is None or chosen.names_price_source:
        yield installation
        return
    from miraikakaku_assets.simulator.server.process import config_of, running_process

    config = config_of(dict(mark.demo.exchange))
    with running_process(config) as exchange:
        # A key of the user's is none of the simulated exchange's.
        others = {**addresses(exchange), "alpha_vantage_api_key": SecretStr(config.alpha_vantage_key)}
        settings = chosen.model_copy(update={**mark.demo.settings, **others})
        yield use(settings, installation.clock)
