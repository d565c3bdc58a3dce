"""5-minute bars as a source would send them, written down in a line."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import polars as pl

from miraikakaku_assets.domain.bars.frame import RAW_INTRADAY
from miraikakaku_assets.domain.bars.intraday import validate_intraday
from miraikakaku_assets.domain.bars.quality_rule import BarContext
from miraikakaku_assets.domain.market.instruments import JP, Universe
from miraikakaku_assets_tests.support.bars.raw_bars import JST

LATER = datetime(2025, 10, 1, tzinfo=UTC)


def tokyo(hour: int, minute: int, second: int = 0, day: int = 6) -> datetime:
    """A time of January 2025 on Tokyo's clock; the 6th is the first session of the year."""
    return datetime(2025, 1, day, hour, minute, second, tzinfo=JST)


def tick(stamp: datetime, close: float | None = 1_000.0, **fields: Any) -> dict[str, Any]:
    """One row; prices that are not given equal the close."""
    prices = dict.fromkeys(("open", "high", "low", "close"), close)
    return {"symbol": "7203.T", "stamp": stamp, "volume": 100.0, "refusal": None, **prices, **fields}


def raw(rows: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """Rows as a delivery, numbered in the order given."""
    return pl.DataFrame(
        [{"row": number, **row} for number, row in enumerate(rows, start=1)], schema=RAW_INTRADAY
    )


def marks(
    rows: list[dict[str, Any]], now: datetime = LATER, universe: Universe = JP, **known: Any
) -> list[str | None]:
    """Per row: the rule that refused it, the flag, or None."""
    validated = validate_intraday(raw(rows), BarContext(universe, now, **known))
    both = validated.accepted.select("row", mark="flag").vstack(validated.refused.select("row", mark="rule"))
    return both.sort("row")["mark"].to_list()
