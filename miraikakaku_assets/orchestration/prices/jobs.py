"""Collections of scattered symbols as one run.

A partitioned run covers one contiguous range of keys; twenty scattered symbols would be twenty runs. This op
job logs the same materializations for any list of symbols, which also clears their failed marks.
"""

import dagster as dg

from miraikakaku_assets.domain.market.instruments import JP
from miraikakaku_assets.orchestration.prices.assets import JP_PRICES_1D, POOL
from miraikakaku_assets.orchestration.prices.collection import CollectConfig, collect_in_run
from miraikakaku_assets.orchestration.resources import PortsResource


class SymbolsConfig(CollectConfig):
    """Options of a collection of scattered symbols."""

    symbols: list[str]
    """Yahoo symbols, e.g. 7203.T."""


@dg.op(pool=POOL, description="Collects the daily bars of the symbols named in its config.")
def collect_jp_symbols(context: dg.OpExecutionContext, config: SymbolsConfig, ports: PortsResource) -> None:
    """Collects the daily bars of the symbols named in its config."""
    collect_in_run(context, ports.use, JP, config.symbols, JP_PRICES_1D, config)


@dg.job(description="Daily bars of any list of TSE symbols, as one run; retries scattered failures.")
def jp_collect_symbols() -> None:
    """Daily bars of any list of TSE symbols, as one run."""
    collect_jp_symbols()
