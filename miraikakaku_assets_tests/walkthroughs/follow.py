"""Follows a walk-through of CONTRIBUTING.md in a copy of the package.

A step is a numbered paragraph. Its code blocks are carried out: one that opens with ``python PATH`` is a new file, one
that opens with ``diff PATH`` changes a file that is there, by the lines it begins with: blank for a line that has to
stand there, ``+`` for a new one, ``-`` for one that goes.
"""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "CONTRIBUTING.md"
PACKAGES = ("miraikakaku_assets", "miraikakaku_assets_tests")
_BLOCK = re.compile(r"^( *)```(python|diff) (\S+)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Checkout:
    """A copy of the package in which a walk-through was followed."""

    folder: Path

    def python(self, *arguments: str, **environment: str) -> str:
        """What Python prints that runs with this copy of the package; fails with its errors if it ends badly.

        Args:
            arguments: Of the interpreter, e.g. ``-c`` and a program.
            environment: Variables beside those of this process.
        """
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1", **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    def pytest(self, *arguments: str) -> None:
        """Runs tests of the copy; fails with their report if one fails."""
        self.python("-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", *arguments)


def steps(title: str) -> list[str]:
    """The numbered steps of a walk-through.

    Args:
        title: Its heading, e.g. ``Adding an indicator``.
    """
    page = PAGE.read_text(encoding="utf-8")
    section = re.search(rf"^### {re.escape(title)}\n(.*?)(?=^##|\Z)", page, re.MULTILINE | re.DOTALL)
    assert section is not None, f"CONTRIBUTING.md has no heading '### {title}'"
    return re.split(r"^\d+\. ", section[1], flags=re.MULTILINE)[1:]


def follow(title: str, folder: Path) -> Checkout:
    """Copies the package and carries out every step of a walk-through there.

    Args:
        title: Its heading.
        folder: Where the copy goes; has to exist.
    """
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.cfg", "workspace.yaml", "dagster.yaml"):
        shutil.copy(ROOT / name, folder)
    for step in steps(title):
        blocks = list(_BLOCK.finditer(step))
        assert blocks, f"no code in the step: {step}"
        for block in blocks:
            indent, kind, name, text = block.groups()
            lines = [line.removeprefix(indent) for line in text.splitlines()]
            assert f"`{name}`" in step, f"the step does not name {name} in its text"
            _write(folder / name, lines) if kind == "python" else _change(folder / name, lines)
    return Checkout(folder)


def _write(path: Path, lines: list[str]) -> None:
    assert not path.exists(), f"{path.name} is there already"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")


def _change(path: Path, lines: list[str]) -> None:
    old = [line[1:] for line in lines if line[:1] != "+"]
    new = [line[1:] for line in lines if line[:1] != "-"]
    text = path.read_text(encoding="utf-8")
    there, changed = "\n".join([*old, ""]), "\n".join([*new, ""])
    assert old, f"{path.name}: a change has to name a line that stands there"
    assert f"\n{text}".count(f"\n{there}") == 1, f"{path.name} has these lines not exactly once:\n{there}"
    path.write_text(f"\n{text}".replace(f"\n{there}", f"\n{changed}")[1:], encoding="utf-8")
