"""The simulator in a process of its own: what a benchmark needs, whose client must not share its interpreter."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any

from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.simulator.core.config import SimulatorConfig

_STOP_SECONDS = 10.0


@contextmanager
def running_process(config: SimulatorConfig, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Run the simulator in another process, one interpreter and one core.

    Args:
        config: What to simulate.
        host: Address to listen on.
        port: Port to listen on; 0 for a free one.

    Yields:
        The base URL, e.g. ``http://127.0.0.1:41234``.

    Raises:
        ConfigurationError: The configuration cannot be used or the port is taken.
    """
    order = json.dumps({"config": config_values(config), "host": host, "port": port})
    command = [sys.executable, "-m", "miraikakaku_assets.simulator"]
    with subprocess.Popen(  # noqa: S603 - this interpreter, and nothing of the order is on the command line
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            if process.stdin is None or process.stdout is None:
                raise ConfigurationError("simulator: the process has no pipes; run it in the foreground.")
            process.stdin.write(order + "\n")
            process.stdin.flush()
            reply = json.loads(process.stdout.readline() or "{}")
            if "url" not in reply:
                raise ConfigurationError(
                    reply.get("error", "simulator: the process ended before it listened.")
                )
            yield reply["url"]
        finally:
            _stop(process)


def _stop(process: "subprocess.Popen[str]") -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def config_values(config: SimulatorConfig) -> dict[str, Any]:
    """Return the configuration as JSON may carry it, for `config_of`."""
    values = {field.name: getattr(config, field.name) for field in fields(config)}
    return {
        name: value.isoformat()
        if isinstance(value, datetime)
        else str(value)
        if isinstance(value, Path)
        else value
        for name, value in values.items()
    }


def config_of(values: dict[str, Any]) -> SimulatorConfig:
    """Return the configuration that was sent to a process.

    Raises:
        ConfigurationError: A value cannot be used.
    """
    known = dict(values)
    for name in ("archive_dir", "master_file"):
        known[name] = None if known[name] is None else Path(known[name])
    known["now"] = None if known["now"] is None else datetime.fromisoformat(known["now"])
    known["faults"] = tuple(known["faults"])
    return SimulatorConfig(**known)
