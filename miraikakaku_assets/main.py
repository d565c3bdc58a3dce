"""Console script: puts the command line together with the Dagster runs behind it.

Importing this module is cheap (`--help` answers in 0.3 s): Dagster is imported by the first command that
starts a run.
"""

import sys
from typing import TYPE_CHECKING, NoReturn

from miraikakaku_assets.domain.errors import ConfigurationError, DependencyUnavailableError, MiraikakakuError

if TYPE_CHECKING:
    from miraikakaku_assets.bootstrap import Ports
    from miraikakaku_assets.faces.cli.runner import Runner

_LOST_CONNECTION = frozenset({"OperationalError", "InterfaceError", "DagsterPostgresException"})
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
        build_app(_make_runner, _LazyServices())()
    except SystemExit as ended:
        if ended.code == _INTERRUPTED:
            _fail("interrupted; what was committed stays, the same command goes on from there", _INTERRUPTED)
        if ended.code == ConfigurationError.exit_code:  # typer has said what is wrong with the usage
            _fail("", ConfigurationError.exit_code)
        raise
    except MiraikakakuError as error:
        _fail(str(error), error.exit_code)
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
    """A database that went away in the middle of a command, whichever library noticed it."""
    cause: BaseException | None = error
    while cause is not None:
        if type(cause).__name__ in _LOST_CONNECTION and _is_outage(cause):
            return DependencyUnavailableError(
                "The database went away; start it and run the same command again"
            )
        cause = cause.__cause__ or cause.__context__
    return None


def _is_outage(error: BaseException) -> bool:
    """Whether an error of a database driver is about the connection, and not about what was asked.

    SQLSTATE classes: 08 connection exception, 57 operator intervention (shutdown); none when nothing answers.
    """
    original = getattr(error, "orig", None) or error
    state = getattr(original, "pgcode", None) or getattr(original, "sqlstate", None)
    return not state or str(state).startswith(("08", "57"))


def _make_runner(ports: "Ports") -> "Runner":
    from miraikakaku_assets.orchestration.launch import Launcher

    return Launcher(ports)


class _LazyServices:
    """`DagsterServices`, imported when it is asked for."""

    def run(self, ports: "Ports", port: int, *, schedules_on: bool) -> int:
        """Runs daemon and web server."""
        from miraikakaku_assets.orchestration.services import DagsterServices

        return DagsterServices().run(ports, port, schedules_on=schedules_on)
