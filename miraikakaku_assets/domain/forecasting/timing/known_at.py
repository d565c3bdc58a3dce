"""When a value could first be read, and what was known when a forecast was made.

Nothing is joined on dates: New York's session of a date closes fifteen hours after Tokyo's, and London's official
price of a date is five hours older than COMEX's settlement of the same date.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.forecasting.timing.clocks import MORNING

_NEW_YORK = "America/New_York"
_LONDON = "Europe/London"

SETTLES = time(13, 0)
"""When COMEX settles copper, in New York; 18:00 in London, but 17:00 while only one of them has summer time."""

OFFICIAL = time(13, 0)
"""End of the LME's second ring, whose prices are the official ones of the day, in London."""

AFTER_LONDON = time(22, 0)
"""When forecasts of the LME's next official prices are made at the earliest (UTC): 07:00 in Tokyo."""


@dataclass(frozen=True)
class AsOfJoin:
    """How values are joined to the moments at which forecasts are made.

    Attributes:
        max_age: An older value counts as unknown; a stale one would pass for calm.
        after: Column of the moments (UTC) that a value must lie behind, e.g. the last close of the own market: what
            was known before is in the price already. None for no such limit.
    """

    max_age: timedelta = timedelta(days=7)
    after: str | None = None


def known_then(moments: pl.DataFrame, values: pl.DataFrame, how: AsOfJoin | None = None) -> pl.DataFrame:
    """The newest values that were known when forecasts were made.

    Args:
        moments: ``made_at`` (UTC) and further columns.
        values: ``known_at`` (UTC: when they could first be read, not the begin of their bar) and further columns.
        how: Limits of the join.

    Returns:
        The moments with the values' columns and ``known_at``, null where nothing was known; sorted by ``made_at``.
    """
    how = how or AsOfJoin()
    joined = moments.sort("made_at").join_asof(
        values.sort("known_at").with_columns(_read_at=pl.col("known_at")),
        left_on="made_at",
        right_on="_read_at",
        strategy="backward",
        tolerance=how.max_age,
    )
    if how.after is not None:
        names = [name for name in values.columns if name in joined.columns]
        late = pl.col("known_at") > pl.col(how.after)
        joined = joined.with_columns(pl.when(late).then(pl.col(name)).alias(name) for name in names)
    return joined.drop("_read_at", strict=False)


def since_then(moments: pl.DataFrame, values: pl.DataFrame, column: str) -> pl.DataFrame:
    """The sum of what came between the own market's close and the moment of the forecast.

    Over a holiday of one's own several foreign sessions come together; over one of theirs there is none, and the sum
    is null: no night is not a calm night.

    Args:
        moments: ``session``, ``closed_at`` (UTC, of the own market at the origin) and ``made_at`` (UTC).
        values: ``known_at`` (UTC) and the column.
        column: What is summed; log returns.

    Returns:
        ``session``, the column, and ``<column>_sessions``: how many came.
    """
    ordered = values.select("known_at", column).drop_nulls().sort("known_at")
    running = ordered.with_columns(
        _sum=pl.col(column).cum_sum(), _count=pl.int_range(1, pl.len() + 1, dtype=pl.Int64)
    )
    result = moments.select("session", "closed_at", "made_at")
    for moment in ("closed_at", "made_at"):
        result = result.sort(moment).join_asof(
            running.select("known_at", **{f"_sum_{moment}": "_sum", f"_count_{moment}": "_count"}),
            left_on=moment,
            right_on="known_at",
            strategy="backward",
        )
        result = result.drop("known_at", strict=False)
    parts = {
        name: pl.col(f"_{name}_made_at") - pl.col(f"_{name}_closed_at").fill_null(0)
        for name in ("sum", "count")
    }
    came = parts["count"].fill_null(0)
    return result.select(
        "session", pl.when(came > 0).then(parts["sum"]).alias(column), came.alias(f"{column}_sessions")
    ).sort("session")


def settlement_known_at(session: pl.Expr) -> pl.Expr:
    """When COMEX's settlement of an exchange date is known (UTC)."""
    return _moment(session, SETTLES, _NEW_YORK)


def official_known_at(session: pl.Expr) -> pl.Expr:
    """When the LME's official prices of a date are known (UTC)."""
    return _moment(session, OFFICIAL, _LONDON)


def official_moments(sessions: pl.Series) -> pl.DataFrame:
    """When forecasts from the LME's official prices are made: when New York has settled.

    Args:
        sessions: Days with an official price (Date).

    Returns:
        ``session``, ``closed_at`` (UTC, when its price is known) and ``made_at`` (UTC).
    """
    table = pl.DataFrame({"session": sessions})
    return table.with_columns(
        closed_at=official_known_at(pl.col("session")),
        made_at=_moment(pl.col("session"), AFTER_LONDON, "UTC"),
    )


def _moment(session: pl.Expr, at: time, zone: str) -> pl.Expr:
    local = session.cast(pl.Datetime("us")) + pl.duration(hours=at.hour, minutes=at.minute)
    return local.dt.replace_time_zone(zone).dt.convert_time_zone("UTC")


def morning_moments(table: pl.DataFrame, zone: str) -> pl.DataFrame:
    """When the morning's forecasts are made: before the session after the origin.

    Args:
        table: ``session``, ``opens`` and ``closes`` (UTC) of the exchange, ascending.
        zone: IANA zone of the exchange.

    Returns:
        ``session`` (the origin), ``closed_at`` (UTC, its close) and ``made_at`` (UTC); without the last session, whose
        next one is not known.
    """
    following = pl.col("session").shift(-1)
    return table.select(
        "session", closed_at=pl.col("closes"), made_at=_moment(following, MORNING, zone)
    ).drop_nulls("made_at")


def morning_of(table: pl.DataFrame, zone: str, now: datetime) -> tuple[date, date]:
    """Origin and target of a morning's forecast.

    Args:
        table: As of `morning_moments`.
        zone: IANA zone of the exchange.
        now: When it is made (UTC).

    Returns:
        The last session before today, and today.

    Raises:
        ConfigurationError: Today is no session, or it has begun.
    """
    today = now.astimezone(ZoneInfo(zone)).date()
    opens = table.filter(pl.col("session") == today)["opens"].to_list()
    if not opens:
        raise ConfigurationError(f"{today} is no session of the exchange: there is no morning to forecast in")
    if now >= opens[0]:
        raise ConfigurationError(
            f"The session of {today} has begun at {opens[0]:%H:%M} UTC: a morning forecast made now would know it; "
            "make the evening's forecast when it has ended"
        )
    origin: date = table.filter(pl.col("session") < today)["session"][-1]
    return origin, today
