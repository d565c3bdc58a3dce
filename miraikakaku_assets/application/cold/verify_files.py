"""Use case: every cold file is read whole, before somebody needs its bars."""

from collections.abc import Mapping
from dataclasses import dataclass

from miraikakaku_assets.application.cold.move_bars import ColdPorts
from miraikakaku_assets.application.ports.operations.cold import ColdFile


@dataclass(frozen=True)
class VerifiedFiles:
    """What a search has found.

    Attributes:
        files: All files in force.
        damaged: Path → what is wrong with it.
    """

    files: tuple[ColdFile, ...]
    damaged: Mapping[str, str]


def verify_files(ports: ColdPorts) -> VerifiedFiles:
    """Compares bytes and bars of each file with what was moved, and looks for bars that are in both places."""
    files = tuple(ports.store.in_force())
    damaged: dict[str, str] = {}
    for number, file in enumerate(files):
        ports.work.count(number, len(files), len(damaged))
        trouble = ports.store.trouble(file)
        if trouble:
            damaged[file.figures.path] = trouble
    ports.work.count(len(files), len(files), len(damaged))
    return VerifiedFiles(files, damaged)
