"""What a chart request asks for, and Yahoo's refusals of it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from miraikakaku_assets.simulator.core.sessions import DAY, SessionGrid, utc

FIVE_MINUTE_REACH = 60 * DAY
"""Yahoo serves 5-minute bars of the last 60 days."""

VALID_RANGES = ("1d", "5d", "1mo", "3mo", "6mo", "1y", "2y", "5y", "10y", "ytd", "max")
_SERVED = ("1d", "5m")
_KNOWN_TO_YAHOO = ("1m", "2m", "5m", "15m", "30m", "60m", "90m", "1h", "4h", "1d", "5d", "1wk", "1mo", "3mo")
_PERIOD = re.compile(r"(?P<number>[0-9]+)(?P<unit>d|mo|y)")
_MONTHS_A_YEAR = 12


class ChartRefusedError(Exception):
    """Yahoo's own refusal of a chart request.

    Attributes:
        status: HTTP status.
        code: Yahoo's error code.
        description: Yahoo's sentence.
    """

    def __init__(self, status: int, code: str, description: str) -> None:
        self.status = status
        self.code = code
        self.description = description
        super().__init__(description)


@dataclass(frozen=True, slots=True)
class ChartRequest:
    """A request that can be answered.

    Attributes:
        interval: ``1d`` or ``5m``.
        start: First stamp, UTC seconds.
        end: First stamp that is not asked for any more, UTC seconds.
        range_name: ``range`` as it was asked, empty for period1 and period2.
        dividends: Whether dividends are asked for.
        splits: Whether splits are asked for.
        pre_post: Whether pre- and post-market periods are asked for.
    """

    interval: str
    start: int
    end: int
    range_name: str
    dividends: bool
    splits: bool
    pre_post: bool


def read_request(query: Mapping[str, str], grid: SessionGrid, now: int) -> ChartRequest:
    """Return what a query string asks for.

    Raises:
        ChartRefusedError: Yahoo would refuse it.
    """
    interval = _interval(query.get("interval", "1d"))
    range_name = "" if "period1" in query else query.get("range", "1d")
    if range_name:
        start, end = _range_start(range_name, grid, now), now + 1
    else:
        start, end = _second(query, "period1", 0), _second(query, "period2", now + 1)
        if start > end:
            raise ChartRefusedError(
                400,
                "Bad Request",
                f"Invalid input - start date cannot be after end date. startDate = {start}, endDate = {end}",
            )
    if interval == "5m" and start < now - FIVE_MINUTE_REACH:
        raise ChartRefusedError(
            422,
            "Unprocessable Entity",
            f"5m data not available for startTime={start} and endTime={end}. "
            "The requested range must be within the last 60 days.",
        )
    events = query.get("events", "")
    return ChartRequest(
        interval=interval,
        start=start,
        end=end,
        range_name=range_name,
        dividends="div" in events,
        splits="split" in events,
        pre_post=query.get("includePrePost", "").lower() == "true",
    )


def _interval(interval: str) -> str:
    if interval in _SERVED:
        return interval
    if interval in _KNOWN_TO_YAHOO:
        raise ChartRefusedError(
            422, "Unprocessable Entity", f"{interval} data not available: this simulator serves 1d and 5m."
        )
    raise ChartRefusedError(
        400,
        "Bad Request",
        f"Invalid input - interval={interval} is not supported. "
        f"Valid intervals: [{', '.join(_KNOWN_TO_YAHOO)}]",
    )


def _second(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    try:
        return int(float(text))
    except (ValueError, OverflowError):
        raise ChartRefusedError(
            400, "Bad Request", f"Invalid input - {name}={text} is not a number"
        ) from None


def _range_start(name: str, grid: SessionGrid, now: int) -> int:
    """Return the first stamp of a range: sessions for days, calendar months and years otherwise."""
    opened = max(grid.opened(now), 1)
    today = datetime.fromtimestamp(int(grid.opens[opened - 1]), grid.zone)
    if name == "max":
        return 0
    if name == "ytd":
        return int(today.replace(month=1, day=1, hour=0, minute=0, second=0).timestamp())
    match = _PERIOD.fullmatch(name)
    if match is None or int(match["number"]) < 1:
        raise ChartRefusedError(
            422,
            "Unprocessable Entity",
            f"Invalid input - range={name} is not supported. Valid ranges: [{', '.join(VALID_RANGES)}]",
        )
    number, unit = int(match["number"]), match["unit"]
    if unit == "d":
        return int(grid.opens[max(opened - number, 0)])
    months = number * (_MONTHS_A_YEAR if unit == "y" else 1)
    place = utc(now).year * _MONTHS_A_YEAR + utc(now).month - 1 - months
    year, month = divmod(place, _MONTHS_A_YEAR)
    first_of_month = today.replace(year=max(year, 1970), month=month + 1, day=1, hour=0, minute=0, second=0)
    return int((first_of_month + timedelta(days=today.day - 1)).timestamp())
