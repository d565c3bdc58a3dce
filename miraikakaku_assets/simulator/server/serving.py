"""Running the simulator: inside a process for tests and demos, or alone until Ctrl-C."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn

from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.simulator.core.config import SimulatorConfig
from miraikakaku_assets.simulator.server.app import Simulator

_START_SECONDS = 30.0
_STOP_SECONDS = 10.0
_BACKLOG = 512


@contextmanager
def running(config: SimulatorConfig, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Run the simulator in a thread of this process.

    Args:
        config: What to simulate.
        host: Address to listen on.
        port: Port to listen on; 0 for a free one.

    Yields:
        The base URL, e.g. ``http://127.0.0.1:41234``.

    Raises:
        ConfigurationError: The configuration cannot be used or the port is taken.
    """
    server = _server(config)
    listener = _listen(host, port)
    thread = threading.Thread(
        target=server.run, kwargs={"sockets": [listener]}, name="exchange-simulator", daemon=True
    )
    thread.start()
    try:
        _wait_until_started(server, thread)
        yield _url(host, listener)
    finally:
        server.should_exit = True
        thread.join(_STOP_SECONDS)
        listener.close()


def serve(
    config: SimulatorConfig,
    host: str = "127.0.0.1",
    port: int = 0,
    announce: Callable[[str], object] | None = None,
) -> None:
    """Run the simulator until Ctrl-C or SIGTERM.

    Args:
        config: What to simulate.
        host: Address to listen on.
        port: Port to listen on; 0 for a free one.
        announce: Called with the base URL as soon as connections are accepted.

    Raises:
        ConfigurationError: The configuration cannot be used or the port is taken.
    """
    server = _server(config)
    listener = _listen(host, port)
    try:
        if announce is not None:
            # The socket listens already: whoever connects from now on waits for the server at most.
            announce(_url(host, listener))
        server.run(sockets=[listener])
    except KeyboardInterrupt:
        # uvicorn repeats the signal after its orderly shutdown; there is nothing left to do.
        return
    finally:
        listener.close()


def _url(host: str, listener: socket.socket) -> str:
    return f"http://{host}:{listener.getsockname()[1]}"


def _server(config: SimulatorConfig) -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(
            Simulator(config),
            lifespan="off",
            # Nothing is logged: answers cut short on purpose would be reported as failures.
            log_config=None,
            log_level="critical",
            access_log=False,
            server_header=False,
            date_header=False,  # ours: a fault sends a wrong one
            timeout_graceful_shutdown=1,
        )
    )


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), backlog=_BACKLOG)
    except OSError as error:
        raise ConfigurationError(
            f"simulator: cannot listen on {host}:{port} ({error.strerror}); "
            "choose another port, or 0 for a free one."
        ) from None


def _wait_until_started(server: uvicorn.Server, thread: threading.Thread) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise ConfigurationError(
                "simulator: the server did not start; run it in the foreground to see why."
            )
        time.sleep(0.005)
