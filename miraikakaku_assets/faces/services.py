"""What the services of `up` share: whether one can listen, and one as a process of its own."""

import argparse
import socket
import sys
from collections.abc import Callable

from miraikakaku_assets.domain.errors import ConfigurationError, MiraikakakuError


def require_free(who: str, host: str, port: int) -> None:
    """Listens there for a moment.

    Args:
        who: Is to listen, for people.
        host: Address.
        port: Number.

    Raises:
        ConfigurationError: Somebody else does, or the address is none of this machine.
    """
    try:
        socket.create_server((host, port)).close()
    except OSError as error:
        raise ConfigurationError(
            f"--port {port}: the {who} cannot listen on {host}:{port} ({error.strerror}); "
            "stop what uses it, or name another port"
        ) from None


def run_alone(serve: Callable[[int], None], port: int) -> int:
    """Serves until it is told to stop; whoever starts it has upgraded the database.

    Args:
        serve: Serves on a port.
        port: Where ``--port`` names no other.

    Returns:
        Exit code.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=port)
    try:
        serve(parser.parse_args().port)
    except MiraikakakuError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    return 0
