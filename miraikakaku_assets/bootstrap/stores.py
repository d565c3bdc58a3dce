"""Where things are kept."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from miraikakaku_assets.adapters.files.state_folders import FolderFileStore, FolderReportStore
    from miraikakaku_assets.adapters.sources.files.intraday_bars import NamedBarFiles
    from miraikakaku_assets.adapters.storage.analysis.signal_lists import PostgresSignalLists
    from miraikakaku_assets.adapters.storage.analysis.store import PostgresAnalysis
    from miraikakaku_assets.adapters.storage.bars.store import PostgresBars
    from miraikakaku_assets.adapters.storage.collection.claims import PostgresClaims
    from miraikakaku_assets.adapters.storage.collection.ledger import PostgresLedger
    from miraikakaku_assets.adapters.storage.collection.probes import PostgresProbes
    from miraikakaku_assets.adapters.storage.collection.stage_reports import PostgresStageReports
    from miraikakaku_assets.adapters.storage.copper.store import PostgresCurve
    from miraikakaku_assets.adapters.storage.coverage.history import PostgresCoverageHistory
    from miraikakaku_assets.adapters.storage.coverage.store import PostgresCoverage
    from miraikakaku_assets.adapters.storage.forecasts.records import PostgresForecastRecords
    from miraikakaku_assets.adapters.storage.glance import PostgresGlance
    from miraikakaku_assets.adapters.storage.jobs.queue import PostgresJobQueue
    from miraikakaku_assets.adapters.storage.masters.store import PostgresMasters
    from miraikakaku_assets.adapters.storage.screening.store import PostgresScreener
    from miraikakaku_assets.adapters.storage.status import PostgresStatus
    from miraikakaku_assets.adapters.storage.symbols.store import PostgresSymbols
    from miraikakaku_assets.application.bulk.results import ResultPorts
    from miraikakaku_assets.application.ports.evidence import EvaluationDatasets
    from miraikakaku_assets.bootstrap.installation import Installation


@dataclass(frozen=True)
class Stores:
    """Tables and folders of the installation."""

    installation: Installation

    @cached_property
    def curve(self) -> PostgresCurve:
        """The copper curve: quotes and stocks."""
        from miraikakaku_assets.adapters.storage.copper.store import PostgresCurve

        return PostgresCurve(self.installation.database)

    @cached_property
    def masters(self) -> PostgresMasters:
        """Stock master and instruments."""
        from miraikakaku_assets.adapters.storage.masters.store import PostgresMasters

        return PostgresMasters(self.installation.database)

    @cached_property
    def bars(self) -> PostgresBars:
        """Bars, corporate actions and the quarantine."""
        from miraikakaku_assets.adapters.storage.bars.store import PostgresBars

        return PostgresBars(self.installation.database)

    @cached_property
    def analysis(self) -> PostgresAnalysis:
        """Marks, derived bars, indicators and signals."""
        from miraikakaku_assets.adapters.storage.analysis.store import PostgresAnalysis

        return PostgresAnalysis(self.installation.database)

    @cached_property
    def ledger(self) -> PostgresLedger:
        """Account of collections."""
        from miraikakaku_assets.adapters.storage.collection.ledger import PostgresLedger

        return PostgresLedger(self.installation.database)

    @cached_property
    def stage_reports(self) -> PostgresStageReports:
        """What runs have reported."""
        from miraikakaku_assets.adapters.storage.collection.stage_reports import PostgresStageReports

        return PostgresStageReports(self.installation.database)

    @cached_property
    def claims(self) -> PostgresClaims:
        """Which collection at work fetches which symbol."""
        from miraikakaku_assets.adapters.storage.collection.claims import PostgresClaims

        return PostgresClaims(self.installation.database)

    @property
    def results(self) -> ResultPorts:
        """What the files of bulk jobs are made with."""
        from miraikakaku_assets.adapters.files.result_folder import ResultsBelowHome
        from miraikakaku_assets.application.bulk.results import ResultPorts

        return ResultPorts(self.job_queue, ResultsBelowHome(self.installation.settings.home), self.bars)

    @cached_property
    def job_queue(self) -> PostgresJobQueue:
        """Bulk jobs, for their runs and the sensor that watches over them."""
        from miraikakaku_assets.adapters.storage.jobs.queue import PostgresJobQueue

        return PostgresJobQueue(self.installation.database)

    @cached_property
    def coverage(self) -> PostgresCoverage:
        """Holdings and coverage reports."""
        from miraikakaku_assets.adapters.storage.coverage.store import PostgresCoverage

        return PostgresCoverage(self.installation.database)

    @cached_property
    def coverage_history(self) -> PostgresCoverageHistory:
        """What earlier checks have found, and sizes of the storage."""
        from miraikakaku_assets.adapters.storage.coverage.history import PostgresCoverageHistory

        settings = self.installation.settings
        return PostgresCoverageHistory(
            self.installation.database, None if settings.database_url else settings.home
        )

    @cached_property
    def status(self) -> PostgresStatus:
        """Figures for the operator."""
        from miraikakaku_assets.adapters.storage.status import PostgresStatus

        return PostgresStatus(self.installation.database)

    @cached_property
    def signal_lists(self) -> PostgresSignalLists:
        """Pages of signals."""
        from miraikakaku_assets.adapters.storage.analysis.signal_lists import PostgresSignalLists

        return PostgresSignalLists(self.installation.database)

    @cached_property
    def glance(self) -> PostgresGlance:
        """Figures of an overview."""
        from miraikakaku_assets.adapters.storage.glance import PostgresGlance

        return PostgresGlance(self.installation.database)

    @cached_property
    def probes(self) -> PostgresProbes:
        """Account of the probes."""
        from miraikakaku_assets.adapters.storage.collection.probes import PostgresProbes

        return PostgresProbes(self.installation.database)

    @cached_property
    def screener(self) -> PostgresScreener:
        """All instruments, one row each."""
        from miraikakaku_assets.adapters.storage.screening.store import PostgresScreener

        return PostgresScreener(self.installation.database, self.installation.clock)

    @cached_property
    def symbols(self) -> PostgresSymbols:
        """Facts and news of one instrument."""
        from miraikakaku_assets.adapters.storage.symbols.store import PostgresSymbols

        return PostgresSymbols(self.installation.database)

    @cached_property
    def forecast_records(self) -> PostgresForecastRecords:
        """What stored forecasts were worth."""
        from miraikakaku_assets.adapters.storage.forecasts.records import PostgresForecastRecords

        return PostgresForecastRecords(self.installation.database)

    @cached_property
    def files(self) -> FolderFileStore:
        """Published lists as they came in."""
        from miraikakaku_assets.adapters.files.state_folders import FolderFileStore

        return FolderFileStore(self.installation.settings.home)

    @cached_property
    def reports(self) -> FolderReportStore:
        """JSON reports."""
        from miraikakaku_assets.adapters.files.state_folders import FolderReportStore

        return FolderReportStore(self.installation.settings.home)

    def datasets(self, folder: Path) -> AbstractContextManager[EvaluationDatasets]:
        """A folder of real market data that forecasts are judged on."""
        from miraikakaku_assets.adapters.sources.files.market_data_folder import evidence_in

        return evidence_in(folder)

    @cached_property
    def bar_files(self) -> NamedBarFiles:
        """Bars from a file that a user names, to try something on."""
        from miraikakaku_assets.adapters.sources.files.intraday_bars import NamedBarFiles

        return NamedBarFiles()
