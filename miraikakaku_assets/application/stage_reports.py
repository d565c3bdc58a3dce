"""What the run of a stage reports: stored by run id, shown in the web UI, printed by the commands that started it.

A field is a key of the JSON document that commands print, in its order; one that is None is left out. Kept light: every
command line loads it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


class StageReport(Protocol):
    """A dataclass with what a stage has done."""

    stage: ClassVar[str]
    __dataclass_fields__: ClassVar[dict[str, Any]]


ERROR, DOUBT = "error", "doubt"
"""Kinds of broken rules: stored data are wrong, or unusual."""


def figures(report: "DataclassInstance") -> dict[str, Any]:
    """The report by the keys of its document, without what is None; dates are dates."""
    shown = {field.name: getattr(report, field.name) for field in fields(report)}
    return {key: value for key, value in shown.items() if value is not None}


@dataclass(frozen=True)
class MasterTotals:
    """What the update of a stock master has changed.

    Attributes:
        listed: Issues in force.
        counts: Lines left out and disagreements between sources, by reason.
        list_date: Date of the list.
        stored_file: Where its file is kept below the state folder.
        partition_keys_added: Keys of issues that had none.
    """

    stage: ClassVar[str] = "master"
    listed: int
    added: int
    updated: int
    removed: int
    returned: int
    unchanged: int
    counts: Mapping[str, int]
    list_date: date | None
    source: str
    stored_file: str
    partition_keys_added: int


@dataclass(frozen=True)
class PriceTotals:
    """What a collection has done; fields as of `CollectionReport`, symbols and rows counted.

    Attributes:
        price_basis: Symbols of files whose prices were not the quoted ones, by what they were.
        batch: Number in ``batch_executions``.
        first_without_bars: Symbol → verdict, of some that were served and of which there is no single bar.
        first_failures: Symbol → error sentence, of some that failed.
    """

    stage: ClassVar[str] = "prices"
    symbols: int
    requests: int
    failed_symbols: int
    symbols_without_bars: int
    rows_read: int
    inserted: int
    restated: int
    unchanged: int
    quarantined: int
    flagged: int
    reconsidered: int
    withdrawn: int
    withdrawn_bars: Mapping[str, str]
    padding: int
    quarantined_by_rule: Mapping[str, int]
    doubtful_actions: Mapping[str, int]
    price_basis: Mapping[str, int]
    verdicts: Mapping[str, int]
    batch: int
    first_without_bars: Mapping[str, str] | None = None
    first_failures: Mapping[str, str] | None = None


@dataclass(frozen=True)
class AnalysisTotals:
    """What an analysis has done; timeframes are keys of bars and indicators, which are rows written."""

    stage: ClassVar[str] = "analysis"
    symbols: int
    failed_symbols: int
    verdicts: Mapping[str, int]
    bars: Mapping[str, int]
    indicators: Mapping[str, int]
    new_signals: int


@dataclass(frozen=True)
class UnknownSymbols:
    """Symbols that a stage was asked for and that nobody knows; no run has done anything about them."""

    symbols: int
    verdicts: Mapping[str, int]
    unknown: tuple[str, ...]


@dataclass(frozen=True)
class TrainingTotals:
    """What became of the models.

    Attributes:
        trained_until: Last session that the trainings have seen.
        models: Trainings that there are now.
        seconds: Of those that were trained now.
        reasons: Model → why there is none; None where all are there.
    """

    stage: ClassVar[str] = "training"
    trained_until: date
    models: int
    reused_models: int
    failed_models: int
    seconds: float
    reasons: Mapping[str, str] | None = None


@dataclass(frozen=True)
class PredictionTotals:
    """What was forecast; the last five are of forecasts of the past that were made again, see `ReplayReport`.

    Attributes:
        as_of: Origin (exchange date).
        symbols: Instruments with a forecast of the ensemble, or a reason why not.
        rows_written: Rows that were not there before.
        made: Model → symbols with a forecast.
        missing: Model → reason → symbols without.
        failures: Model → why it broke off or could not be read.
        largest_difference: In log returns.
        absent_inputs: Input of the night → why it was not known; None where all were, and in the evening.
    """

    stage: ClassVar[str] = "predictions"
    as_of: date
    symbols: int
    rows_written: int
    made: Mapping[str, int]
    missing: Mapping[str, Mapping[str, int]]
    failures: Mapping[str, str]
    same: Mapping[str, int] | None = None
    different: Mapping[str, int] | None = None
    gone: Mapping[str, str] | None = None
    other_bands: Mapping[str, int] | None = None
    largest_difference: float | None = None
    absent_inputs: Mapping[str, str] | None = None


@dataclass(frozen=True)
class ScoreTotals:
    """What was scored.

    Attributes:
        ensemble: How good the ensemble has been, in words.
        until: Last session whose closes count.
        waiting_targets: Targets that have ended and whose bar has not come.
        standing_alerts: Alerts about forecasts that stand.
    """

    stage: ClassVar[str] = "scores"
    ensemble: str
    until: date
    new_outcomes: int
    waiting_targets: int
    scored_days: int
    standing_alerts: int


@dataclass(frozen=True)
class CoverageTotals:
    """Coverage of a universe.

    Attributes:
        coverage: Share of the expected bars that are stored.
        denominator: In words, what 100 % would be.
        below_threshold: Segments below the threshold, with commas between them, or ``none``.
        report: Path of the JSON report.
    """

    stage: ClassVar[str] = "coverage"
    coverage: float
    expected_bars: int
    stored_bars: int
    missing_bars: int
    complete_instruments: int
    empty_instruments: int
    denominator: str
    below_threshold: str
    gaps_by_cause: Mapping[str, int]
    report: str


@dataclass(frozen=True)
class RepairTotals:
    """What came of a repair of gaps.

    Attributes:
        timeframe: Of the bars.
        gaps: That were asked for.
        requests: Windows that were asked for; neighbouring gaps of a symbol may share one.
        outcomes: Outcome → gaps, see `domain.coverage.repair.OUTCOMES`.
        missing_before: Bars that they missed.
        missing_after: Bars that they miss now.
        skipped: Cause → gaps that no request is expected to fill, which were left alone.
        first_gaps: What became of some of them, one by one.
    """

    stage: ClassVar[str] = "repair"
    timeframe: str
    gaps: int
    requests: int
    outcomes: Mapping[str, int]
    missing_before: int
    missing_after: int
    skipped: Mapping[str, int]
    first_gaps: Sequence[str] = ()


@dataclass(frozen=True)
class MonitorTotals:
    """What the report of the coverage of everything says.

    Attributes:
        coverage: Universe → share of the expected bars that are stored.
        missing_bars: Universe → expected bars that are not stored.
        floors: List → issues it holds.
        shortfalls: Floors and thresholds that are missed, and checks that are too old, one sentence each.
        damaged_reports: Earlier reports that cannot be read any more.
        report: Path of the JSON report.
        page: Path of its page.
    """

    stage: ClassVar[str] = "coverage_report"
    coverage: Mapping[str, float]
    missing_bars: Mapping[str, int]
    floors: Mapping[str, int]
    shortfalls: Sequence[str]
    damaged_reports: Sequence[str]
    report: str
    page: str


@dataclass(frozen=True)
class ReviewTotals:
    """What a review says.

    Attributes:
        period: ``weekly`` or ``monthly``.
        remarks: What somebody should look at, one sentence each.
        database_bytes: Size of the database.
        disk_days_left: Until the disk is full; None: it is not filling, or there is too little history.
        report: Path of the JSON document.
        page: Path of its page.
    """

    stage: ClassVar[str] = "review"
    period: str
    remarks: Sequence[str]
    database_bytes: int
    disk_days_left: float | None
    report: str
    page: str


@dataclass(frozen=True)
class CurveTotals:
    """What a collection of the copper curve has stored, and what the curve says.

    Attributes:
        as_of: Newest session of any contract.
        contracts: Contracts of the curve.
        quotes_inserted: Quotes that are new.
        quotes_restated: Stored ones for which the source now says something else.
        quotes_unchanged: Those that were stored already.
        refused: Rule → refused quotes.
        sources: Source → requests or files it took.
        lost: Contract or source → why it could not be served.
        regime: ``backwardation``, ``contango`` or ``flat``; None without LME prices.
        spread: Cash over three months, USD/t.
        spread_percentile: Share of all stored sessions with a smaller spread.
        slope: Growth of the price a year along the contract months, log points.
        roll_yield: (front − back)/front × 365/days of the contract months.
        stock_tonnes: In the LME's warehouses.
    """

    stage: ClassVar[str] = "curve"
    as_of: date
    contracts: int
    quotes_inserted: int
    quotes_restated: int
    quotes_unchanged: int
    refused: Mapping[str, int]
    sources: Mapping[str, int]
    lost: Mapping[str, str]
    regime: str | None
    spread: float | None
    spread_percentile: float | None
    slope: float | None
    roll_yield: float | None
    stock_tonnes: float | None


@dataclass(frozen=True)
class QualityTotals:
    """What a check of stored data has found.

    Attributes:
        batch: Newest session that was looked at.
        rules: How many were judged.
        states: State → rules.
        broken: Of every broken rule: kind (`ERROR`, or `DOUBT` about series and days), check, rule, sentence, rows,
            exceptions, note, worst (key and value), query.
        training: Check and rule → what is still to be learnt before it judges.
    """

    stage: ClassVar[str] = "quality"
    batch: date
    rules: int
    states: Mapping[str, int]
    broken: Sequence[Mapping[str, Any]]
    training: Mapping[str, str]
