"""Runs scenarios in forks of one process; see `scenarios`."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_MODULE = "miraikakaku_assets_tests.support.faults.scenarios"


@dataclass(frozen=True)
class ScenarioServer:
    """The process whose forks do the work, one after the other."""

    process: "subprocess.Popen[str]"

    def begin(
        self, folder: Path, environment: Mapping[str, str], scenario: str, arguments: Sequence[str] = ()
    ) -> int:
        """Begins a scenario in a folder with these variables and no others; the number of its process."""
        order = {
            "scenario": scenario,
            "arguments": list(arguments),
            "folder": str(folder),
            "environment": dict(environment),
        }
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return self._answer()

    def wait(self) -> int:
        """Waits for the one that was begun; its exit code, negative for a signal."""
        return self._answer()

    def run(
        self, folder: Path, environment: Mapping[str, str], scenario: str, arguments: Sequence[str] = ()
    ) -> int:
        """Runs a scenario to its end; its exit code, negative for a signal."""
        self.begin(folder, environment, scenario, arguments)
        return self.wait()

    def _answer(self) -> int:
        assert self.process.stdout is not None
        return int(self.process.stdout.readline())


@contextmanager
def scenario_server() -> Iterator[ScenarioServer]:
    """Such a process, which has its imports already."""
    with subprocess.Popen(
        [sys.executable, "-m", _MODULE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield ScenarioServer(process)
        process.stdin.close()


def output_of(folder: Path) -> str:
    """What scenarios have printed there."""
    log = folder / "output.log"
    return log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
