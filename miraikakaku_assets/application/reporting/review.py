"""Use case: the weekly and the monthly review, a document and a page made of sections.

A section is a function in `SECTIONS`: it takes the facts and hands back its figures and what people see of them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from miraikakaku_assets.application.ports import Clock
from miraikakaku_assets.application.ports.coverage import CheckedUniverse, CoverageHistory, ReportShelf
from miraikakaku_assets.application.reporting.page import Section, heading, line_chart, page, paragraph, table
from miraikakaku_assets.application.stage_reports import ReviewTotals
from miraikakaku_assets.domain.market.instruments import UNIVERSES
from miraikakaku_assets.domain.operations.capacity import DiskForecast, forecast_disk
from miraikakaku_assets.domain.percent import percent

Period = Literal["weekly", "monthly"]
_LENGTH: Mapping[Period, timedelta] = {"weekly": timedelta(days=7), "monthly": timedelta(days=31)}
_FITTED = timedelta(days=90)
"""Sizes of so long decide how fast the disk fills."""
_GIB = 1 << 30
_LARGEST = 10


@dataclass(frozen=True)
class ReviewFacts:
    """What a review looks at.

    Attributes:
        period: Which review.
        since: Begin of the period (UTC).
        until: Its end.
        collections: See `CoverageHistory.collections`.
        alerts: See `CoverageHistory.alerts`.
        universes: Newest coverage of each universe, with its trend.
        sizes: Bytes now, by table, and ``database``, ``free``, ``total``.
        growth: Measured bytes of the database, ascending.
    """

    period: Period
    since: datetime
    until: datetime
    collections: Sequence[Mapping[str, Any]]
    alerts: Sequence[Mapping[str, Any]]
    universes: Sequence[CheckedUniverse]
    sizes: Mapping[str, int]
    growth: Sequence[tuple[datetime, int]]


@dataclass(frozen=True)
class ReviewSection:
    """What a section says.

    Attributes:
        name: Its key in the document and its heading on the page.
        figures: For scripts.
        blocks: HTML for people.
        remarks: Sentences about what somebody should look at.
    """

    name: str
    figures: Mapping[str, object]
    blocks: Sequence[str]
    remarks: Sequence[str] = ()


def _performance(facts: ReviewFacts) -> ReviewSection:
    columns = ("universe", "timeframe", "batches", "failed", "symbols", "rows", "seconds", "requests")
    rows = [tuple(row[name] for name in columns) for row in facts.collections]
    none = "No collection has run in this period."
    blocks = [table(columns, rows)] if rows else [paragraph(none, "bad")]
    return ReviewSection(
        "performance", {"collections": list(facts.collections)}, blocks, () if rows else (none,)
    )


def _coverage(facts: ReviewFacts) -> ReviewSection:
    figures, blocks, remarks = dict[str, object](), list[str](), list[str]()
    for checked in facts.universes:
        trend = [(moment, share) for moment, share in checked.trend if moment >= facts.since]
        now = checked.segments[0]["coverage"]
        begun = trend[0][1] if trend else None
        figures[checked.universe] = {"coverage": now, "at_the_beginning": begun, "checks": len(trend)}
        blocks += [
            heading(f"{checked.universe}: {percent(now)}"),
            line_chart([(moment, 100 * share) for moment, share in trend], unit=" %"),
        ]
        if now is not None and begun is not None and now < begun:
            remarks.append(f"Coverage of {checked.universe} fell from {percent(begun)} to {percent(now)}")
    return ReviewSection("coverage", figures, blocks, remarks)


def _capacity(facts: ReviewFacts) -> ReviewSection:
    free = facts.sizes.get("free")
    forecast = forecast_disk(facts.growth, free)
    named = {"database", "free", "total"}
    largest = sorted(
        (item for item in facts.sizes.items() if item[0] not in named), key=lambda item: -item[1]
    )
    figures = {
        "database_bytes": facts.sizes.get("database"),
        "free_bytes": free,
        "total_bytes": facts.sizes.get("total"),
        "measurements": len(facts.growth),
        "bytes_per_day": forecast and forecast.bytes_per_day,
        "bytes_per_day_interval": forecast and [forecast.low, forecast.high],
        "days_left": forecast and forecast.days_left,
        "full_on": forecast and forecast.full_on and forecast.full_on.isoformat(),
        "tables": dict(largest[:_LARGEST]),
    }
    remark = _disk_sentence(forecast, free)
    blocks = [
        paragraph(remark),
        table(
            ("", "GiB"),
            [
                (name, facts.sizes[name] / _GIB)
                for name in ("database", "free", "total")
                if name in facts.sizes
            ],
        ),
        line_chart([(moment, size / _GIB) for moment, size in facts.growth], unit=" GiB"),
        table(("table", "GiB"), [(name, size / _GIB) for name, size in largest[:_LARGEST]]),
    ]
    soon = forecast is not None and forecast.days_left is not None and forecast.days_left < _FITTED.days
    return ReviewSection("capacity", figures, blocks, (remark,) if soon else ())


def _disk_sentence(forecast: DiskForecast | None, free: int | None) -> str:
    if forecast is None:
        return "Too few measurements for a forecast of the disk: four over two days are needed."
    grows = f"The database grows by {forecast.bytes_per_day / (1 << 20):,.1f} MiB a day"
    if forecast.days_left is None or forecast.full_on is None:
        return f"{grows}; " + (
            "the disk is the server's own and not known here" if free is None else "the disk lasts"
        )
    return f"{grows}; the disk is full in {forecast.days_left:,.0f} days, on {forecast.full_on:%Y-%m-%d}"


def _process(facts: ReviewFacts) -> ReviewSection:
    columns = ("level", "raised", "standing")
    rows = [tuple(row[name] for name in columns) for row in facts.alerts]
    failed = sum(row["failed"] for row in facts.collections)
    batches = sum(row["batches"] for row in facts.collections)
    sentence = f"{failed:,} of {batches:,} collections failed or fell short."
    blocks = [
        paragraph(sentence),
        table(columns, rows) if rows else paragraph("No alert was raised.", "good"),
    ]
    figures = {"batches": batches, "failed_batches": failed, "alerts": list(facts.alerts)}
    return ReviewSection("process", figures, blocks, (sentence,) if failed else ())


SECTIONS: list[Callable[[ReviewFacts], ReviewSection]] = [_performance, _coverage, _capacity, _process]
"""The sections, in the order of the page."""


def review(period: Period, history: CoverageHistory, shelf: ReportShelf, clock: Clock) -> ReviewTotals:
    """Writes the review of the period that ends now, as ``reports/<period>_review_…`` in JSON and HTML.

    Raises:
        ConfigurationError: It cannot be written.
    """
    now = clock()
    since = now - _LENGTH[period]
    checked = [history.newest(universe, 4 * _LENGTH[period].days + 1) for universe in UNIVERSES.values()]
    sizes = history.measure_sizes(now)
    facts = ReviewFacts(
        period,
        since,
        now,
        history.collections(since),
        history.alerts(since),
        [each for each in checked if each is not None],
        sizes,
        history.sizes("database", now - _FITTED),
    )
    sections = [section(facts) for section in SECTIONS]
    remarks = [remark for section in sections for remark in section.remarks]
    document = {
        "report": f"{period}_review",
        "generated_at": now.isoformat(),
        "since": since.isoformat(),
        "remarks": remarks,
        "sections": {section.name: section.figures for section in sections},
    }
    head = [paragraph(remark, "bad") for remark in remarks] or [paragraph("Nothing needs a look.", "good")]
    shown = [
        Section("Remarks", head),
        *(Section(section.name.capitalize(), section.blocks) for section in sections),
    ]
    report = shelf.write(f"{period}_review", now, document)
    html = shelf.write_page(f"{period}_review", now, page(f"{period.capitalize()} review", now, shown))
    forecast = forecast_disk(facts.growth, sizes.get("free"))
    return ReviewTotals(
        period=period,
        remarks=remarks,
        database_bytes=sizes["database"],
        disk_days_left=None if forecast is None else forecast.days_left,
        report=str(report),
        page=str(html),
    )
