"""The console script in an environment of its own, as a process of its own or inside the test's."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine
from sqlalchemy.engine import make_url

from miraikakaku_assets_tests.support.machine_clock import handed_on
from miraikakaku_assets_tests.support.patience import PATIENCE

SCRIPT = Path(sys.executable).with_name("miraikakaku")
QUICK = {
    "REQUESTS_PER_SECOND": "1000",
    "BURST_LIMIT": "1000",
    "RETRY_DELAY": "0.01",
    "MAX_RETRIES": "1",
    "WORKER_TIMEOUT": "120",
}


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """Standard output, which has to be one JSON document and nothing else."""
        read: dict[str, Any] = json.loads(self.out)
        return read

    @property
    def errors(self) -> list[str]:
        """The sentences behind ``error:``."""
        return [text.removeprefix("error: ") for text in self.err.splitlines() if text.startswith("error: ")]


@dataclass(frozen=True)
class Command:
    """`miraikakaku` with these variables and nothing else of the test's environment.

    Attributes:
        folder: Working directory; without a ``.env``.
        variables: Environment.
        seconds: How long a process may take.
        inside: Runs commands inside the test's process (`InProcess`), without the CPU seconds that the imports of a
            new one take; None starts a process for each.
    """

    folder: Path
    variables: dict[str, str] = field(default_factory=dict)
    seconds: float = PATIENCE
    inside: Callable[..., Ended] | None = None

    def with_(self, **variables: object) -> "Command":
        """The same with other variables, too."""
        return replace(
            self, variables=self.variables | {name: str(value) for name, value in variables.items()}
        )

    @property
    def apart(self) -> "Command":
        """The same, each command in a process of its own."""
        return replace(self, inside=None)

    @property
    def environment(self) -> dict[str, str]:
        """All variables of its process."""
        own = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "COLUMNS": "200"}
        return own | handed_on() | self.variables

    def __call__(self, *arguments: object) -> Ended:
        """Runs a command to its end; a traceback or a warning of Python's is no way to end."""
        ended = self.inside(self, *arguments) if self.inside else self._as_process(*arguments)
        assert "Traceback" not in ended.err, ended.err
        assert "Warning" not in ended.err, ended.err
        return ended

    def _as_process(self, *arguments: object) -> Ended:
        process = self.start(*arguments)
        try:
            out, err = process.communicate(timeout=self.seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        return Ended(process.returncode, out, err)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of a query on the installation's database."""
        engine = create_engine(make_url(self.variables["DATABASE_URL"]).set(drivername="postgresql+psycopg2"))
        with engine.connect() as connection:
            answer = [tuple(row) for row in connection.exec_driver_sql(query)]
        engine.dispose()
        return answer

    def execute(self, statement: str) -> None:
        """Changes something in the installation's database behind its back."""
        engine = create_engine(make_url(self.variables["DATABASE_URL"]).set(drivername="postgresql+psycopg2"))
        with engine.begin() as connection:
            connection.exec_driver_sql(statement)
        engine.dispose()

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        """Starts a command."""
        return subprocess.Popen(
            [str(SCRIPT), *map(str, arguments)],
            env=self.environment,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


def stages(ended: Ended) -> dict[str, dict[str, Any]]:
    """The stages of a JSON document by name, analyses with their bars; its verdict is theirs."""
    document = ended.document
    assert document["succeeded"] == all(stage["succeeded"] for stage in document["stages"])
    assert document["succeeded"] == (ended.code == 0)
    named = {_name(stage): stage for stage in document["stages"]}
    assert len(named) == len(document["stages"])
    return named


def _name(stage: dict[str, Any]) -> str:
    return f"analysis of {stage['collected']}" if stage["stage"] == "analysis" else str(stage["stage"])
