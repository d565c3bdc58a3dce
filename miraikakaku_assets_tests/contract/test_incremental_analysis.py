"""An analysis of what changed leaves, bit for bit, what an analysis of everything leaves."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

import pytest
from sqlalchemy import text

from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.domain.bars.price_basis import PriceBasis
from miraikakaku_assets.domain.bars.restatement import Rescaling
from miraikakaku_assets.domain.market.instruments import FX, JP, Timeframe
from miraikakaku_assets_tests.support.bars.raw_bars import actions
from miraikakaku_assets_tests.support.markets.analysed_market import (
    Market,
    currencies,
    derived,
    opens,
    scaled,
    slots,
    tokyo,
    utc,
    walk,
)
from miraikakaku_assets_tests.support.markets.stored_market import rows_of

pytestmark = pytest.mark.slow

D1, M5 = Timeframe.D1, Timeframe.M5
Rows = dict[str, list[dict[str, Any]]]


class History:
    """Deliveries in any order: new bars, some of them while they run, late ones, corrected ones, withdrawn ones."""

    def __init__(self, market: Market, timeframe: Timeframe, rows: Rows, seed: int) -> None:
        self.market, self.timeframe, self.rows = market, timeframe, rows
        self.random = Random(seed)  # noqa: S311 - the same histories in every run
        self.stored: dict[str, dict[Any, dict[str, Any]]] = {symbol: {} for symbol in rows}
        self.missing: dict[str, list[dict[str, Any]]] = {symbol: [] for symbol in rows}

    def up_to_now(self) -> None:
        """What has begun by now and was not delivered yet; one in fifty bars comes later."""
        new = []
        for symbol, rows in self.rows.items():
            stored = self.stored[symbol]
            newest = max(stored, default=None)
            for row in rows:
                begun = row["ts"] <= self.market.now and (newest is None or row["ts"] >= newest)
                if begun and self.random.random() < 0.02:
                    self.missing[symbol].append(row)
                elif begun:
                    new.append(row)
        self._deliver(new)

    def trouble(self) -> None:
        """A few corrections, late bars and withdrawals, mostly of the last days, and now and then of long ago."""
        changed, withdrawn = [], []
        for symbol, stored in self.stored.items():
            for _ in range(self.random.randrange(4)):
                last = len(stored) - 1
                back = self.random.choice([1, 1, 2, 5, 40, last]) if last > 40 else 1
                ts = sorted(stored)[max(last - self.random.randrange(back + 1), 0)]
                if self.random.random() < 0.3:
                    withdrawn.append(stored.pop(ts))
                else:
                    changed.append(scaled(stored[ts], 1 + self.random.gauss(0, 0.003)))
            if self.missing[symbol] and self.random.random() < 0.3:
                changed.append(self.missing[symbol].pop(self.random.randrange(len(self.missing[symbol]))))
        gone = {(row["symbol"], row["ts"]) for row in withdrawn}
        changed = [row for row in changed if (row["symbol"], row["ts"]) not in gone]
        self._deliver(changed, withdrawn)

    def _deliver(self, rows: Sequence[dict[str, Any]], withdrawn: Sequence[dict[str, Any]] = ()) -> None:
        known = {(row["symbol"], row["ts"]): row for row in rows}
        for row in known.values():
            self.stored[row["symbol"]][row["ts"]] = row
        requested = [symbol for symbol in self.rows if self.random.random() < 0.9]
        self.market.deliver(self.timeframe, known.values(), withdrawn, asked=requested)


def assert_as_from_scratch(market: Market, *timeframes: Timeframe, **options: Any) -> dict[str, list[Any]]:
    stored = derived(market.database)
    whole = market.from_scratch(*timeframes, **options)
    analysed = {timeframe.value for timeframe in timeframes}
    stored["state"] = [row for row in stored["state"] if row[1] in analysed]
    for name, rows in stored.items():
        assert rows == whole[name], name
    return stored


@pytest.mark.parametrize(
    ("seed", "basis"), [(1, PriceBasis.SPLIT_ADJUSTED), (2, PriceBasis.ADJUSTED), (3, PriceBasis.RAW)]
)
def test_days_weeks_and_months(database: Database, seed: int, basis: PriceBasis) -> None:
    market = tokyo(database, JP, "7203", "9984", "130A", now=utc(2024, 11, 5, 9))
    stamps = opens(JP, date(2023, 1, 4), date(2025, 3, 31))
    rows = {symbol: walk(symbol, stamps, JP, seed + at, 0.02) for at, symbol in enumerate(market.ids)}
    history = History(market, D1, rows, seed)
    for step in range(14):
        history.up_to_now()
        if step % 2:
            history.trouble()
        if step == 5:
            paid = actions(
                ("7203.T", date(2024, 6, 27), "dividend", 2.0),
                ("7203.T", date(2024, 12, 27), "dividend", 1.0),
            )
            market.deliver(D1, [], actions=paid)
        if step == 8:
            split(history, "9984.T", date(2024, 12, 30), 5.0)
        assert not market.analyze(D1, basis=basis).failures
        if step % 5 == 4:
            assert_as_from_scratch(market, D1, basis=basis)
        market.now += timedelta(hours=history.random.choice([3, 20, 24, 100, 170]))
    stored = assert_as_from_scratch(market, D1, basis=basis)
    assert len(stored["indicators"]) > 1_500
    assert {row[1] for row in stored["bars"]} == {"1w", "1mo"}
    assert {row[9] for row in stored["bars"]} == {"final", "provisional"}


def split(history: History, symbol: str, day: date, ratio: float) -> None:
    """The whole history comes anew on another scale, and one of its sessions is missing."""
    stored = history.stored[symbol]
    restated = [scaled(row, 1 / ratio) for row in stored.values()][:-1]
    history.rows[symbol] = [scaled(row, 1 / ratio) for row in history.rows[symbol]]
    del stored[max(stored)]
    del restated[len(restated) // 2]
    history.stored[symbol] = {row["ts"]: row for row in restated}
    happened = actions((symbol, day, "split", ratio))
    moved = Rescaling(symbol, "split", 1 / ratio, restated[0]["session"], day)
    history.market.deliver(D1, restated, actions=happened, rescaled=[moved])


@pytest.mark.parametrize(("seed", "definition", "steps", "fewest"), [(11, "v2", 20, 5), (13, "v1", 8, 1)])
def test_five_minutes_and_patterns_of_currencies(
    database: Database, seed: int, definition: str, steps: int, fewest: int
) -> None:
    market = currencies(database, "USDJPY=X", "EURJPY=X", now=utc(2025, 6, 24, 3, 2))
    daily = {
        symbol: walk(symbol, opens(FX, date(2025, 1, 2), date(2025, 7, 11)), FX, seed + at, 0.01)
        for at, symbol in enumerate(market.ids)
    }
    rows = {
        symbol: walk(symbol, slots(FX, date(2025, 6, 2), date(2025, 7, 11)), FX, seed + 10 + at)
        for at, symbol in enumerate(market.ids)
    }
    days, minutes = History(market, D1, daily, seed), History(market, M5, rows, seed)
    for step in range(steps):
        minutes.up_to_now()
        if step % 3 == 0:
            days.up_to_now()
        if step % 4 == 3:
            minutes.trouble()
        if step % 7 == 6:
            days.trouble()
        assert not market.analyze(definition=definition).failures
        if step % 9 == 5:
            assert_as_from_scratch(market, M5, definition=definition)
        pause = minutes.random.choice([5, 5, 7, 60, 250, 700, 1_500])
        market.now += timedelta(minutes=pause)
    stored = assert_as_from_scratch(market, M5, definition=definition)
    assert len(stored["signals"]) >= fewest


def test_five_minutes_of_tokyo_keep_their_scale_through_a_split(database: Database) -> None:
    market = tokyo(database, JP, "7203", "9984", now=utc(2025, 3, 3, 2, 7))
    daily = {
        symbol: walk(symbol, opens(JP, date(2024, 9, 2), date(2025, 3, 14)), JP, at, 0.02)
        for at, symbol in enumerate(market.ids)
    }
    rows = {
        symbol: walk(symbol, slots(JP, date(2024, 12, 2), date(2025, 3, 14)), JP, 40 + at, 0.002)
        for at, symbol in enumerate(market.ids)
    }
    days, minutes = History(market, D1, daily, 5), History(market, M5, rows, 6)
    for step in range(9):
        days.up_to_now()
        minutes.up_to_now()
        if step == 4:
            day = market.now.date()
            split(days, "7203.T", day, 2.0)
            minutes.rows["7203.T"] = [
                scaled(row, 0.5 if row["session"] >= day else 1.0) for row in minutes.rows["7203.T"]
            ]
        if step == 6:
            paid = actions(("9984.T", market.now.date(), "dividend", 1.0))
            market.deliver(D1, [], actions=paid)
            minutes.trouble()
        assert not market.analyze(basis=PriceBasis.ADJUSTED).failures
        market.now += timedelta(hours=minutes.random.choice([1, 4, 24, 26]))
    stored = assert_as_from_scratch(market, M5, basis=PriceBasis.ADJUSTED)
    prices = {close for *_, close in rows_of(database, "price_bars WHERE timeframe = '1h'", "ts, close")}
    assert len(prices) > 100
    assert stored["bars"]


@pytest.fixture
def pairs(database: Database) -> Market:
    """Two pairs whose daily and five-minute bars are analysed up to a Friday."""
    market = currencies(database, "USDJPY=X", "EURJPY=X", now=utc(2025, 6, 27, 12, 2))
    for at, symbol in enumerate(market.ids):
        days = walk(symbol, opens(FX, date(2025, 1, 2), date(2025, 6, 26)), FX, 70 + at, 0.01)
        minutes = walk(symbol, slots(FX, date(2025, 6, 2), date(2025, 6, 27)), FX, 80 + at)
        market.deliver(D1, days)
        market.deliver(M5, [row for row in minutes if row["ts"] <= market.now])
    market.analyze(D1)
    market.analyze()
    return market


def spoil(database: Database) -> None:
    """Rows that no analysis of these bars would leave, as after an operator's mistake."""
    with database.engine.begin() as connection:
        for statement in (
            "UPDATE miraikakaku.technical_indicators SET sma_5 = -1",
            "UPDATE miraikakaku.price_bars SET close = low WHERE built_from IS NOT NULL",
            "UPDATE miraikakaku.pattern_signals SET close = -1",
        ):
            connection.execute(text(statement))


@pytest.mark.parametrize(
    ("timeframe", "since", "first"),
    [
        # A Monday begins with the bars of New York's Sunday evening; a Tuesday in the middle of a four-hour bar.
        (M5, date(2025, 6, 23), {"5m": utc(2025, 6, 22, 21), "1h": utc(2025, 6, 22, 21), "4h": utc(2025, 6, 22, 21)}),
        (M5, date(2025, 6, 24), {"5m": utc(2025, 6, 23, 23), "1h": utc(2025, 6, 23, 23), "4h": utc(2025, 6, 23, 21)}),
        # The month is open, and derived bars are built again from where the earliest open one begins.
        (D1, date(2025, 6, 21), {"1d": utc(2025, 6, 22, 23), "1w": utc(2025, 6, 1, 23), "1mo": utc(2025, 6, 1, 23)}),
        (D1, date(2020, 1, 1), dict.fromkeys(("1d", "1w", "1mo"), utc(2020, 1, 1))),
    ],
)  # fmt: skip
def test_since_computes_everything_anew_from_that_session_on_and_nothing_before(
    pairs: Market, timeframe: Timeframe, since: date, first: dict[str, datetime]
) -> None:
    right = derived(pairs.database)
    spoil(pairs.database)
    wrong = derived(pairs.database)
    assert pairs.analyze(timeframe).verdicts == {"up_to_date": 2}
    assert pairs.analyze(timeframe, ["USDJPY=X"], since=since).verdicts == {"ok": 1}
    assert pairs.analyze(timeframe, ["EURJPY=X"], since=since).verdicts == {"ok": 1}
    stored = derived(pairs.database)
    for name, begins in (("bars", first), ("indicators", first), ("signals", {"v2": first.get("5m")})):
        at = 4 if name == "signals" else 2
        anew = {key: row for key, row in _keyed(right[name]).items() if _begun(row, at, begins)}
        assert _keyed(stored[name]) == _keyed(wrong[name]) | anew, name
        assert anew or (name == "signals" and timeframe is D1), name
    assert stored["state"] == right["state"]


def _keyed(rows: Sequence[tuple[Any, ...]]) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    return {row[:5] if isinstance(row[4], datetime) else row[:3]: row for row in rows}


def _begun(row: tuple[Any, ...], at: int, first: Mapping[str, datetime | None]) -> bool:
    begin = first.get(row[1])
    return begin is not None and row[at] >= begin


def test_since_without_bars_from_there_on_does_nothing(pairs: Market) -> None:
    before = derived(pairs.database), rows_of(pairs.database, "analysis_state")
    for day in (date(2025, 6, 28), date(2040, 1, 1)):
        assert pairs.analyze(since=day).verdicts == {"up_to_date": 2}
    assert (derived(pairs.database), rows_of(pairs.database, "analysis_state")) == before
