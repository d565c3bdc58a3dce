"""Use case: what an operator wants to see at a glance."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from miraikakaku_assets.application.monitoring.due_bars import due_bars
from miraikakaku_assets.application.ports import Clock
from miraikakaku_assets.application.ports.rate_limit import AdjustableRate, LimitState
from miraikakaku_assets.domain.coverage.burn_down import burn_down
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe
from miraikakaku_assets.domain.market.sessions import last_completed_session
from miraikakaku_assets.domain.market.source_health import DAY, Probe, SourceHealth, judge


class StatusStore(Protocol):
    """Reads the figures from the tables."""

    def read(self, universe: Universe, timeframe: Timeframe, due: Mapping[str, datetime]) -> dict[str, Any]:
        """Master, bars, freshness, quarantine, coverage, running and newest batches."""


class NewestBars(Protocol):
    """Knows the newest bar of a symbol."""

    def newest_starts(
        self, universe: Universe, timeframe: Timeframe, symbols: Sequence[str]
    ) -> Mapping[str, datetime | None]:
        """Symbol → start of its newest final bar (UTC)."""


class Probes(Protocol):
    """Knows what the canaries answered."""

    def since(self, source: str, moment: datetime) -> Sequence[Probe]:
        """The probes of a source from a moment on."""


def show_status(
    universe: Universe, timeframe: Timeframe, *, store: StatusStore, clock: Clock
) -> dict[str, Any]:
    """The figures, with freshness measured against the newest bar that is due on each instrument's calendar.

    Args:
        universe: Whose status.
        timeframe: Daily bars.
        store: Reads the figures.
        clock: Time of the question.
    """
    now = clock()
    session = last_completed_session(universe.calendar, now)
    return store.read(universe, timeframe, due_bars(universe, now)) | {
        "due_session": session,
        "asked_at": now,
    }


def source_status(
    rate: AdjustableRate, probes: Probes, clock: Clock
) -> tuple[LimitState, SourceHealth | None]:
    """How fast a source may be asked, and how its canaries have fared in the last day; None without any."""
    state = rate.state()
    return state, judge(probes.since(state.name, clock() - DAY))


def watch_status(
    universe: Universe, watched: Sequence[str], lookback: timedelta | None, bars: NewestBars, clock: Clock
) -> list[dict[str, Any]]:
    """Until when each watched symbol has to be collected before 5-minute bars are lost; the most urgent first.

    Args:
        universe: Where they belong.
        watched: The symbols.
        lookback: How far back the price source serves 5-minute bars; None when it keeps them, so none is lost.
        bars: Knows the newest of them.
        clock: Time of the question.
    """
    if not watched or lookback is None:
        return []
    newest = bars.newest_starts(universe, Timeframe.M5, watched)
    return burn_down(universe.calendar, newest, clock(), lookback).to_dicts()
