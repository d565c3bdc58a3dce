"""Whatever changes bars marks what is derived from them, in the same transaction; nothing else does."""

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import text

from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.domain.bars.restatement import Rescaling
from miraikakaku_assets.domain.market.instruments import JP, Timeframe
from miraikakaku_assets_tests.support.bars.raw_bars import actions
from miraikakaku_assets_tests.support.markets.analysed_market import (
    Market,
    marks,
    opens,
    scaled,
    slots,
    tokyo,
    utc,
    walk,
)
from miraikakaku_assets_tests.support.markets.stored_market import rows_of

D1, M5 = Timeframe.D1, Timeframe.M5
DAYS = walk("7203.T", opens(JP, date(2025, 1, 6), date(2025, 1, 31)), JP, 1)
MINUTES = walk("7203.T", slots(JP, date(2025, 1, 30), date(2025, 1, 31)), JP, 2)
OTHER = walk("9984.T", opens(JP, date(2025, 1, 6), date(2025, 1, 31)), JP, 3)


@pytest.fixture
def market(database: Database) -> Market:
    return tokyo(database, JP, "7203", "9984", now=utc(2025, 2, 3, 12))


def start(row: dict[str, object]) -> datetime:
    ts = row["ts"]
    assert isinstance(ts, datetime)
    return ts


def cleared(market: Market) -> None:
    """As if everything had been analysed."""
    with market.database.engine.begin() as connection:
        connection.execute(text("UPDATE miraikakaku.analysis_state SET changed_since = NULL"))


def test_first_bars_mark_from_the_first_one_on(market: Market) -> None:
    market.deliver(D1, DAYS + OTHER)
    market.deliver(M5, MINUTES)
    assert marks(market.database) == {
        (1, "1d"): start(DAYS[0]), (2, "1d"): start(OTHER[0]), (1, "5m"): start(MINUTES[0]),
    }  # fmt: skip


def test_an_unchanged_delivery_marks_nothing(market: Market) -> None:
    market.deliver(D1, DAYS + OTHER, actions=actions(("7203.T", date(2025, 1, 30), "dividend", 1.0)))
    cleared(market)
    before = rows_of(market.database, "analysis_state")
    market.now += timedelta(days=1)
    market.deliver(D1, DAYS + OTHER, actions=actions(("7203.T", date(2025, 1, 30), "dividend", 1.0)))
    market.deliver(D1, [])
    assert rows_of(market.database, "analysis_state") == before


def test_a_new_and_a_restated_bar_mark_from_the_earlier_one_on(market: Market) -> None:
    market.deliver(D1, DAYS[:-1] + OTHER)
    cleared(market)
    market.deliver(D1, [*DAYS[:7], scaled(DAYS[7], 1.01), *DAYS[8:]])
    assert marks(market.database) == {(1, "1d"): start(DAYS[7]), (2, "1d"): None}
    market.deliver(D1, [scaled(DAYS[12], 1.01)])  # a later change moves no mark forward
    assert marks(market.database)[1, "1d"] == start(DAYS[7])


def test_a_bar_that_becomes_final_marks(market: Market) -> None:
    market.now = start(DAYS[-1]) + timedelta(hours=2)
    market.deliver(D1, DAYS)
    cleared(market)
    market.now += timedelta(days=1)
    market.deliver(D1, DAYS)
    assert marks(market.database) == {(1, "1d"): start(DAYS[-1])}


def test_a_withdrawn_bar_marks(market: Market) -> None:
    market.deliver(D1, DAYS)
    cleared(market)
    market.deliver(D1, [DAYS[-1]], withdrawn=[DAYS[3], DAYS[9]])
    assert marks(market.database) == {(1, "1d"): start(DAYS[3])}


def test_a_dividend_or_a_split_marks_everything_of_both_timeframes(market: Market) -> None:
    market.deliver(D1, DAYS + OTHER)
    market.deliver(M5, MINUTES)
    for paid in (1.0, 2.0):  # it comes, and it is corrected
        cleared(market)
        market.deliver(D1, [], actions=actions(("7203.T", date(2025, 1, 30), "dividend", paid)))
        assert marks(market.database) == {
            (1, "1d"): start(DAYS[0]), (2, "1d"): None, (1, "5m"): start(MINUTES[0]),
        }  # fmt: skip


def test_a_session_that_a_restated_history_left_behind_marks(market: Market) -> None:
    market.deliver(D1, DAYS)
    cleared(market)
    moved = Rescaling("7203.T", "scale", 0.5, DAYS[4]["session"])
    market.deliver(D1, [*DAYS[:4], *(scaled(row, 0.5) for row in DAYS[5:])], rescaled=[moved])
    assert marks(market.database) == {(1, "1d"): start(DAYS[0])}
    assert len(rows_of(market.database, "price_bars")) == len(DAYS) - 1


def test_a_daily_bar_marks_the_patterns_that_read_it(market: Market) -> None:
    market.deliver(D1, DAYS[:-1])
    market.deliver(M5, MINUTES)
    cleared(market)
    market.deliver(D1, DAYS + OTHER)
    assert marks(market.database) == {
        (1, "1d"): start(DAYS[-1]), (1, "5m"): start(DAYS[-1]), (2, "1d"): start(OTHER[0]),
    }  # fmt: skip
    cleared(market)
    market.deliver(M5, [scaled(MINUTES[-1], 1.01)])  # daily bars do not depend on minutes
    assert marks(market.database)[1, "1d"] is None


def test_bars_without_a_mark_were_never_analysed(market: Market) -> None:
    market.deliver(D1, DAYS)
    market.deliver(M5, MINUTES)
    with market.database.engine.begin() as connection:
        connection.execute(text("TRUNCATE miraikakaku.analysis_state"))
    assert market.analyze(D1).verdicts == {"ok": 1}
    assert set(marks(market.database)) == {(1, "1d")}
