"""An upgraded lock, resolved by the tool behind ``make lock``, installed in an environment of its own and tried there.

Nothing outside of the scratch folder is written: neither the tree nor the environment of this program.
"""

import difflib
import fcntl
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from miraikakaku_assets.application.ports.operations.security import Step, UpgradeTry
from miraikakaku_assets.domain.errors import ConfigurationError, DependencyUnavailableError

LOCK, PROJECT = "requirements.lock", "pyproject.toml"
COMPILE = (
    "pip", "compile", PROJECT, "--all-extras", "--universal", "--generate-hashes", "--python-version", "3.11",
    "--no-header", "-q", "-o", LOCK,
)  # fmt: skip
"""Arguments of uv, as `make lock` gives them; a test compares the two."""
_RUN = "import sys; from miraikakaku_assets.main import run; sys.argv = ['miraikakaku', *sys.argv[1:]]; run()"
SMOKE: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "the code location loads",
        ("-c", "from miraikakaku_assets.definitions import defs; defs.get_repository_def().get_all_jobs()"),
    ),
    ("a database is set up", ("-c", _RUN, "db", "upgrade")),
    ("status reads it", ("-c", _RUN, "status")),
    ("the database is stopped", ("-c", _RUN, "db", "stop")),
)
"""Name → arguments of the interpreter, tried in the environment that the lock makes, with a state folder of its own."""
_PINNED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)", re.MULTILINE)
_SHOWN = 30  # last lines of what a step prints
_PATIENCE = 1_800.0
_KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "SSL_CERT_FILE", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY")
"""Variables that every step gets; the settings, with their secrets, are not among them."""
_KEPT_PREFIXES = ("UV_", "PIP_")


@dataclass(frozen=True)
class UvWorkshop:
    """Implements the port `LockWorkshop`.

    Attributes:
        tree: The checkout with the lock.
        home: The state folder; the scratch folder lies in it.
        tests: What is tried, by name: arguments of the interpreter.
    """

    tree: Path
    home: Path
    tests: Sequence[tuple[str, Sequence[str]]] = SMOKE

    def attempt(self, wanted: Mapping[str, str | None]) -> UpgradeTry:
        """Resolves a copy of the lock with newer packages, installs it and tries it.

        Args:
            wanted: Package → least version; None for the newest.

        Raises:
            ConfigurationError: This is no checkout with a lock, or another one is at it.
            DependencyUnavailableError: uv is not installed.
        """
        missing = [name for name in (LOCK, PROJECT) if not (self.tree / name).is_file()]
        if missing:
            raise ConfigurationError(
                f"There is no {missing[0]} in {self.tree}: an upgrade is prepared in a checkout of the project"
            )
        tool = _uv()
        with self._scratch() as scratch:
            return _Attempt(tool, scratch, self.tree, self.tests).made(wanted)

    @contextmanager
    def _scratch(self) -> Iterator[Path]:
        """A folder that nobody else uses; what a killed attempt has left of it is removed."""
        self.home.mkdir(parents=True, exist_ok=True)
        folder = self.home / "upgrade"
        with (self.home / "upgrade.lock").open("w") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise ConfigurationError(
                    "Another upgrade is being prepared here; wait for its end"
                ) from error
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)


def _uv() -> str:
    try:
        from uv import find_uv_bin
    except ImportError as error:
        raise DependencyUnavailableError(
            "uv is not installed; `pip install 'miraikakaku-assets[security]'` brings it"
        ) from error
    return str(find_uv_bin())


class _Attempt:
    def __init__(
        self, tool: str, scratch: Path, tree: Path, tests: Sequence[tuple[str, Sequence[str]]]
    ) -> None:
        self._tool, self._scratch, self._tree, self._tests = tool, scratch, tree, tests
        self._steps: list[Step] = []

    def made(self, wanted: Mapping[str, str | None]) -> UpgradeTry:
        """Every step until one fails."""
        before = (self._tree / LOCK).read_text(encoding="utf-8")
        for name in (LOCK, PROJECT):
            shutil.copyfile(self._tree / name, self._scratch / name)
        resolved = self._resolve(wanted)
        after = (self._scratch / LOCK).read_text(encoding="utf-8")
        if not resolved:
            return UpgradeTry(tuple(self._steps))
        changes = changed(before, after)
        difference = "".join(
            difflib.unified_diff(before.splitlines(True), after.splitlines(True), f"a/{LOCK}", f"b/{LOCK}")  # noqa: FBT003
        )
        if self._is_new_enough(wanted, after) and self._install():
            self._try()
        return UpgradeTry(tuple(self._steps), changes, difference, after)

    def _resolve(self, wanted: Mapping[str, str | None]) -> bool:
        least = self._scratch / "least.txt"
        least.write_text("".join(f"{name}>={version}\n" for name, version in wanted.items() if version))
        # The output is relative: the lock names no path of this machine.
        command = [self._tool, *COMPILE, "--constraints", least.name]
        for name in wanted:
            command += ["--upgrade-package", name]
        return self._step("the lock is resolved", command)

    def _is_new_enough(self, wanted: Mapping[str, str | None], after: str) -> bool:
        missing = sorted(set(wanted) - set(pinned(after)))
        if missing:
            self._steps.append(
                Step("the lock holds the packages", False, 0.0, f"not in the lock: {', '.join(missing)}")  # noqa: FBT003
            )
        return not missing

    def _install(self) -> bool:
        python = self._scratch / "venv" / "bin" / "python"
        install = [self._tool, "pip", "install", "--python", str(python), "--quiet"]
        return (
            self._step(
                "an environment is made", [self._tool, "venv", "--quiet", "--python", sys.executable, "venv"]
            )
            and self._step("the lock is installed", [*install, "--no-deps", "--require-hashes", "-r", LOCK])
            and self._fits(python)
        )

    def _fits(self, python: Path) -> bool:
        """Whether its packages miss nothing that those in use do not miss: the lock leaves some out on purpose."""
        begun = time.monotonic()
        here, there = (self._misfits(interpreter) for interpreter in (Path(sys.executable), python))
        new = sorted(there - here)
        self._steps.append(
            Step("its packages fit", not new, round(time.monotonic() - begun, 1), "\n".join(new[-_SHOWN:]))
        )
        return not new

    def _misfits(self, python: Path) -> set[str]:
        ended = subprocess.run(  # noqa: S603 - uv and our own arguments
            [self._tool, "pip", "check", "--python", str(python)],
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PATIENCE,
            check=False,
        )
        return {line.strip() for line in ended.stderr.splitlines() if line.startswith("The package ")}

    def _try(self) -> None:
        python = self._scratch / "venv" / "bin" / "python"
        for name, arguments in self._tests:
            if not self._step(name, [str(python), *arguments]):
                return

    def _step(self, name: str, command: Sequence[str]) -> bool:
        begun = time.monotonic()
        try:
            ended = subprocess.run(  # noqa: S603 - uv and our own arguments
                command,
                cwd=self._scratch,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                timeout=_PATIENCE,
                check=False,
            )
            succeeded, output = ended.returncode == 0, ended.stdout
        except subprocess.TimeoutExpired:
            succeeded, output = False, f"it did not end within {_PATIENCE:.0f} s"
        shown = "\n".join(output.strip().splitlines()[-_SHOWN:]).replace(str(self._scratch), "…")
        self._steps.append(Step(name, succeeded, round(time.monotonic() - begun, 1), shown))
        return succeeded

    def _environment(self) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if name in _KEPT or name.startswith(_KEPT_PREFIXES)
        }
        return kept | {
            "PYTHONPATH": str(self._tree),
            "PYTHONDONTWRITEBYTECODE": "1",
            "MIRAIKAKAKU_HOME": str(self._scratch / "home"),
            "UV_NO_PROGRESS": "1",
        }


def pinned(lock: str) -> dict[str, str]:
    """Package → version; several where the lock differs by platform."""
    versions: dict[str, list[str]] = {}
    for name, version in _PINNED.findall(lock):
        versions.setdefault(name.lower(), []).append(version)
    return {name: ", ".join(named) for name, named in versions.items()}


def changed(before: str, after: str) -> dict[str, tuple[str | None, str | None]]:
    """Package → versions before and after, of those that differ."""
    old, new = pinned(before), pinned(after)
    return {
        name: (old.get(name), new.get(name))
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    }
