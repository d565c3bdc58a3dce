"""The moment this suite lives in, and the evenings before it; no test goes by the machine's calendar.

An installation and the exchange it collects from are told the same moment, so that the hour, the weekday and the year
in which the tests run change nothing. What goes by the database's clock or Dagster's (pauses, leases, ages of runs)
stays with the real one, because those clocks are not ours.
"""

from datetime import UTC, datetime

from miraikakaku_assets.domain.market.sessions import FINAL_AFTER, session_table

NOW = datetime(2026, 11, 19, 12, tzinfo=UTC)
"""A Thursday without holidays around it: 21:00 in Tokyo, 07:00 in New York."""


def last_evening(calendar: str = "XTKS") -> datetime:
    """The moment the newest daily bar became final: all bars are there and none of them moves any more."""
    closes = session_table(calendar)["closes"]
    evening: datetime = closes.filter(closes <= NOW - FINAL_AFTER)[-1] + FINAL_AFTER
    return evening
