"""exchange_calendars' answer files: every session, open, close and lunch of the calendars that ours are made from."""

import polars as pl
import pytest

from miraikakaku_assets.domain.market.sessions import session_table, trading_hours
from miraikakaku_assets_tests.others.source_distributions import folder_of

_MOMENT = pl.Datetime("us", "UTC")
_FEWEST = 5_000


def answers(calendar: str) -> pl.DataFrame:
    """Columns session, opens, closes, break_start and break_end, as exchange_calendars' tests expect them."""
    table = pl.read_csv(folder_of("exchange-calendars") / f"{calendar.lower()}.csv", infer_schema=False)
    moments = {"opens": "open", "closes": "close", "break_start": "break_start", "break_end": "break_end"}
    return table.select(
        pl.col(table.columns[0]).str.slice(0, 10).str.to_date().alias("session"),
        **{
            name: pl.col(column)
            .str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="us")
            .dt.replace_time_zone("UTC")
            for name, column in moments.items()
        },
    )


@pytest.mark.parametrize("calendar", ["XTKS", "XNYS", "CMES", "XLON"])
def test_sessions_and_hours_are_those_of_the_answer_file(calendar: str) -> None:
    first = session_table(calendar)["session"][0]
    theirs = answers(calendar).filter(pl.col("session") >= first)
    begins, ends = theirs["session"][0], theirs["session"][-1]
    ours = trading_hours(calendar).filter(pl.col("session").is_between(begins, ends))

    assert theirs.height >= _FEWEST
    assert ours.select(theirs.columns).cast(dict.fromkeys(theirs.columns[1:], _MOMENT)).equals(theirs)
