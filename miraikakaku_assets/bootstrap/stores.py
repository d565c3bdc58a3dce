"""Where things are kept."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from miraikakaku_assets.bootstrap.installation import Installation

if TYPE_CHECKING:
    from miraikakaku_assets.adapters.shelves import FolderFileShelf, FolderReportShelf
    from miraikakaku_assets.adapters.sources.intraday_files import NamedBarFiles
    from miraikakaku_assets.adapters.storage.analysis import PostgresAnalysis
    from miraikakaku_assets.adapters.storage.bars import PostgresBars
    from miraikakaku_assets.adapters.storage.claims import PostgresClaims
    from miraikakaku_assets.adapters.storage.coverage import PostgresCoverage
    from miraikakaku_assets.adapters.storage.ledger import PostgresLedger
    from miraikakaku_assets.adapters.storage.masters import PostgresMasters
    from miraikakaku_assets.adapters.storage.probes import PostgresProbes
    from miraikakaku_assets.adapters.storage.status import PostgresStatus


class Stores(Installation):
    """Tables and folders of the installation."""

    @cached_property
    def masters(self) -> PostgresMasters:
        """Stock master and instruments."""
        from miraikakaku_assets.adapters.storage.masters import PostgresMasters

        return PostgresMasters(self.database)

    @cached_property
    def bars(self) -> PostgresBars:
        """Bars, corporate actions and the quarantine."""
        from miraikakaku_assets.adapters.storage.bars import PostgresBars

        return PostgresBars(self.database)

    @cached_property
    def analysis(self) -> PostgresAnalysis:
        """Marks, derived bars, indicators and signals."""
        from miraikakaku_assets.adapters.storage.analysis import PostgresAnalysis

        return PostgresAnalysis(self.database)

    @cached_property
    def ledger(self) -> PostgresLedger:
        """Account of collections."""
        from miraikakaku_assets.adapters.storage.ledger import PostgresLedger

        return PostgresLedger(self.database)

    @cached_property
    def claims(self) -> PostgresClaims:
        """Which collection at work fetches which symbol."""
        from miraikakaku_assets.adapters.storage.claims import PostgresClaims

        return PostgresClaims(self.database)

    @cached_property
    def coverage(self) -> PostgresCoverage:
        """Holdings and coverage reports."""
        from miraikakaku_assets.adapters.storage.coverage import PostgresCoverage

        return PostgresCoverage(self.database)

    @cached_property
    def status(self) -> PostgresStatus:
        """Figures for the operator."""
        from miraikakaku_assets.adapters.storage.status import PostgresStatus

        return PostgresStatus(self.database)

    @cached_property
    def probes(self) -> PostgresProbes:
        """Account of the probes."""
        from miraikakaku_assets.adapters.storage.probes import PostgresProbes

        return PostgresProbes(self.database)

    @cached_property
    def files(self) -> FolderFileShelf:
        """Published lists as they came in."""
        from miraikakaku_assets.adapters.shelves import FolderFileShelf

        return FolderFileShelf(self.settings.home)

    @cached_property
    def reports(self) -> FolderReportShelf:
        """JSON reports."""
        from miraikakaku_assets.adapters.shelves import FolderReportShelf

        return FolderReportShelf(self.settings.home)

    @cached_property
    def bar_files(self) -> NamedBarFiles:
        """Bars from a file that a user names, to try something on."""
        from miraikakaku_assets.adapters.sources.intraday_files import NamedBarFiles

        return NamedBarFiles()
