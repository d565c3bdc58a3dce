"""One simulated exchange, one installation per test: empty, with bars of Tokyo, or of currencies after a cycle."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from miraikakaku_assets_tests.fakes.simulated import Simulated, simulated
from miraikakaku_assets_tests.support.databases import INSTALLED, fresh_database, send_everybody_away
from miraikakaku_assets_tests.support.installations.installation import CODES, Installation, installed, listed
from miraikakaku_assets_tests.support.installations.trading import WEDNESDAY, Loaded, Trading, trading
from miraikakaku_assets_tests.support.moments import last_evening


@pytest.fixture(scope="session")
def quiet_exchange() -> Iterator[Simulated]:
    with simulated(symbols=8, us_symbols=0, now=last_evening()) as running:
        yield running


@pytest.fixture
def exchange(quiet_exchange: Simulated) -> Iterator[Simulated]:
    """The exchange, without the faults of other tests."""
    quiet_exchange.set_faults()
    yield quiet_exchange
    quiet_exchange.set_faults()


@pytest.fixture
def installation(
    exchange: Simulated, installed_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Installation]:
    with installed(exchange, installed_url, tmp_path, monkeypatch) as ready:
        yield ready


@contextmanager
def prepared(
    exchange: Simulated,
    server_url: str,
    folder: Path,
    template: str,
    prepare: Callable[[Installation], object],
) -> Iterator[str]:
    """The name of a database that an installation has prepared, to be copied."""
    with fresh_database(server_url, template) as url, pytest.MonkeyPatch.context() as patch:
        with installed(exchange, url, folder, patch) as made:
            prepare(made)
        send_everybody_away(server_url, url)
        yield str(make_url(url).database)


def _list_issues(site: Installation) -> None:
    assert site.update_master(listed(CODES)).success


def _collect(site: Installation) -> None:
    assert site.collect_range().success


@pytest.fixture(scope="session")
def with_issues(
    quiet_exchange: Simulated, server_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("with_issues")
    with prepared(quiet_exchange, server_url, folder, INSTALLED, _list_issues) as name:
        yield name


@pytest.fixture(scope="session")
def with_bars(
    quiet_exchange: Simulated, server_url: str, with_issues: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    with prepared(
        quiet_exchange, server_url, tmp_path_factory.mktemp("with_bars"), with_issues, _collect
    ) as name:
        yield name


@pytest.fixture
def listed_market(
    exchange: Simulated, with_issues: str, server_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Installation]:
    """An installation that knows seven issues and has no bars yet."""
    with (
        fresh_database(server_url, with_issues) as url,
        installed(exchange, url, tmp_path, monkeypatch) as ready,
    ):
        yield ready


@pytest.fixture
def collected(
    exchange: Simulated, with_bars: str, server_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Installation]:
    """An installation with seven issues and their forty sessions."""
    with (
        fresh_database(server_url, with_bars) as url,
        installed(exchange, url, tmp_path, monkeypatch) as ready,
    ):
        yield ready


@pytest.fixture(scope="module")
def currencies() -> Iterator[Simulated]:
    with simulated(symbols=1, us_symbols=0, now=WEDNESDAY) as running:
        yield running


@pytest.fixture(scope="module")
def loaded(
    currencies: Simulated, server_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Loaded]:
    """A database after the first cycle, to be copied."""
    folder = tmp_path_factory.mktemp("loaded")
    with fresh_database(server_url, INSTALLED) as url, pytest.MonkeyPatch.context() as patch:
        with trading(currencies, url, folder, patch) as market:
            market.requests()
            assert market.cycle().success
            requests = market.requests()
        send_everybody_away(server_url, url)
        yield Loaded(str(make_url(url).database), requests)


@pytest.fixture
def forex(
    currencies: Simulated,
    loaded: Loaded,
    server_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Iterator[Trading]:
    """Currencies after the first cycle; a parameter holds settings."""
    options = getattr(request, "param", {})
    with (
        fresh_database(server_url, loaded.database) as url,
        trading(currencies, url, tmp_path, monkeypatch, **options) as made,
    ):
        yield made
