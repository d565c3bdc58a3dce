"""The US list: Nasdaq Trader's two directories and, if a key is given, Alpha Vantage's listing status."""

import logging
from dataclasses import dataclass, field
from pathlib import Path

from miraikakaku_assets.adapters.sources.http import local_path, read_published
from miraikakaku_assets.adapters.sources.us_listings.alpha_vantage import (
    LISTING_STATUS,
    fetch_listing_status,
    read_listing_status,
)
from miraikakaku_assets.adapters.sources.us_listings.nasdaq_trader import (
    NASDAQ_LISTED,
    OTHER_LISTED,
    list_date,
    read_directory,
)
from miraikakaku_assets.application.ports import Publication, PublishedFile
from miraikakaku_assets.domain.errors import DependencyUnavailableError, InputFileError
from miraikakaku_assets.domain.market.master import StockList
from miraikakaku_assets.domain.market.us_listings import reconcile

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class UsAddresses:
    """Where the parts of the US list are published.

    Attributes:
        nasdaq_listed: URL or file of nasdaqlisted.txt.
        other_listed: URL or file of otherlisted.txt.
        alpha_vantage: Scheme and host of Alpha Vantage.
        alpha_vantage_key: API key; Alpha Vantage is not asked without one.
    """

    nasdaq_listed: str
    other_listed: str
    alpha_vantage: str = ""
    alpha_vantage_key: str = field(default="", repr=False)


class UsDirectories:
    """Reads the US list from its URLs, from another base URL, or from a folder.

    Args:
        timeout: Seconds for each download.
        addresses: Where its parts are published.
    """

    def __init__(self, timeout: float, addresses: UsAddresses) -> None:
        self._timeout = timeout
        self._addresses = addresses

    @property
    def locations(self) -> tuple[str, ...]:
        """Where its parts are published; Alpha Vantage is one of them if there is a key."""
        vendor = (self._addresses.alpha_vantage,) if self._addresses.alpha_vantage_key else ()
        return (self._addresses.nasdaq_listed, self._addresses.other_listed, *vendor)

    def fetch(self, location: str | None) -> Publication:
        """Reads all parts.

        Args:
            location: Base URL or folder of both directories; a folder may also hold listing_status.csv. Names
                may carry something before them (``2025-07-21_nasdaqlisted.txt``). None: the addresses, and
                Alpha Vantage if there is a key.

        Raises:
            DependencyUnavailableError: A URL of the directories cannot be reached.
            InputFileError: A part is missing, twice there, or empty.
        """
        if location is None:
            files = [
                read_published(self._addresses.nasdaq_listed, self._timeout, NASDAQ_LISTED),
                read_published(self._addresses.other_listed, self._timeout, OTHER_LISTED),
            ]
            key = self._addresses.alpha_vantage_key
            if key:
                files += self._listing_status(key)
            return Publication(tuple(files))
        if location.startswith(("http://", "https://")):
            base = location.rstrip("/")
            return Publication(
                tuple(
                    read_published(f"{base}/{part}", self._timeout, part)
                    for part in (NASDAQ_LISTED, OTHER_LISTED)
                )
            )
        return self._folder(local_path(location))

    def _listing_status(self, key: str) -> list[PublishedFile]:
        """Alpha Vantage's file; none while it refuses: it adds days, and the exchanges' directories do without."""
        try:
            return [fetch_listing_status(self._addresses.alpha_vantage, key, self._timeout)]
        except DependencyUnavailableError as error:
            _log.warning("%s The list is made without it.", error)
            return []

    def parse(self, publication: Publication) -> StockList:
        """Reads the parts and makes one list of them.

        Raises:
            InputFileError: A part is not what it should be, or the directories are of different days.
        """
        listed, other = (
            read_directory(_required(publication, part)) for part in (NASDAQ_LISTED, OTHER_LISTED)
        )
        day = list_date(listed, other, publication.files[0].name)
        status = publication.part(LISTING_STATUS)
        vendor = None if status is None else read_listing_status(status)
        reconciled = reconcile((*listed.lines, *other.lines), vendor, day)
        if not reconciled.issues:
            raise InputFileError(
                publication.files[0].name, "no_issues", "the directories hold test issues only"
            )
        counts = {**reconciled.left_out, **reconciled.disagreements}
        return StockList(day, reconciled.issues, publication.sha256, counts, reconciled.delisted)

    def _folder(self, folder: Path) -> Publication:
        if not folder.is_dir():
            known = f"a folder with {NASDAQ_LISTED} and {OTHER_LISTED}"
            missing = "there is no such folder" if not folder.exists() else "it is a single file"
            raise InputFileError(str(folder), "not_a_folder", f"{missing}; the US list is {known}")
        files: list[PublishedFile] = []
        for part, required in ((NASDAQ_LISTED, True), (OTHER_LISTED, True), (LISTING_STATUS, False)):
            paths = sorted(path for path in folder.iterdir() if path.name.endswith(part))
            if len(paths) > 1:
                raise InputFileError(
                    str(folder), "ambiguous_folder", f"it holds {len(paths)} files …{part}; leave one"
                )
            if required and not paths:
                raise InputFileError(str(folder), "missing_part", f"it holds no {part}")
            files += [read_published(str(path), self._timeout, part) for path in paths]
        return Publication(tuple(files))


def _required(publication: Publication, part: str) -> PublishedFile:
    file = publication.part(part)
    if file is None:
        raise InputFileError(publication.files[0].name, "missing_part", f"{part} does not come with it")
    return file
