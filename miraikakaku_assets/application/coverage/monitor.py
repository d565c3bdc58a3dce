"""Use case: one report of the coverage of everything that is collected, as a document and as a page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from miraikakaku_assets.application.ports import Clock
from miraikakaku_assets.application.ports.coverage import CheckedUniverse, CoverageHistory, ReportShelf
from miraikakaku_assets.application.reporting.page import (
    Section,
    heading,
    heat_map,
    line_chart,
    page,
    paragraph,
    table,
)
from miraikakaku_assets.application.stage_reports import MonitorTotals
from miraikakaku_assets.domain.coverage.causes import CAUSES
from miraikakaku_assets.domain.errors import WorkFellShortError
from miraikakaku_assets.domain.market.instruments import UNIVERSES
from miraikakaku_assets.domain.percent import percent

STEM = "coverage_monitor"
_CHECKS = 120  # a month of four a day
_STALE = timedelta(hours=13)  # checked every six hours
_WORST = 20


@dataclass(frozen=True)
class Floor:
    """How many issues a list should hold at least.

    Attributes:
        name: ``japanese_stocks``, ``us_stocks`` or ``etfs``, as the settings call them.
        count: How many there are.
        at_least: How many there should be.
        setting: Variable that says so.
    """

    name: str
    count: int
    at_least: int
    setting: str

    @property
    def holds(self) -> bool:
        """Whether there are as many as there should be."""
        return self.count >= self.at_least


@dataclass(frozen=True)
class Floors:
    """The least numbers that the settings name: MIN_JAPANESE_STOCKS, MIN_US_STOCKS, MIN_ETFS."""

    japanese_stocks: int
    us_stocks: int
    etfs: int


@dataclass(frozen=True)
class CoverageMonitor:
    """What a report is made of.

    Attributes:
        made_at: When (UTC).
        threshold: Share below which a segment is reported.
        floors: Lists and how long they should be.
        universes: The newest check of each that is collected.
        damaged: Earlier reports that cannot be read any more.
    """

    made_at: datetime
    threshold: float
    floors: Sequence[Floor]
    universes: Sequence[CheckedUniverse]
    damaged: Sequence[str]

    @property
    def shortfalls(self) -> list[str]:
        """Floors and thresholds that are missed, and checks that are too old, one sentence each."""
        sentences = [
            f"{floor.name}: {floor.count:,} issues, at least {floor.at_least:,} expected ({floor.setting})"
            for floor in self.floors
            if not floor.holds
        ]
        for checked in self.universes:
            age = self.made_at - checked.checked_at
            if age > _STALE:
                sentences.append(f"{checked.universe} was last checked {age / timedelta(hours=1):.0f} h ago")
            low = [
                row
                for row in checked.segments
                if row["coverage"] is not None and row["coverage"] < self.threshold
            ]
            sentences += [
                f"{checked.universe} {row['segment']}: {percent(row['coverage'])}, below {percent(self.threshold)}"
                for row in sorted(low, key=lambda row: row["coverage"])
            ]
        return sentences


def monitor_coverage(
    history: CoverageHistory, shelf: ReportShelf, clock: Clock, threshold: float, least: Floors
) -> tuple[CoverageMonitor, MonitorTotals]:
    """Puts the newest checks together, measures the storage, and writes the report and its page.

    An earlier report that is damaged is named in this one and does not keep it from being written.

    Raises:
        ConfigurationError: The report cannot be written.
        WorkFellShortError: Nothing was ever checked.
    """
    now = clock()
    checked = [history.newest(universe, _CHECKS) for universe in UNIVERSES.values()]
    universes = [each for each in checked if each is not None]
    if not universes:
        raise WorkFellShortError("Coverage was never checked; run `miraikakaku check` after a collection")
    history.measure_sizes(now)
    counts, names = history.issues(), {each.universe for each in universes}
    floors = [
        *(
            [Floor("japanese_stocks", counts.jp, least.japanese_stocks, "MIN_JAPANESE_STOCKS")]
            if "jp" in names
            else []
        ),
        *([Floor("us_stocks", counts.us, least.us_stocks, "MIN_US_STOCKS")] if "us" in names else []),
        *([Floor("etfs", counts.etfs, least.etfs, "MIN_ETFS")] if names & {"jp", "us"} else []),
    ]
    monitor = CoverageMonitor(now, threshold, floors, universes, shelf.damaged(STEM))
    report = shelf.write(STEM, now, as_json(monitor))
    shown = shelf.write_page(STEM, now, as_page(monitor))
    return monitor, _totals(monitor, report, shown)


def _totals(monitor: CoverageMonitor, report: Path, shown: Path) -> MonitorTotals:
    whole = {each.universe: each.segments[0] for each in monitor.universes}
    return MonitorTotals(
        coverage={name: row["coverage"] for name, row in whole.items() if row["coverage"] is not None},
        missing_bars={name: row["expected_bars"] - row["stored_bars"] for name, row in whole.items()},
        floors={floor.name: floor.count for floor in monitor.floors},
        shortfalls=monitor.shortfalls,
        damaged_reports=list(monitor.damaged),
        report=str(report),
        page=str(shown),
    )


def as_json(monitor: CoverageMonitor) -> Mapping[str, object]:
    """The report as scripts read it; `status` is ``ok`` or ``warning``."""
    shortfalls = monitor.shortfalls
    return {
        "report": STEM,
        "generated_at": monitor.made_at.isoformat(),
        "status": "warning" if shortfalls or monitor.damaged else "ok",
        "shortfalls": shortfalls,
        "damaged_reports": list(monitor.damaged),
        "threshold": monitor.threshold,
        "floors": [
            {
                "name": floor.name,
                "count": floor.count,
                "at_least": floor.at_least,
                "setting": floor.setting,
                "holds": floor.holds,
            }
            for floor in monitor.floors
        ],
        "total_issues": sum(each.segments[0]["instruments"] for each in monitor.universes),
        "causes": CAUSES,
        "universes": {each.universe: _universe(each) for each in monitor.universes},
    }


def _universe(checked: CheckedUniverse) -> dict[str, object]:
    sectors, sessions, shares = heat(checked.days)
    whole = checked.segments[0]
    snapshot = checked.snapshot and {key: _plain(value) for key, value in checked.snapshot.items()}
    return {
        "checked_at": checked.checked_at.isoformat(),
        "denominator": checked.denominator,
        "universe_snapshot": snapshot,
        "coverage": whole["coverage"],
        "gaps_by_cause": whole["gaps_by_cause"],
        "segments": [{key: _plain(value) for key, value in row.items()} for row in checked.segments],
        "trend": [[moment.isoformat(), share] for moment, share in checked.trend],
        "worst": [{key: _plain(value) for key, value in row.items()} for row in checked.worst],
        "sessions_behind": {str(behind): issues for behind, issues in checked.behind.items()},
        "heat_map": {"sessions": sessions, "sectors": dict(zip(sectors, shares, strict=True))},
    }


def _plain(value: object) -> object:
    return value.isoformat() if hasattr(value, "isoformat") else value


def heat(days: pl.DataFrame) -> tuple[list[str], list[str], list[list[float | None]]]:
    """Sectors, sessions, and the share of expected bars that are stored by sector and session."""
    sectors = days["sector"].unique().sort().to_list()
    sessions = days["session"].unique().sort()
    expected = pl.col("expected_bars")
    shares = {
        (sector, session): share
        for sector, session, share in days.select(
            "sector", "session", pl.when(expected > 0).then(pl.col("stored_bars") / expected)
        ).iter_rows()
    }
    named = [str(session) for session in sessions]
    return sectors, named, [[shares.get((sector, session)) for session in sessions] for sector in sectors]


def as_page(monitor: CoverageMonitor) -> str:
    """The report as people read it."""
    sections = [
        Section("Verdict", _verdict(monitor)),
        *(Section(each.universe, _blocks(each, monitor)) for each in monitor.universes),
    ]
    return page("Coverage", monitor.made_at, sections)


def _verdict(monitor: CoverageMonitor) -> list[str]:
    shortfalls = monitor.shortfalls
    blocks = [paragraph(sentence, "bad") for sentence in shortfalls]
    if not shortfalls:
        blocks.append(
            paragraph("Every list is long enough, and every segment reaches the threshold.", "good")
        )
    blocks += [paragraph(f"The earlier report {name} is damaged.", "bad") for name in monitor.damaged]
    rows = [(floor.name, floor.count, floor.at_least, floor.setting, floor.holds) for floor in monitor.floors]
    if rows:
        blocks.append(table(("list", "issues", "at least", "setting", "holds"), rows))
    return blocks


def _blocks(checked: CheckedUniverse, monitor: CoverageMonitor) -> list[str]:
    sectors, sessions, shares = heat(checked.days)
    causes = sorted((checked.segments[0]["gaps_by_cause"] or {}).items(), key=lambda item: -item[1])
    segments = [
        (
            row["segment"],
            percent(row["coverage"]),
            row["stored_bars"],
            row["expected_bars"],
            row["instruments"],
            row["complete_instruments"],
            row["empty_instruments"],
        )
        for row in checked.segments
    ]
    worst = [
        (row["symbol"], row["missing_bars"], row["newest_session"] or "none", row["sessions_behind"])
        for row in checked.worst[:_WORST]
    ]
    behind = [(sessions_, issues) for sessions_, issues in sorted(checked.behind.items())]
    trend = [(moment, 100 * share) for moment, share in checked.trend]
    return [
        paragraph(f"{percent(checked.segments[0]['coverage'])} of {checked.denominator}."),
        table(("segment", "coverage", "stored", "expected", "issues", "complete", "empty"), segments),
        heading("Sector × session"),
        heat_map(sectors, sessions, shares),
        heading("Trend"),
        line_chart(trend, 100 * monitor.threshold, " %"),
        heading("Why bars are missing"),
        table(("cause", "bars", ""), [(cause, bars, CAUSES.get(cause, "")) for cause, bars in causes]),
        heading("Freshness"),
        table(("sessions behind", "issues"), behind),
        heading("Symbols with most missing bars"),
        table(("symbol", "missing bars", "newest session", "sessions behind"), worst),
    ]
