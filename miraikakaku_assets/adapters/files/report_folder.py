"""A report of several files below ``reports/`` of the state folder."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from miraikakaku_assets.domain.errors import ConfigurationError


class FolderReports:
    """Implements the port `ReportFolder` in ``reports/`` of the state folder."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "reports"

    def write(self, name: str, files: Mapping[str, str]) -> Path:
        """Writes a folder of text files, whole or not at all, and returns it.

        Raises:
            ConfigurationError: It cannot be written there, or is there already.
        """
        target = self._folder / name
        unfinished = self._folder / f".{name}.{os.getpid()}.unfinished"
        try:
            unfinished.mkdir(parents=True)
            for file, content in files.items():
                (unfinished / file).write_text(content, encoding="utf-8")
            unfinished.rename(target)
        except OSError as error:
            raise ConfigurationError(
                f"{target} cannot be written ({error.strerror}); make room there or name another MIRAIKAKAKU_HOME"
            ) from error
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
        return target
