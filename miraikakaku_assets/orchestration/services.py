"""The processes of one installation: web server, daemon, REST API and dashboard, started and stopped together."""

import ctypes
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import NamedTuple

from miraikakaku_assets.adapters.files.service_lock import services_admitted
from miraikakaku_assets.application.ports.operations.system import ServiceBeat
from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.orchestration.instance.home import open_instance, shipped_file
from miraikakaku_assets.orchestration.instance.orphaned_runs import close_abandoned
from miraikakaku_assets.orchestration.operations.heartbeats import ChildHeartbeats
from miraikakaku_assets.orchestration.prices.watched import register_named
from miraikakaku_assets.settings import as_environment

_ANSWER_SECONDS = 1.0
_SERVER_INFO = "/server_info"
_STARTUP = Path(__file__).with_name("child_startup")
_STOP_SECONDS = 20.0
_PR_SET_PDEATHSIG = 1  # <sys/prctl.h>
_STARTS, _TOO_OFTEN_SECONDS = 5, 600.0  # five starts in ten minutes: it will not get better
_STILLBORN_SECONDS = 5.0  # a port that is taken, a setting that is wrong


class DagsterServices:
    """Runs web server, daemon, REST API and dashboard as children until a signal comes."""

    def run(
        self,
        ports: Ports,
        port: int,
        api_port: int,
        dashboard_port: int,
        *,
        schedules_on: bool,
        read_only: bool = False,
    ) -> int:
        """Runs all of them in the foreground.

        Args:
            ports: The installation.
            port: Of the web UI, on 127.0.0.1 only: Dagster's web UI has no login.
            api_port: Of the REST API, on 127.0.0.1.
            dashboard_port: Of the dashboard, on 127.0.0.1.
            schedules_on: Whether schedules run unless someone turns them off in the UI.
            read_only: Whether nothing can be started, stopped or changed in the UI.

        Returns:
            0 after Ctrl-C or SIGTERM; the exit code of a child that cannot be kept alive otherwise.

        Raises:
            ConfigurationError: A restore is at work on this state folder.
        """
        with services_admitted(ports.settings.home):
            places = _Ports(port, api_port, dashboard_port)
            return self._run(ports, places, schedules_on=schedules_on, read_only=read_only)

    def _run(self, ports: Ports, places: "_Ports", *, schedules_on: bool, read_only: bool) -> int:
        _ = ports.database
        # Dagster's tables are made here, before two processes want to make them at once.
        with open_instance(ports.settings) as instance:
            close_abandoned(instance, ports)
            # Sensors are off until somebody turns them on; without keys the dialogs of these assets would be empty.
            register_named(instance, ports)
        environment = {**os.environ, **as_environment(ports.settings)}
        paths = [str(_STARTUP), environment.get("PYTHONPATH", "")]
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
        environment["DAGSTER_URL"] = f"http://127.0.0.1:{places.web}"
        if "DASHBOARD_URL" not in os.environ:  # links go where people look: behind a proxy that is elsewhere
            environment["DASHBOARD_URL"] = f"http://127.0.0.1:{places.dashboard}"
        if schedules_on:
            environment["MIRAIKAKAKU_SCHEDULES"] = "on"
        workspace = str(shipped_file("workspace.yaml"))
        web, daemon = commands(workspace, places.web, ports.settings.log_level, read_only=read_only)
        stopping = _Signals()
        heartbeats = ChildHeartbeats(ports.database)
        services = [
            _Service(
                "web UI",
                "web_ui",
                web,
                environment,
                address=f"http://127.0.0.1:{places.web}",
                health_path=_SERVER_INFO,
            ),
            _Service("daemon", "daemon", daemon, environment),
            _Service(
                "REST API",
                "api",
                api_command(places.api),
                environment,
                address=f"http://127.0.0.1:{places.api}",
                health_path="/health",
            ),
            _Service(
                "dashboard",
                "dashboard",
                dashboard_command(places.dashboard),
                environment,
                address=f"http://127.0.0.1:{places.dashboard}",
                health_path="/health",
            ),
        ]
        _print("starting the web UI, the daemon, the REST API and the dashboard (Ctrl-C stops everything)")
        silent = {
            "web UI": (places.web, _SERVER_INFO),
            "REST API": (places.api, "/docs"),
            "dashboard": (places.dashboard, "/health"),
        }
        try:
            while not stopping.received:
                for name, place in list(silent.items()):
                    if _answers(*place):
                        del silent[name]
                        _print(f"{name} on http://127.0.0.1:{place[0]}")
                for service in services:
                    code = service.check()
                    if code is not None:
                        return code
                # One that starts is not silent: nobody is to ask a page that is not there yet.
                heartbeats.beat(service.beat for service in services if service.name not in silent)
                time.sleep(0.2)
            heartbeats.stopped(service.beat for service in services)
            return 0
        finally:
            _stop(services)


def require_free(option: str, who: str, port: int) -> None:
    """Refuses a port that a service could not listen on, before anything is started.

    Args:
        option: That names the port.
        who: Would listen there.
        port: On 127.0.0.1.

    Raises:
        ConfigurationError: It is taken, or not ours to take.
    """
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError as error:
        raise ConfigurationError(
            f"{option} {port}: the {who} cannot listen on 127.0.0.1:{port} ({error.strerror}); "
            "stop what uses it, or name another port"
        ) from None


def _answers(port: int, path: str) -> bool:
    """Whether a service gives answers by now."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_ANSWER_SECONDS)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def commands(
    workspace: str, port: int, log_level: str, *, read_only: bool = False
) -> tuple[list[str], list[str]]:
    """Web server and daemon: a module and its arguments each.

    Args:
        workspace: ``workspace.yaml``.
        port: Of the web server.
        log_level: LOG_LEVEL; every process has a log of its own, and the code servers of each of them.
        read_only: Whether the web server only shows.
    """
    level = log_level.lower()
    common = ["-w", workspace, "--log-level", level, "--code-server-log-level", level]
    web = ["dagster_webserver", "-h", "127.0.0.1", "-p", str(port), *common, "--dagster-log-level", level]
    if read_only:
        web.append("--read-only")
    return web, ["dagster._daemon", "run", *common]


def api_command(port: int) -> list[str]:
    """The REST API: a module and its arguments. It is no import of this one: it never loads Dagster."""
    return ["miraikakaku_assets.faces.api", "--port", str(port)]


def dashboard_command(port: int) -> list[str]:
    """The dashboard: a module and its arguments. It never loads Dagster either."""
    return ["miraikakaku_assets.faces.dashboard", "--port", str(port)]


class _Ports(NamedTuple):
    """Where the services listen, on 127.0.0.1."""

    web: int
    api: int
    dashboard: int


class _Service:
    """A child that is started again when it ends: a night's collection must not wait for somebody to notice."""

    def __init__(
        self,
        name: str,
        service: str,
        arguments: list[str],
        environment: dict[str, str],
        *,
        address: str = "",
        health_path: str = "",
    ) -> None:
        self.name = name
        self._service = service
        self.address = address
        self._health_path = health_path
        self._arguments = arguments
        self._environment = environment
        self._begun: deque[float] = deque(maxlen=_STARTS)
        self.groups: list[int] = []
        self.child = self._start()

    @property
    def beat(self) -> ServiceBeat:
        """Its heartbeat."""
        return ServiceBeat(
            self._service,
            socket.gethostname(),
            self.child.pid,
            "running" if self.child.poll() is None else "restarting",
            self.address,
            self._health_path,
        )

    def check(self) -> int | None:
        """Starts it again if it has ended; its exit code when that would be of no use."""
        code = self.child.poll()
        if code is None:
            return None
        now = time.monotonic()
        lived, ever = now - self._begun[-1], now - self._begun[0]
        if lived < _STILLBORN_SECONDS or (len(self._begun) == _STARTS and ever < _TOO_OFTEN_SECONDS):
            _print(f"{self.name} ended with code {code} after {lived:.0f} s; its log above says why")
            return abs(code) or 1
        _print(f"{self.name} ended with code {code} and is started again")
        self.child = self._start()
        return None

    def _start(self) -> subprocess.Popen[bytes]:
        self._begun.append(time.monotonic())
        child = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", *self._arguments],
            env=self._environment,
            start_new_session=True,
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - one thread here
        )
        self.groups.append(child.pid)
        return child


def _end_with_parent() -> None:
    """Has the kernel end this process when its parent is gone, also by SIGKILL: schedules must not go on unwatched."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _print(sentence: str) -> None:
    sys.stdout.write(f"{sentence}\n")
    sys.stdout.flush()


class _Signals:
    """Remembers SIGINT and SIGTERM instead of breaking off."""

    def __init__(self) -> None:
        self.received = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._remember)

    def _remember(self, _number: int, _frame: FrameType | None) -> None:
        self.received = True


def _stop(services: list[_Service]) -> None:
    """Asks the children to end, and their code servers with them; kills what does not.

    Code servers of a child that was killed go on with the runs they have begun; they end with everything else.
    """
    groups = [group for service in services for group in service.groups]
    for group in groups:
        _signal(group, signal.SIGINT)
    deadline = time.monotonic() + _STOP_SECONDS
    for service in services:
        with suppress(subprocess.TimeoutExpired):
            service.child.wait(max(deadline - time.monotonic(), 0.1))
    for group in groups:
        _signal(group, signal.SIGKILL)
    for service in services:
        service.child.wait()


def _signal(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # nobody of it is left
        os.killpg(group, number)
