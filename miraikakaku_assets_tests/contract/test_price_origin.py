"""Simulated and real prices never meet in one database, and nobody is told of a demo."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from pydantic import SecretStr

from miraikakaku_assets import bootstrap
from miraikakaku_assets.adapters.sources.simulated_exchange import is_real, simulated_exchange
from miraikakaku_assets.adapters.storage.collection.price_origin import PostgresOrigin
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.application.reference.price_origin import admit_files, admit_list, admit_prices
from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.market.instruments import FX, JP, US
from miraikakaku_assets.domain.market.origin import REAL, Demo, PriceOrigin
from miraikakaku_assets.faces.cli.demo_exchange import mark_demo, with_its_exchange
from miraikakaku_assets.settings import JPX_LIST_URL, YAHOO_BASE_URL, Settings, as_environment
from miraikakaku_assets.simulator.core.config import SimulatorConfig
from miraikakaku_assets_tests.fakes.simulated import Simulated, read, simulated
from miraikakaku_assets_tests.support.bars.raw_bars import closes
from miraikakaku_assets_tests.support.markets.stored_market import listed, write

SIMULATOR, MIRROR, SILENT = "http://127.0.0.1:8900", "http://mirror.example.org", "http://127.0.0.1:9"
SEEN = {SIMULATOR: "--seed 7 --symbols 400 --us-symbols 120", SILENT: None}
WEBHOOK = SecretStr("https://discord.com/api/webhooks/1/x")


def look(address: str) -> str | None:
    return SEEN.get(address.removesuffix("/list"), "")


@pytest.fixture
def marks(database: Database) -> PostgresOrigin:
    return PostgresOrigin(database)


@pytest.fixture(scope="module")
def exchange() -> Iterator[Simulated]:
    with simulated(symbols=5, us_symbols=2) as running:
        yield running


def test_a_new_installation_takes_either_kind_and_keeps_to_it(marks: PostgresOrigin) -> None:
    assert marks.read() is None
    admit_prices(MIRROR, marks, look)
    assert marks.read() == REAL
    admit_prices(YAHOO_BASE_URL, marks, look)
    refused = (
        r"^This installation holds real prices and takes no simulated ones from http://127.0.0.1:8900; name "
    )
    with pytest.raises(ConfigurationError, match=refused):
        admit_prices(SIMULATOR, marks, look)
    assert marks.read() == REAL
    admit_files("/data/bars", marks)


def test_bars_from_before_the_mark_are_real_ones(marks: PostgresOrigin, database: Database) -> None:
    write(database, listed(database, "7203"), closes(10.0, 11.0, symbol="7203.T"))
    assert marks.read() == REAL
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="holds real prices and takes no simulated ones"):
            admit_prices(SIMULATOR, marks, look)
    admit_prices(YAHOO_BASE_URL, marks, look)


def test_an_installation_with_simulated_prices_takes_no_real_ones(marks: PostgresOrigin) -> None:
    admit_prices(SIMULATOR, marks, look)
    for real in (YAHOO_BASE_URL, f"http://user:secret@{MIRROR.removeprefix('http://')}"):
        with pytest.raises(
            ConfigurationError, match="holds simulated prices and takes nothing from"
        ) as caught:
            admit_prices(real, marks, look)
        assert "`miraikakaku simulate --seed 7 --symbols 400 --us-symbols 120`" in str(caught.value)
        assert "secret" not in str(caught.value)
    with pytest.raises(ConfigurationError, match="takes nothing from /data/bars;"):
        admit_files("/data/bars", marks)
    assert marks.read() == PriceOrigin(simulated=True, exchange=SEEN[SIMULATOR] or "")


def test_nothing_is_settled_while_nothing_answers(marks: PostgresOrigin) -> None:
    admit_prices(SILENT, marks, look)
    assert marks.read() is None


@pytest.mark.parametrize(
    ("mark", "refused", "taken"),
    [(REAL, SIMULATOR, MIRROR), (PriceOrigin(simulated=True), MIRROR, SIMULATOR)],
)
def test_lists_are_of_the_kind_of_the_prices(
    marks: PostgresOrigin, mark: PriceOrigin, refused: str, taken: str
) -> None:
    admit_list(f"{refused}/list", marks, look)  # nothing is held yet
    marks.claim(mark)
    for fine in (f"{taken}/list", SILENT, "/data/data_j.xls"):
        admit_list(fine, marks, look)
    with pytest.raises(ConfigurationError):
        admit_list(f"{refused}/list", marks, look)


def test_a_demo_stays_one_and_takes_no_files(marks: PostgresOrigin) -> None:
    demo = Demo({"seed": 7}, {"min_etfs": 1})
    marks.claim(PriceOrigin(simulated=True, exchange="--seed 7", demo=demo))
    admit_prices(SIMULATOR, marks, look)  # its own, which knows nothing of demos
    marked = marks.claim(REAL)
    assert (marked.simulated, marked.demo) == (True, demo)
    with pytest.raises(
        ConfigurationError, match="`schedule` and `collect` start its own exchange where no source is named"
    ):
        admit_files("bars.csv", marks)


def test_only_a_simulated_exchange_says_that_it_is_one(exchange: Simulated) -> None:
    before = read(exchange.get("/simulator/requests"))
    assert simulated_exchange(f"{exchange.base}/jpx/data_j.xls") == "--seed 7 --symbols 5 --us-symbols 2"
    assert read(exchange.get("/simulator/requests")) == before
    assert simulated_exchange(SILENT) is None
    assert simulated_exchange(JPX_LIST_URL) == ""
    assert [is_real(f"https://{host}") for host in ("query2.finance.yahoo.com", "notyahoo.com")] == [
        True,
        False,
    ]


def installation(url: str, home: Path, **settings: object) -> Ports:
    chosen = {"database_url": SecretStr(url), "miraikakaku_home": home, "discord_webhook_url": WEBHOOK}
    return bootstrap.use(Settings().model_copy(update={**chosen, **settings}))


def test_whoever_asks_for_a_source_gets_none_of_the_other_kind(
    database: Database, tmp_path: Path, exchange: Simulated
) -> None:
    ports = installation(database.url, tmp_path, yahoo_base_url=exchange.base)
    ports.sources.admit_prices()
    assert tuple(ports.notices.channels) == ("discord",)  # an exchange that somebody tries something on
    real = installation(database.url, tmp_path)
    archive = installation(database.url, tmp_path, miraikakaku_price_source="archive")
    for ask in (
        real.sources.admit_prices,
        archive.sources.admit_prices,
        partial(real.sources.admit_lists, JP),
    ):
        with pytest.raises(ConfigurationError, match="simulated prices"):
            ask()
    with pytest.raises(ConfigurationError, match=r"takes nothing from https://www\.nasdaqtrader\.com"):
        real.sources.admit_lists(US)
    real.sources.admit_lists(FX)  # has none


def test_an_installation_with_imported_bars_takes_no_simulated_ones(
    database: Database, tmp_path: Path, exchange: Simulated
) -> None:
    ports = installation(database.url, tmp_path, yahoo_base_url=exchange.base)
    ports.sources.admit_files("7203.csv")
    with pytest.raises(ConfigurationError, match="holds real prices and takes no simulated ones"):
        ports.sources.admit_prices()
    assert ports.origin.read() == REAL


def test_a_demo_is_gone_on_with_by_its_own_exchange_and_nobody_is_told(
    database: Database, tmp_path: Path
) -> None:
    config = SimulatorConfig(seed=3, symbols=5, us_symbols=2)
    marked = installation(database.url, tmp_path)
    mark_demo(marked, config, {"min_etfs": 1, "history_start": "2026-01-05"})
    assert tuple(marked.notices.channels) == ()
    with pytest.raises(ConfigurationError, match=r"takes nothing from https://query2.finance.yahoo.com"):
        marked.sources.admit_prices()
    with with_its_exchange(marked) as demo:
        address = demo.settings.yahoo_base_url
        assert simulated_exchange(address) == config.as_options()
        assert demo.settings.jpx_list_url == f"{address}/jpx/data_j.xls"
        demo.sources.admit_prices()
        demo.sources.admit_lists(US)
        assert bootstrap.ports() is demo
        with with_its_exchange(demo) as same:
            assert same is demo
        variables = as_environment(demo.settings)
    assert simulated_exchange(address) is None
    assert variables["YAHOO_BASE_URL"] == variables["ALPHA_VANTAGE_BASE_URL"] == address
    assert (variables["HISTORY_START"], variables["MIN_ETFS"]) == ("2026-01-05", "1")
    assert variables["ALPHA_VANTAGE_API_KEY"] == config.alpha_vantage_key


@pytest.mark.parametrize(
    "source",
    [
        {"yahoo_base_url": YAHOO_BASE_URL},  # said, and also the default
        {"miraikakaku_price_source": "archive", "miraikakaku_archive_dir": Path("bars")},
    ],
)
def test_a_real_source_that_is_named_in_a_demo_is_refused_instead_of_replaced(
    database: Database, tmp_path: Path, source: dict[str, object]
) -> None:
    mark_demo(installation(database.url, tmp_path), SimulatorConfig(symbols=5, us_symbols=2), {})
    ports = installation(database.url, tmp_path, **source)
    with with_its_exchange(ports) as same:
        assert same is ports
        with pytest.raises(
            ConfigurationError, match="holds simulated prices and takes nothing from"
        ) as caught:
            same.sources.admit_prices()
    assert caught.value.exit_code == 2


def test_a_demo_is_not_made_of_real_prices(database: Database, tmp_path: Path) -> None:
    ports = installation(database.url, tmp_path)
    ports.sources.admit_prices()
    assert ports.origin.read() == REAL
    with pytest.raises(ConfigurationError, match="holds real prices, and a demo's are simulated"):
        mark_demo(ports, SimulatorConfig(), {})
    with with_its_exchange(ports) as same:
        assert same is ports
