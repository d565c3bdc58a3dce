"""A simulated exchange for all commands, a fresh installation per test, and a filled one to look at.

Their commands run inside the test's process; a test of what only a process shows asks for `Command.apart`.
"""

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from miraikakaku_assets_tests.fakes.simulated import Simulated, simulated
from miraikakaku_assets_tests.support.command import QUICK, Command
from miraikakaku_assets_tests.support.databases import fresh_database
from miraikakaku_assets_tests.support.in_process import InProcess
from miraikakaku_assets_tests.support.installations.analysed import analysed_installation
from miraikakaku_assets_tests.support.installations.command_line import PASSWORD, command_in
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
def command(exchange: Simulated, installed_url: str, tmp_path: Path, here: InProcess) -> Command:
    """An installation without anything in it."""
    return replace(command_in(tmp_path, installed_url, exchange), inside=here)


@pytest.fixture(scope="session")
def filled_once(
    quiet_exchange: Simulated, server_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Command]:
    with fresh_database(server_url) as url:
        command = command_in(tmp_path_factory.mktemp("filled"), url, quiet_exchange)
        ended = command("pipeline")
        assert ended.code == 0, ended.err
        yield command


@pytest.fixture
def filled(filled_once: Command, here: InProcess) -> Command:
    """An installation after `pipeline`; for tests that only look."""
    return replace(filled_once, inside=here)


@pytest.fixture(scope="session")
def analysed_once(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Command]:
    with analysed_installation(server_url, tmp_path_factory.mktemp("analysed")) as command:
        yield command


@pytest.fixture
def analysed(analysed_once: Command, here: InProcess) -> Command:
    """An installation whose five-minute bars have been analysed; for tests that only look."""
    return replace(analysed_once, inside=here)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> InProcess:
    """Runs commands in this process."""
    return InProcess(monkeypatch, capsys)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that the system user of an embedded server may enter, whoever runs the tests."""
    folder = Path(tempfile.mkdtemp(prefix="miraikakaku-home-"))
    folder.chmod(0o755)
    yield folder
    Command(folder, {"MIRAIKAKAKU_HOME": str(folder)})("db", "stop")
    shutil.rmtree(folder)


@pytest.fixture
def nowhere(tmp_path: Path, here: InProcess) -> Command:
    """A command that finds nothing: no database, no exchange; for usage errors, which come before both."""
    return Command(tmp_path, QUICK | {"MAX_RETRIES": "0"}, inside=here).with_(
        MIRAIKAKAKU_HOME=tmp_path / "home",
        DATABASE_URL=f"postgresql://reader:{PASSWORD}@127.0.0.1:9/prices",
        YAHOO_BASE_URL="http://127.0.0.1:9",
        JPX_LIST_URL="http://127.0.0.1:9/data_j.xls",
    )
