"""Console script: puts the command line together with the Dagster runs behind it.

Importing this module is cheap (`--help` answers in 0.3 s): Dagster is imported by the first command that
starts a run.
"""

import sys
from typing import TYPE_CHECKING

from miraikakaku_assets.domain.errors import DependencyUnavailableError, MiraikakakuError

if TYPE_CHECKING:
    from miraikakaku_assets.bootstrap import Ports
    from miraikakaku_assets.faces.cli.runner import Runner

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
    from miraikakaku_assets.faces.cli.output import fail

    try:
        build_app(_make_runner, _LazyServices())()
    except SystemExit as ended:
        if ended.code == _INTERRUPTED:
            fail("interrupted; what was committed stays, the same command goes on from there")
        raise
    except MiraikakakuError as error:
        fail(str(error))
        sys.exit(error.exit_code)
    except Exception as error:
        unreachable = _as_unreachable(error)
        if unreachable is None:
            raise
        fail(str(unreachable))
        sys.exit(unreachable.exit_code)


def _as_unreachable(error: Exception) -> MiraikakakuError | None:
    """A database that went away in the middle of a command, whichever library noticed it."""
    if type(error).__name__ in {"OperationalError", "InterfaceError"}:
        return DependencyUnavailableError(
            "The database went away; start it (`miraikakaku db start`) and run the same command again"
        )
    return None


def _make_runner(ports: "Ports") -> "Runner":
    from miraikakaku_assets.orchestration.launch import Launcher

    return Launcher(ports)


class _LazyServices:
    """`DagsterServices`, imported when it is asked for."""

    def run(self, ports: "Ports", port: int, *, schedules_on: bool) -> int:
        """Runs daemon and web server."""
        from miraikakaku_assets.orchestration.services import DagsterServices

        return DagsterServices().run(ports, port, schedules_on=schedules_on)
