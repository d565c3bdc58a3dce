"""Use case: the sets of evidence as what forecasters are given, with what was known when each forecast was made."""

from dataclasses import dataclass
from datetime import date
from functools import cached_property

import polars as pl

from miraikakaku_assets.application.forecasting.inputs import (
    evening_moments,
    market_level,
    with_foreign,
)
from miraikakaku_assets.application.ports.evidence import EvaluationDatasets
from miraikakaku_assets.domain.errors import WorkFellShortError
from miraikakaku_assets.domain.forecasting.features import (
    FeatureInputs,
    closes_known,
    lead_levels,
    night_returns,
)
from miraikakaku_assets.domain.forecasting.judging.cuts import EvaluationSet, Part, evaluation_set
from miraikakaku_assets.domain.forecasting.panel import Panel, panel
from miraikakaku_assets.domain.forecasting.timing.clocks import ForecastClock
from miraikakaku_assets.domain.forecasting.timing.known_at import (
    morning_moments,
    official_moments,
    settlement_known_at,
)
from miraikakaku_assets.domain.market.instruments import COPPER, FX, JP, US, Universe
from miraikakaku_assets.domain.market.sessions import FINAL_AFTER, session_table

_TENORS = {"lme_3m": "LME 3 months", "lme_cash": "LME cash"}


@dataclass(frozen=True)
class EvidenceSet:
    """A set that forecasts are judged on, in memory: nothing of it is collected.

    Attributes:
        cut: What it is, and which part is untouched.
        inputs: Its bars (adjusted; ``open``, ``high``, ``low``, ``volume`` where the file has them) and what was known
            of other markets.
    """

    cut: EvaluationSet
    inputs: FeatureInputs

    @cached_property
    def panel(self) -> Panel:
        """What forecasters are given."""
        return with_foreign(self.inputs)

    def origins(self, part: Part) -> list[date]:
        """Origins of a part whose targets have bars.

        Raises:
            WorkFellShortError: The evidence does not reach it.
        """
        sessions, bars = self.inputs.panel.sessions, self.inputs.panel.bars
        reached = sessions.filter(sessions <= bars["session"].max())
        first = _first(bars)
        origins = [origin for origin in self.cut.origins(reached, part) if origin >= first]
        if not origins:
            raise WorkFellShortError(
                f"The evidence of {self.cut.name} has no session of the part {part.value}"
            )
        return origins


def evidence_set(name: str, evidence: EvaluationDatasets) -> EvidenceSet:
    """One set, read from its files.

    Args:
        name: Of `EVALUATION_SETS`.
        evidence: The files.

    Raises:
        ConfigurationError: There is no such set, or the folder lacks a file.
        InputFileError: A file is not readable.
    """
    cut = evaluation_set(name)
    if name in _TENORS:
        inputs = _metal(evidence, _TENORS[name])
    elif cut.universe == JP.name:
        inputs = _tokyo(evidence, cut.clock)
    else:
        inputs = _single(*_single_market(evidence, cut.universe))
    return EvidenceSet(cut, inputs)


def _tokyo(files: EvaluationDatasets, clock: ForecastClock) -> FeatureInputs:
    table = session_table(JP.calendar)
    bars = _on_sessions(files.history(), table)
    begin = _first(bars)
    known = table.filter(pl.col("session") >= begin)
    moments = evening_moments(known)
    if clock is ForecastClock.MORNING:
        moments = morning_moments(known, JP.time_zone)
    level = _known(market_level(_dated(files.wall_street(), US)), US)
    comex = _settled(files.comex())
    dollar = _known(_dated(files.dollar(), FX).select("session", "close"), FX)
    cross = (closes_known("us", level), closes_known("usdjpy", dollar), closes_known("hg", comex))
    nights = (night_returns("us", level), night_returns("hg", comex))
    return FeatureInputs(panel(bars, known["session"]), moments, (), cross, nights)


def _single_market(files: EvaluationDatasets, universe: str) -> tuple[pl.DataFrame, Universe]:
    readers = {
        US.name: (files.wall_street, US),
        FX.name: (files.dollar, FX),
        COPPER.name: (files.comex, COPPER),
    }
    read, market = readers[universe]
    return read(), market


def _single(bars: pl.DataFrame, universe: Universe) -> FeatureInputs:
    table = session_table(universe.calendar)
    held = _on_sessions(bars, table)
    known = table.filter(pl.col("session") >= _first(held))
    return FeatureInputs(panel(held, known["session"]), evening_moments(known))


def _metal(files: EvaluationDatasets, symbol: str) -> FeatureInputs:
    """Sessions are the days on which London has published a price."""
    prices = files.metal()
    sessions = prices["session"].unique().sort()
    bars = prices.filter(pl.col("symbol") == symbol)
    moments = official_moments(sessions)
    comex = _settled(files.comex())
    return FeatureInputs(
        panel(bars, sessions), moments, (), (closes_known("hg", comex),), leads=(lead_levels("hg", comex),)
    )


def _settled(bars: pl.DataFrame) -> pl.DataFrame:
    """``known_at`` and ``close`` of COMEX's settlements."""
    return bars.select(known_at=settlement_known_at(pl.col("session")), close=pl.col("close"))


def _known(closes: pl.DataFrame, universe: Universe) -> pl.DataFrame:
    ends = session_table(universe.calendar).select("session", known_at=pl.col("closes") + FINAL_AFTER)
    return closes.join(ends, on="session").select("known_at", "close")


def _dated(bars: pl.DataFrame, universe: Universe) -> pl.DataFrame:
    return _on_sessions(bars, session_table(universe.calendar))


def _on_sessions(bars: pl.DataFrame, table: pl.DataFrame) -> pl.DataFrame:
    """Without bars on days that are no session: sources fill holidays."""
    return bars.join(table.select("session"), on="session", how="semi", maintain_order="left")


def _first(bars: pl.DataFrame) -> date:
    first: date = bars["session"].min()  # type: ignore[assignment]
    return first
