"""An archive of files as a price source."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from miraikakaku_assets.adapters.sources.vendor import PriceVendor
from miraikakaku_assets.domain.errors import ConfigurationError, InputFileError

if TYPE_CHECKING:
    from miraikakaku_assets.adapters.sources.files.archive import ArchiveSource
    from miraikakaku_assets.adapters.sources.vendor import Installation


def _source(installation: Installation) -> ArchiveSource:
    """The archive that MIRAIKAKAKU_ARCHIVE_DIR names.

    Raises:
        ConfigurationError: It is not named or not there.
    """
    from miraikakaku_assets.adapters.sources.files.archive import ArchiveSource

    folder = installation.settings.miraikakaku_archive_dir
    if folder is None or not folder.expanduser().exists():
        shown = "is not set" if folder is None else f"names {folder}, which does not exist"
        raise ConfigurationError(
            f"MIRAIKAKAKU_ARCHIVE_DIR {shown}; name a file or folder of Parquet or CSV bars"
        )
    try:
        return ArchiveSource(folder.expanduser())
    except InputFileError as error:
        raise ConfigurationError(f"MIRAIKAKAKU_ARCHIVE_DIR: {error}") from None


VENDOR = PriceVendor(
    name="archive",
    title="archive",
    origin="an archive of files",
    pool="archive",
    kinds=frozenset({"file"}),
    limit_row="archive",
    make=_source,
    first_day=date.min,
)
