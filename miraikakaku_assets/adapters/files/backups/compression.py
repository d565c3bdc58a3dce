"""Files of a backup that are compressed when nobody reads them."""

import hashlib
import shutil
from pathlib import Path

from miraikakaku_assets.domain.errors import BackupError

_ZSTD = ".zst"
_BLOCK = 1 << 20


def compress(file: Path) -> None:
    """Puts a Zstandard file in the place of a file, once it was read back and compared.

    Raises:
        BackupError: It does not hold what was written.
    """
    import pyarrow as pa

    target = file.with_name(file.name + _ZSTD)
    written = hashlib.sha256()
    with file.open("rb") as source, pa.output_stream(str(target), compression="zstd") as sink:
        while block := source.read(_BLOCK):
            written.update(block)
            sink.write(block)
    reread = hashlib.sha256()
    with pa.input_stream(str(target), compression="zstd") as source:
        while block := source.read(_BLOCK):
            reread.update(block)
    if reread.digest() != written.digest():
        raise BackupError(f"{target} does not hold what was written to it: the disk is damaged")
    file.unlink()


def unpack(file: Path, folder: Path) -> None:
    """Puts a file uncompressed into a folder."""
    import pyarrow as pa

    if file.suffix != _ZSTD:
        shutil.copyfile(file, folder / file.name)
        return
    with (
        pa.input_stream(str(file), compression="zstd") as source,
        (folder / file.name.removesuffix(_ZSTD)).open("wb") as sink,
    ):
        shutil.copyfileobj(source, sink, _BLOCK)
