"""``python -m miraikakaku_assets.simulator``: the other side of `running_process`.

Reads one line of JSON from standard input, writes one line with the URL or an error, and serves until SIGTERM or
until standard input ends: a simulator does not outlive the process that started it.
"""

import json
import os
import signal
import sys
import threading

from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.simulator.server.process import config_of
from miraikakaku_assets.simulator.server.serving import serve


def main() -> int:
    """Serve as ordered; returns the exit status."""
    order = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_starter, daemon=True).start()
    try:
        serve(config_of(order["config"]), order["host"], order["port"], announce=_announce)
    except ConfigurationError as error:
        print(json.dumps({"error": str(error)}), flush=True)  # noqa: T201 - the starter reads it
        return 2
    return 0


def _announce(url: str) -> None:
    print(json.dumps({"url": url}), flush=True)  # noqa: T201 - the starter reads it


def _end_with_starter() -> None:
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
