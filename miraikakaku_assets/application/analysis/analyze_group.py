"""From the bars of a group of symbols to everything that is derived from them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import polars as pl

from miraikakaku_assets.application.analysis.scope import (
    DERIVED,
    Since,
    first_changes,
    intervals_since,
    rebuilt_since,
)
from miraikakaku_assets.application.analysis.signals import signals_of
from miraikakaku_assets.application.ports.analysis import Analysis, AnalysisRequest, Found, Material, Standing
from miraikakaku_assets.domain.bars.aggregation import aggregate, closing_by_time
from miraikakaku_assets.domain.bars.price_basis import on_basis
from miraikakaku_assets.domain.bars.series import tails
from miraikakaku_assets.domain.errors import PermanentSymbolError
from miraikakaku_assets.domain.indicators.compute import compute
from miraikakaku_assets.domain.market.instruments import Timeframe

Bars = Mapping[Timeframe, pl.DataFrame]


@dataclass(frozen=True)
class Group:
    """What came of a group of symbols.

    Attributes:
        analysis: Of all that could be computed.
        newest: Timeframe → symbol → start of its newest final bar (UTC).
        failures: Symbol → why it could not be computed.
    """

    analysis: Analysis
    newest: Mapping[Timeframe, Mapping[str, datetime]]
    failures: Mapping[str, PermanentSymbolError] = field(default_factory=dict)


def analyze_group(
    request: AnalysisRequest, standings: Sequence[Standing], material: Material, now: datetime
) -> Group:
    """Computes what is due of a group; a symbol whose bars cannot be right is left out, with its error.

    Args:
        request: What the analysis is asked for.
        standings: The symbols of the group.
        material: Their bars, and what belongs to them.
        now: The moment (UTC).
    """
    failures: dict[str, PermanentSymbolError] = {}
    while True:
        try:
            return replace(_computed(request, standings, material, now), failures=failures)
        except PermanentSymbolError as error:
            if error.symbol in failures:  # it is none of the group's: nothing would be left out
                raise
            failures[error.symbol] = error
            standings = [standing for standing in standings if standing.symbol != error.symbol]
            others = pl.col("symbol") != error.symbol
            bars, daily = material.bars.filter(others), material.daily.filter(others)
            material = replace(material, bars=bars, daily=daily, signals=material.signals.filter(others))


def _computed(
    request: AnalysisRequest, standings: Sequence[Standing], material: Material, now: datetime
) -> Group:
    universe, source = request.universe, request.collected
    collected = _collected(standings, material.bars, now)
    raw = _built(request, material.bars, collected, now)
    based = on_basis(material.bars, request.basis, source, universe, material.actions, material.daily)
    # Most groups have no split in their reach: then both are the same, and built once.
    adjusted = raw if based is material.bars else _built(request, based, collected, now)
    changes = first_changes(standings, request, material)
    rebuilt = rebuilt_since(standings, changes)
    since: dict[Timeframe, Since] = {source: changes}
    since |= {target: intervals_since(rebuilt, target, universe) for target, _ in DERIVED[source]}
    waiting = pl.concat(
        [closing_by_time(raw[target], target, universe, collected) for target, _ in DERIVED[source]]
    )
    judgement: Found | None = None
    if source is Timeframe.M5:
        daily = on_basis(material.daily, request.basis, Timeframe.D1, universe, material.actions)
        judgement = signals_of(request, adjusted | {Timeframe.D1: daily}, material, rebuilt)
    analysis = Analysis(
        collected=source,
        standings=standings,
        since=since,
        bars={target: tails(raw[target], since[target]) for target, _ in DERIVED[source]},
        indicators={
            timeframe: tails(compute(bars), since[timeframe]) for timeframe, bars in adjusted.items()
        },
        waiting=waiting.group_by("symbol").agg(pl.col("since", "settles_at").min()),
        basis=request.basis,
        definition=request.definition if source is Timeframe.M5 else None,
        now=now,
        judgement=judgement,
    )
    return Group(analysis, {timeframe: _newest(bars) for timeframe, bars in raw.items()})


def _collected(standings: Sequence[Standing], bars: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """When each symbol was collected last: as its collections say, or as its newest bar says where none do."""
    known = pl.DataFrame(
        [(standing.symbol, standing.checked_at) for standing in standings],
        schema={"symbol": pl.String, "checked": pl.Datetime("us", "UTC")},
        orient="row",
    )
    fetched = bars.group_by("symbol").agg(pl.col("fetched_at").max())
    moment = pl.min_horizontal(pl.coalesce("checked", "fetched_at"), pl.lit(now, pl.Datetime("us", "UTC")))
    return known.join(fetched, on="symbol").select("symbol", collected=moment)


def _built(
    request: AnalysisRequest, bars: pl.DataFrame, collected: pl.DataFrame, now: datetime
) -> dict[Timeframe, pl.DataFrame]:
    """The collected bars and all that are built from them."""
    built = {request.collected: bars}
    for target, source in DERIVED[request.collected]:
        built[target] = aggregate(built[source], source, target, request.universe, now, collected)
    return built


def _newest(bars: pl.DataFrame) -> dict[str, datetime]:
    final = bars.filter(pl.col("status") == "final")
    return dict(final.group_by("symbol").agg(pl.col("ts").max()).iter_rows())
