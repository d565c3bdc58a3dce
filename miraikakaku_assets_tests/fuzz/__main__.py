"""`make fuzz`: fuzzes targets with coverage guidance; each finding is an input to keep in the corpus.

``python -m miraikakaku_assets_tests.fuzz TARGET SECONDS``; ``all`` for every target. atheris is installed by hand:
nothing else needs it.
"""

import importlib.util
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from miraikakaku_assets_tests.fuzz.table import NAMES, target_named
from miraikakaku_assets_tests.fuzz.target import CORPUS

_STATE = Path(__file__).resolve().parents[2] / ".cache" / "fuzz"
_LIMITS = (
    "-rss_limit_mb=2048",
    "-malloc_limit_mb=1024",
    "-timeout=300",
    "-max_len=40000",
    "-print_final_stats=1",
)
"""Of libFuzzer: memory of the process and of one allocation, seconds of one input on a busy machine, bytes of one."""


def run(name: str, seconds: int) -> int:
    """Fuzzes a target in a process of its own; returns how many ways of failing it found."""
    folder = _STATE / name
    found, grown = folder / "findings", folder / "corpus"
    for path in (found, grown):
        path.mkdir(parents=True, exist_ok=True)
    options = [
        *_LIMITS,
        f"-max_total_time={seconds}",
        f"-artifact_prefix={found}/",
        str(grown),
        str(CORPUS / name),
    ]
    before = set(found.iterdir())
    with ExitStack() as stack:
        url = stack.enter_context(_database()) if target_named(name).needs_database else ""
        command = [
            sys.executable,
            "-m",
            "miraikakaku_assets_tests.fuzz.guided",
            name,
            url,
            str(found),
            *options,
        ]
        ended = subprocess.run(command, check=False)
    new = [path for path in set(found.iterdir()) - before if path.suffix != ".txt"]
    how = f", ended with {ended.returncode}" if ended.returncode else ""
    print(f"{name}: {len(new)} new findings in {found}{how}")  # noqa: T201
    return len(new) + (ended.returncode != 0 and not new)


class _database:  # noqa: N801 - a context manager, as those of contextlib are written
    """A PostgreSQL server of its own with the tables of an installation."""

    def __enter__(self) -> str:
        from miraikakaku_assets.adapters.storage import embedded
        from miraikakaku_assets_tests.support.databases import (
            INSTALLED,
            build_templates,
            forget_disk,
            fresh_database,
        )

        self._stack = ExitStack()
        home = Path(tempfile.mkdtemp(prefix="miraikakaku-fuzz-"))
        home.chmod(0o755)
        url = embedded.ensure_running(home)
        self._stack.callback(embedded.stop, home)
        forget_disk(url)
        build_templates(url)
        return self._stack.enter_context(fresh_database(url, INSTALLED))

    def __exit__(self, *_: object) -> None:
        self._stack.close()


def main(arguments: list[str]) -> int:
    """Exit code: 0 without a finding, 1 with one, 2 for a target that does not exist or without atheris."""
    if importlib.util.find_spec("atheris") is None:
        print("atheris is not installed: .venv/bin/python -m pip install --no-deps atheris", file=sys.stderr)  # noqa: T201
        return 2
    name, seconds = arguments[0], int(arguments[1])
    if name != "all" and name not in NAMES:
        print(f"There is no target {name!r}; there are all, {', '.join(NAMES)}", file=sys.stderr)  # noqa: T201
        return 2
    os.environ["PYTHONHASHSEED"] = "0"
    return 1 if sum(run(chosen, seconds) for chosen in (NAMES if name == "all" else (name,))) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
