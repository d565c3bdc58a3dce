"""Load from `wrk`, a compiled generator: what Python can send would measure the client."""

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

CONNECTIONS = 32
_REPORT = """
done = function(summary, latency, requests)
  local errors = summary.errors
  local lost = errors.connect + errors.read + errors.write + errors.timeout
  io.write(string.format("MEASURED %d %d %d %d %d\\n",
    summary.requests, summary.duration, latency:percentile(99), errors.status, lost))
end
"""


class NoLoadGeneratorError(Exception):
    """`wrk` is not installed."""


class FailedRequestsError(Exception):
    """Not every request of a round was answered with success."""


@dataclass(frozen=True)
class Load:
    """What a round of requests has shown.

    Attributes:
        requests: Answered ones.
        per_s: Of them a second.
        p99_ms: Latency that 99 % kept, milliseconds.
    """

    requests: int
    per_s: float
    p99_ms: float


def require_generator() -> str:
    """The generator's path.

    Raises:
        NoLoadGeneratorError: It is not installed.
    """
    found = shutil.which("wrk")
    if found is None:
        raise NoLoadGeneratorError(
            "the speed of the API needs the load generator wrk (Debian, Ubuntu: `apt-get install wrk`)"
        )
    return found


def load(url: str, seconds: int) -> Load:
    """Sends requests over `CONNECTIONS` connections, each as soon as the one before it is answered.

    Raises:
        FailedRequestsError: An answer was no success, or did not come.
    """
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "report.lua"
        script.write_text(_REPORT)
        words = [require_generator(), "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "10s", "-s"]
        shown = subprocess.run([*words, str(script), url], capture_output=True, text=True, check=True)
    (line,) = (line for line in shown.stdout.splitlines() if line.startswith("MEASURED"))
    requests, microseconds, p99, refused, lost = map(int, line.split()[1:])
    if refused or lost or not requests:
        raise FailedRequestsError(f"{url}: {requests:,} answers, {refused:,} of them refusals, {lost:,} lost")
    return Load(requests, requests / microseconds * 1e6, p99 / 1000)
