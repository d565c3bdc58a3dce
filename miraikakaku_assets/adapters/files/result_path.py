"""Where a result of a bulk job lies, for a process that loads no Polars."""

from pathlib import Path


def result_path(folder: Path, name: str) -> Path | None:
    """A plain file directly in a folder; None for anything else that a name may lead to."""
    path = folder / name
    if path.name != name or path.is_symlink() or not path.is_file():
        return None
    return path
