"""Shared fixtures: one real PostgreSQL server per test run, one fresh database per test."""

import fcntl
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from miraikakaku_assets import bootstrap
from miraikakaku_assets.adapters.storage import embedded
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.settings import settings
from miraikakaku_assets_tests.support import real_data
from miraikakaku_assets_tests.support.databases import (
    EMPTY,
    INSTALLED,
    MIGRATED,
    build_templates,
    forget_disk,
    fresh_database,
)

# How long an example takes says something about the machine, and nothing about the property.
hypothesis.settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("any machine")


def pytest_configure() -> None:
    """Signals as in a terminal: a run in the background of a script ignores them, and so would all it starts."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first: whole files go to the workers in this order, and the last ones decide how long one waits."""
    for item in items:
        if real_data.MARK in getattr(item, "fixturenames", ()):
            item.add_marker(real_data.MARK)
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    long = {"faces", "integration", "orchestration"}  # they start processes
    items.sort(key=lambda item: (item.path not in slow, item.path.parent.name not in long))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Prints as the last line how many tests of real data ran: skipped ones do not show among thousands."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and (line := real_data.counted(reporter.stats)) is not None:
        reporter.write_line(line)


@pytest.fixture(autouse=True)
def _no_installation_yet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A process has one installation: that of one test must not be found by the next in the same worker."""
    monkeypatch.setattr(bootstrap, "_ports", None)
    settings.cache_clear()
    yield
    settings.cache_clear()


def _shared_folder() -> Path:
    """A folder that all xdist workers of one test run share.

    Not below pytest's own base folder: as root, every new pytest run closes that folder to other users, and
    the server of a run in progress, which runs as another user, loses its data.
    """
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or str(os.getpid())
    return Path(tempfile.gettempdir()) / f"miraikakaku-tests-{run[:12]}"


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """A PostgreSQL server of this test run; the last worker to leave stops it."""
    home = _shared_folder()
    home.mkdir(exist_ok=True)
    home.chmod(0o755)
    users = home / "users"
    with (home / "users.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        url = embedded.ensure_running(home)
        if not users.exists():
            forget_disk(url)
            build_templates(url)
        users.write_text(str(int(users.read_text() or 0) + 1 if users.exists() else 1))
    yield url
    with (home / "users.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        left = int(users.read_text()) - 1
        users.write_text(str(left))
        if left == 0:
            embedded.stop(home)
            shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def database_url(server_url: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """A database of its own (libpq URL, scheme postgresql://); dropped afterwards.

    It is empty, or that of `database`, with today's tables, where a test asks for both.
    """
    with fresh_database(server_url, MIGRATED if "database" in request.fixturenames else EMPTY) as url:
        yield url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A database with today's tables; fresh for each test."""
    opened = Database(database_url)  # the tables are there, see `database_url`
    yield opened
    opened.close()


@pytest.fixture
def installed_url(server_url: str) -> Iterator[str]:
    """The same with today's tables and Dagster's: what the first command makes of an empty database."""
    with fresh_database(server_url, INSTALLED) as url:
        yield url


@pytest.fixture(scope="session", name=real_data.MARK)
def _real_data() -> Path:
    """Folder of real market data; tests that need it are skipped where it is absent."""
    if (why := real_data.missing()) is not None:
        pytest.skip(why)
    return real_data.folder()
