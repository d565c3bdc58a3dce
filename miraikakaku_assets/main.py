"""Console script: puts the command line together with the Dagster runs behind it.

Importing this module is cheap (`--help` answers in 0.3 s): Dagster is imported by the first command that
starts a run.
"""

import atexit
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, NoReturn

from miraikakaku_assets.domain.errors import ConfigurationError, DependencyUnavailableError, MiraikakakuError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from miraikakaku_assets.application.drill.clock import DrillClock
    from miraikakaku_assets.application.drill.frame import Damage, Outcome
    from miraikakaku_assets.application.monitoring.watch_round import WatchRound
    from miraikakaku_assets.application.ports.operations.assets import AssetHealth
    from miraikakaku_assets.application.stage_runs import StageRunner
    from miraikakaku_assets.bootstrap import Ports

_LOST_CONNECTION = frozenset({"OperationalError", "InterfaceError", "DagsterPostgresException"})
_opened = ExitStack()
"""What goes on until the command ends: the simulated exchange of a demo."""
_INTERRUPTED = 130  # 128 + SIGINT, what typer exits with after Ctrl-C


def run() -> None:
    """Runs the command line and exits with the code of the contract."""
    try:
        _run()
    except KeyboardInterrupt:  # while the imports are under way; later the command line takes it
        sys.stderr.write("error: interrupted\n")
        sys.exit(_INTERRUPTED)


def _run() -> None:
    from miraikakaku_assets.faces.cli.app import build_app

    try:
        build_app(_make_runner, _LazyServices(), _LazyWatch(), _read_asset_health, _LazyDrills())()
    except SystemExit as ended:
        if ended.code == _INTERRUPTED:
            _fail("interrupted; what was committed stays, the same command goes on from there", _INTERRUPTED)
        if ended.code == ConfigurationError.exit_code:  # typer has said what is wrong with the usage
            _fail("", ConfigurationError.exit_code)
        raise
    except MiraikakakuError as error:
        cause = _as_full_disk(error) or error
        _fail(str(cause), cause.exit_code)
    except Exception as error:
        unreachable = _as_unreachable(error)
        if unreachable is None:
            raise
        _fail(str(unreachable), unreachable.exit_code)


def _fail(sentence: str, code: int) -> NoReturn:
    """Says it on stderr, and as a JSON document where the user asked for one and none was printed yet."""
    from miraikakaku_assets.faces.cli.output import fail, print_failure

    if sentence:
        fail(sentence)
    if "--json" in sys.argv:
        print_failure(sentence or "bad usage; stderr says what", code)
    sys.exit(code)


def _as_unreachable(error: Exception) -> MiraikakakuError | None:
    """A database that went away in the middle of a command, or a full disk, whichever library noticed it."""
    full = _as_full_disk(error)
    if full is not None:
        return full
    cause: BaseException | None = error
    while cause is not None:
        if type(cause).__name__ in _LOST_CONNECTION and _is_outage(cause):
            return _as_full_disk(error, connection_lost=True) or DependencyUnavailableError(
                "The database went away; start it and run the same command again"
            )
        cause = cause.__cause__ or cause.__context__
    return None


def _as_full_disk(error: Exception, *, connection_lost: bool = False) -> MiraikakakuError | None:
    """A full disk behind an error; a server that went away may have gone for want of room."""
    from miraikakaku_assets.adapters.storage.disk import LEAST_FREE, full_disk_behind, require_room
    from miraikakaku_assets.settings import settings

    try:
        home, external = settings().home, settings().database_url is not None
        if connection_lost and not external:
            require_room(home, LEAST_FREE)
    except MiraikakakuError as reason:
        return reason if connection_lost else None
    return full_disk_behind(error, home, external=external)


def _is_outage(error: BaseException) -> bool:
    """Whether an error of a database driver is about the connection, and not about what was asked.

    SQLSTATE classes: 08 connection exception, 57 operator intervention (shutdown); none when nothing answers.
    """
    original = getattr(error, "orig", None) or error
    state = getattr(original, "pgcode", None) or getattr(original, "sqlstate", None)
    return not state or str(state).startswith(("08", "57"))


def _make_runner(ports: "Ports") -> "StageRunner":
    from miraikakaku_assets.faces.cli.demo_exchange import with_its_exchange
    from miraikakaku_assets.orchestration.loading import paused_collection

    with paused_collection():
        from miraikakaku_assets.orchestration.launch import Launcher

    atexit.register(_opened.close)
    return Launcher(_opened.enter_context(with_its_exchange(ports)))


class _LazyWatch:
    """`OutsideWatch`, imported when it is asked for."""

    def round(self, ports: "Ports") -> "WatchRound":
        """One round."""
        from miraikakaku_assets.orchestration.outside_watch import OutsideWatch

        return OutsideWatch().round(ports)


class _LazyDrills:
    """`Drill`, imported when it is asked for."""

    def chosen(self, names: "Sequence[str]") -> "Sequence[Damage[Any]]":
        """The damages of these names."""
        from miraikakaku_assets.orchestration.drill.drill import chosen

        return chosen(names)

    def run(
        self,
        installation: "Ports",
        clock: "DrillClock",
        names: "Sequence[str]",
        at: "Callable[[int, str], object]",
        *,
        fill: bool,
    ) -> "list[Outcome]":
        """Damages a demo."""
        from miraikakaku_assets.orchestration.drill.drill import drill

        return drill(installation, clock, chosen=self.chosen(names), at=at, fill=fill)


def _read_asset_health(ports: "Ports") -> "Sequence[AssetHealth]":
    from miraikakaku_assets.orchestration.loading import paused_collection

    with paused_collection():
        from miraikakaku_assets.orchestration.build import build_defs
        from miraikakaku_assets.orchestration.instance.home import open_instance
        from miraikakaku_assets.orchestration.operations.asset_health import asset_health

    _ = ports.database  # before Dagster's tables are looked for
    with open_instance(ports.settings) as instance:
        return asset_health(instance, ports, build_defs().resolve_asset_graph())


class _LazyServices:
    """`DagsterServices`, imported when it is asked for."""

    def become_worker(self, ports: "Ports", name: str, slots: int, queue: str) -> None:
        """Turns this process into a worker."""
        from miraikakaku_assets.orchestration.celery.worker import become_worker

        become_worker(ports, name, slots, queue)

    def run(
        self,
        ports: "Ports",
        port: int,
        api_port: int,
        dashboard_port: int,
        *,
        schedules_on: bool,
        read_only: bool,
    ) -> int:
        """Runs web server, daemon, REST API and dashboard, and the simulated exchange of a demo beside them."""
        from miraikakaku_assets.faces.cli.demo_exchange import with_its_exchange
        from miraikakaku_assets.faces.cli.output import show_line
        from miraikakaku_assets.orchestration.services import DagsterServices, require_free

        require_free("--port", "web UI", port)
        require_free("--api-port", "REST API", api_port)
        require_free("--dashboard-port", "dashboard", dashboard_port)
        with with_its_exchange(ports) as installation:
            mark = installation.origin.read()
            if mark is not None and mark.demo is not None:
                installation.sources.admit_prices()  # a real source is refused here, not by every run
            if installation is not ports:
                address = installation.settings.price_location
                show_line(
                    f"a demo: all prices come from a simulated exchange ({address}), nobody is notified"
                )
            return DagsterServices().run(
                installation, port, api_port, dashboard_port, schedules_on=schedules_on, read_only=read_only
            )
