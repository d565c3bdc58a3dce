"""The batch that is judged: what a universe has stored up to a session."""

from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from miraikakaku_assets.domain.bars.intervals import intervals
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe
from miraikakaku_assets.domain.market.sessions import last_completed_session, session_table, sessions_back


@dataclass(frozen=True)
class Batch:
    """What is judged.

    Attributes:
        universe: Whose data.
        session: Newest session that counts (exchange date).
        moment: When it is looked at (UTC).
    """

    universe: Universe
    session: date
    moment: datetime

    def since(self, sessions: int) -> date:
        """The first of the newest sessions."""
        return sessions_back(self.universe.calendar, self.session, sessions - 1)

    def sessions(self, count: int) -> pl.DataFrame:
        """The newest sessions: ``session``, ``opens`` and ``closes`` (UTC), ascending."""
        table = session_table(self.universe.calendar)
        return table.filter(pl.col("session") <= self.session).tail(count)

    def later(self, count: int) -> pl.Series:
        """The first sessions after the batch (exchange dates)."""
        table = session_table(self.universe.calendar)
        return table.filter(pl.col("session") > self.session).head(count)["session"]

    def spans(self, timeframe: Timeframe, sessions: int, count: int | None = None) -> pl.DataFrame:
        """Intervals of a timeframe that have begun in the newest sessions, or the newest `count` of them.

        Returns:
            Columns ``ts`` and ``last``, the latest start of a part (UTC), ascending.
        """
        days = self.sessions(sessions)
        begun = intervals(self.universe, timeframe).filter(pl.col("ts") < days["closes"][-1])
        if count is not None:
            return begun.tail(count).select("ts", "last")
        return begun.filter(pl.col("ends") > days["opens"][0]).select("ts", "last")


def batch_of(universe: Universe, moment: datetime, until: date | None = None) -> Batch:
    """The batch up to a session; by default the newest whose daily bars are final.

    Args:
        universe: Whose.
        moment: Now (UTC).
        until: Exchange date; the newest session at or before it counts.
    """
    newest = last_completed_session(universe.calendar, moment)
    session = newest if until is None else min(newest, sessions_back(universe.calendar, until, 0))
    return Batch(universe, session, moment)
