"""Several collections of the same symbols at once: they wait for each other and end with the same contents."""

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.domain.market.instruments import JP
from miraikakaku_assets.domain.market.sessions import sessions_between
from miraikakaku_assets_tests.support.at_once import together
from miraikakaku_assets_tests.support.bars.raw_bars import NOW, actions, bar
from miraikakaku_assets_tests.support.markets.stored_market import FETCHED, contents, listed, rows_of, write

pytestmark = pytest.mark.slow

DAYS = sessions_between(JP.calendar, date(2025, 1, 1), date(2025, 9, 30))
# Instrument numbers follow the list, deliveries the alphabet: the two orders differ on purpose.
CODES = ("9984", "1301", "7203", "130A", "4502", "2593", "6758", "1306")


def history(codes: tuple[str, ...], days: list[date] = DAYS) -> list[dict[str, Any]]:
    rows = [
        bar(day, 1_000.0 + number % 7, symbol=f"{code}.T")
        for code in codes
        for number, day in enumerate(days)
    ]
    return [*rows, *(bar(date(2025, 1, 1), symbol=f"{code}.T", row=7) for code in codes)]


def wiped(database: Database) -> None:
    with database.engine.begin() as connection:
        connection.execute(
            text(
                "TRUNCATE miraikakaku.price_bars, miraikakaku.quarantined_bars, miraikakaku.corporate_actions"
            )
        )


def test_writers_of_the_same_new_symbols_store_each_bar_once(database: Database) -> None:
    ids = listed(database, *CODES)
    paid = actions(*((f"{code}.T", date(2025, 3, 28), "dividend", 10.0) for code in CODES))
    rows = history(CODES)
    write(database, ids, rows, actions=paid)
    alone = contents(database)
    for _ in range(3):
        wiped(database)
        together(*[lambda: write(database, ids, rows, actions=paid)] * 4)
        assert contents(database) == alone


def test_writers_whose_symbols_overlap_in_different_orders_do_not_dead_lock(database: Database) -> None:
    ids = listed(database, *CODES)
    everything = history(CODES)
    write(database, ids, everything)
    alone = contents(database)
    for _ in range(4):
        wiped(database)
        write(database, ids, history(CODES[:1], DAYS[:1]))  # one of them has a bar: its writer upserts
        together(
            lambda: write(database, ids, everything),
            lambda: write(database, ids, history(CODES[1:])),  # nobody has bars: appended
            lambda: write(database, ids, history(CODES[2:])),
            lambda: write(database, ids, history(CODES[:5])),
        )
        assert contents(database) == alone


def test_one_writer_may_withdraw_what_another_writes(database: Database) -> None:
    # A yesterday's delivery judges the spike good, today's judges it bad: whoever comes last, no dead-lock.
    ids = listed(database, "7203", "9984")
    days = DAYS[:40]

    def delivery(last: int, since: int) -> list[dict[str, Any]]:
        rows = []
        for code in ("7203", "9984"):
            prices = [1_300.0 if number == 30 else 1_900.0 for number in range(len(days))]
            listed_days = list(zip(days, prices, strict=True))[since:last]
            rows += [bar(day, price, symbol=f"{code}.T") for day, price in listed_days]
        return rows

    for attempt in range(6):
        wiped(database)
        write(database, ids, delivery(31, 0))
        later = FETCHED + timedelta(minutes=attempt + 1)
        together(
            lambda: write(database, ids, delivery(31, 30), later),  # noqa: B023 - joined before the next round
            lambda: write(database, ids, delivery(40, 29), later),  # noqa: B023
            lambda: write(database, ids, delivery(40, 0), later),  # noqa: B023
        )
        write(database, ids, delivery(40, 0), later + timedelta(days=1), now=NOW)
        assert len(rows_of(database, "price_bars")) == 2 * 39
        assert rows_of(database, "quarantined_bars", "rule, released_at") == [("limit_undone", None)] * 2
