"""The Dagster processes of one installation: daemon and web server, started and stopped together."""

import os
import signal
import subprocess
import sys
import time
from types import FrameType

from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.orchestration.abandoned import close_abandoned
from miraikakaku_assets.orchestration.instance_home import open_instance, shipped_file

_STOP_SECONDS = 20.0


class DagsterServices:
    """Runs ``dagster-webserver`` and ``dagster-daemon`` as children until one ends or a signal comes."""

    def run(self, ports: Ports, port: int, *, schedules_on: bool) -> int:
        """Runs both in the foreground.

        Args:
            ports: The installation.
            port: Of the web UI, on 127.0.0.1 only: Dagster's web UI has no login.
            schedules_on: Whether schedules run unless someone turns them off in the UI.

        Returns:
            0 after Ctrl-C or SIGTERM; the exit code of a child that ended by itself otherwise.
        """
        _ = ports.database
        # Dagster's tables are made here, before two processes want to make them at once.
        with open_instance(ports.settings) as instance:
            close_abandoned(instance, ports)
        environment = dict(os.environ)
        if schedules_on:
            environment["MIRAIKAKAKU_SCHEDULES"] = "on"
        workspace = str(shipped_file("workspace.yaml"))
        common = ["-w", workspace, "--log-level", ports.settings.log_level.lower()]
        web = ["-m", "dagster_webserver", "-h", "127.0.0.1", "-p", str(port), *common]
        daemon = ["-m", "dagster._daemon", "run", *common]
        stopping = _Signals()
        children = [
            subprocess.Popen([sys.executable, *arguments], env=environment, start_new_session=True)  # noqa: S603
            for arguments in (web, daemon)
        ]
        sys.stdout.write(f"web UI on http://127.0.0.1:{port} (Ctrl-C stops everything)\n")
        sys.stdout.flush()
        try:
            while not stopping.received:
                ended = [child for child in children if child.poll() is not None]
                if ended:
                    return ended[0].returncode or 1
                time.sleep(0.2)
            return 0
        finally:
            _stop(children)


class _Signals:
    """Remembers SIGINT and SIGTERM instead of breaking off."""

    def __init__(self) -> None:
        self.received = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._remember)

    def _remember(self, _number: int, _frame: FrameType | None) -> None:
        self.received = True


def _stop(children: list[subprocess.Popen[bytes]]) -> None:
    """Asks the children to end, and their code servers with them; kills what does not."""
    for child in children:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGINT)
    deadline = time.monotonic() + _STOP_SECONDS
    for child in children:
        try:
            child.wait(max(deadline - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
