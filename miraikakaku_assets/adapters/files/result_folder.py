"""Files of bulk jobs below ``results/`` of the state folder."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import polars as pl

from miraikakaku_assets.adapters.files.whole_file import whole_file
from miraikakaku_assets.domain.errors import ConfigurationError


class ResultsBelowHome:
    """Implements the port `ResultFolder`."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "results"

    def write(self, name: str, tables: Iterable[pl.DataFrame]) -> tuple[int, int, str]:
        """Table by table, a row group each.

        Raises:
            ConfigurationError: It cannot be written there.
        """
        from pyarrow import parquet

        path, rows, writer = self._folder / name, 0, None
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with whole_file(path) as unfinished:
                for table in tables:
                    arrow = table.to_arrow()
                    writer = writer or parquet.ParquetWriter(unfinished, arrow.schema, compression="zstd")
                    writer.write_table(arrow)
                    rows += table.height
                if writer is not None:
                    writer.close()
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            return rows, path.stat().st_size, digest
        except OSError as error:
            raise ConfigurationError(
                f"{path} cannot be written ({error.strerror}); make room there or name another MIRAIKAKAKU_HOME"
            ) from error
