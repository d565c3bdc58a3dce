"""What an analysis stores, of whom, and what it leaves alone when something is wrong."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from threading import Barrier

import pytest
from sqlalchemy import text

from miraikakaku_assets.adapters.storage.analysis.store import PostgresAnalysis
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.application.ports.analysis import Analysis, Saved
from miraikakaku_assets.domain.bars.price_basis import PriceBasis
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.market.instruments import FX, JP, Timeframe
from miraikakaku_assets_tests.fakes.breaking_database import Breaking, BrokenOffError
from miraikakaku_assets_tests.support.bars.raw_bars import actions
from miraikakaku_assets_tests.support.markets.analysed_market import (
    Market,
    currencies,
    derived,
    marks,
    opens,
    scaled,
    slots,
    tokyo,
    utc,
    walk,
)
from miraikakaku_assets_tests.support.markets.stored_market import rows_of

pytestmark = pytest.mark.slow

D1, H1, H4, M5, W1 = Timeframe.D1, Timeframe.H1, Timeframe.H4, Timeframe.M5, Timeframe.W1
PAIRS = ("USDJPY=X", "EURJPY=X")
DAYS = [
    row for at, pair in enumerate(PAIRS)
    for row in walk(pair, opens(FX, date(2025, 1, 2), date(2025, 6, 30)), FX, at, 0.01)
]  # fmt: skip
MINUTES = [
    row for at, pair in enumerate(PAIRS)
    for row in walk(pair, slots(FX, date(2025, 6, 9), date(2025, 6, 30)), FX, at)
]  # fmt: skip


@pytest.fixture
def fx(database: Database) -> Market:
    """Two pairs with daily bars, and five-minute ones up to a Monday noon."""
    market = currencies(database, *PAIRS, now=utc(2025, 6, 30, 12, 1))
    market.deliver(D1, [row for row in DAYS if row["ts"] < utc(2025, 6, 29)])
    market.deliver(M5, [row for row in MINUTES if row["ts"] <= market.now])
    return market


def next_minutes(market: Market, minutes: int) -> None:
    before = market.now
    market.now += timedelta(minutes=minutes)
    market.deliver(M5, [row for row in MINUTES if before - timedelta(minutes=15) <= row["ts"] <= market.now])


def test_what_is_derived_and_from_what(fx: Market) -> None:
    report = fx.analyze()
    assert report.verdicts == {"ok": 2}
    assert set(report.bars) == {H1, H4}
    assert set(report.indicators) == {M5, H1, H4}
    origin = "timeframe, source, built_from, count(*) FILTER (WHERE parts = expected_parts) > 0"
    built = rows_of(fx.database, "price_bars WHERE built_from IS NOT NULL GROUP BY 1, 2, 3", origin)
    assert built == [("1h", "aggregated", "5m", True), ("4h", "aggregated", "1h", True)]
    assert fx.told["USDJPY=X"].newest[H1] == utc(2025, 6, 30, 11)
    assert fx.analyze().verdicts == {"up_to_date": 2}
    assert fx.analyze(D1).verdicts == {"ok": 2}


def test_indicators_wait_for_their_history_and_count_from_the_first_bar(fx: Market) -> None:
    fx.analyze()
    store = PostgresAnalysis(fx.database)
    minutes = store.indicators(FX, M5, ["USDJPY=X"])
    assert minutes["rsi_14"].null_count() == 249
    assert minutes["bb_upper"].null_count() == 19
    assert (
        store.indicators(FX, H4, ["USDJPY=X"])["rsi_14"].null_count()
        == store.indicators(FX, H4, ["USDJPY=X"]).height
    )


def test_a_bar_that_is_still_open_is_never_final(fx: Market) -> None:
    for minutes in (3, 2, 5, 5, 45, 1, 5, 180):
        next_minutes(fx, minutes)
        fx.analyze()
        final = "price_bars WHERE built_from IS NOT NULL AND status = 'final' GROUP BY timeframe"
        newest = dict(rows_of(fx.database, final, "timeframe, max(ts)"))
        assert newest["1h"] + timedelta(hours=1) + FX.settling <= fx.now
        assert newest["4h"] + timedelta(hours=4) + FX.settling <= fx.now


def test_time_alone_closes_a_bar_once_the_symbol_was_asked_again(fx: Market) -> None:
    fx.now = utc(2025, 6, 30, 13)
    fx.deliver(M5, [row for row in MINUTES if row["ts"] < fx.now])
    fx.analyze()
    newest = "price_bars WHERE timeframe = '1h' AND instrument_id = 1 AND ts >= '2025-06-30 12:00Z'"
    assert rows_of(fx.database, newest, "status") == [("provisional",)]
    fx.now += timedelta(minutes=2)
    assert fx.analyze().verdicts == {"up_to_date": 2}  # nobody has asked: perhaps there is more
    fx.deliver(M5, [], asked=["USDJPY=X"])
    last = [row for row in MINUTES if row["ts"] == utc(2025, 6, 30, 12, 55)]
    fx.deliver(M5, last)  # it is final now, too
    assert fx.analyze().verdicts == {"ok": 2}
    assert rows_of(fx.database, newest, "status") == [("final",)]


def test_a_gap_of_a_week_heals(fx: Market) -> None:
    fx.now = utc(2025, 6, 18, 12)
    with fx.database.engine.begin() as connection:
        connection.execute(text("DELETE FROM miraikakaku.price_bars WHERE ts > '2025-06-18 12:00Z'"))
    fx.analyze()
    fx.now = utc(2025, 6, 30, 12, 1)
    fx.deliver(M5, [row for row in MINUTES if utc(2025, 6, 25) < row["ts"] <= fx.now])
    fx.analyze()
    fx.deliver(M5, [row for row in MINUTES if row["ts"] <= utc(2025, 6, 25)])
    fx.deliver(D1, [row for row in DAYS if row["ts"] < utc(2025, 6, 29)])
    fx.analyze()
    healed = derived(fx.database, "bars", "indicators", "signals")
    whole = fx.from_scratch(M5)
    assert healed == {name: whole[name] for name in healed}


def test_one_bad_symbol_does_not_hold_up_the_others(database: Database) -> None:
    market = tokyo(database, JP, "7203", "9984", "130A", now=utc(2025, 1, 31, 12))
    rows = [
        row
        for at, symbol in enumerate(market.ids)
        for row in walk(symbol, slots(JP, date(2025, 1, 27), date(2025, 1, 31)), JP, at)
    ]
    market.deliver(M5, rows)
    lunch = utc(2025, 1, 29, 3)
    with database.engine.begin() as connection:
        copied = "open, high, low, close, volume, source, status, fetched_at"
        connection.execute(
            text(
                f"INSERT INTO miraikakaku.price_bars (instrument_id, timeframe, ts, {copied})"
                f" SELECT instrument_id, timeframe, :lunch, {copied} FROM miraikakaku.price_bars"
                " WHERE instrument_id = :bad LIMIT 1"
            ),
            {"lunch": lunch, "bad": market.ids["9984.T"]},
        )
    report = market.analyze()
    assert report.verdicts == {"ok": 2, "outside_hours": 1}
    assert (
        "9984.T: the bar of 2025-01-29 03:00:00+00:00 lies outside trading hours" in report.failures["9984.T"]
    )
    assert marks(database) == {
        (market.ids["7203.T"], "5m"): None,
        (market.ids["130A.T"], "5m"): None,
        (market.ids["9984.T"], "5m"): rows[0]["ts"],
    }
    done = {number for number, *_ in derived(database, "indicators")["indicators"]}
    assert done == {market.ids["7203.T"], market.ids["130A.T"]}
    assert market.analyze().verdicts == {"up_to_date": 2, "outside_hours": 1}


class Interfering(PostgresAnalysis):
    """Bars change between the reading and the writing, so many times."""

    def __init__(self, database: Database, times: int, change: Callable[[], object]) -> None:
        super().__init__(database)
        self.left, self.change = times, change

    def save(self, analysis: Analysis) -> Saved:
        if self.left:
            self.left -= 1
            self.change()
        return super().save(analysis)


@pytest.mark.parametrize(("times", "verdicts"), [(1, {"ok": 2}), (3, {"bars_changed": 1, "ok": 1})])
def test_bars_that_change_meanwhile_are_neither_overwritten_nor_forgotten(
    fx: Market, monkeypatch: pytest.MonkeyPatch, times: int, verdicts: dict[str, int]
) -> None:
    fx.analyze()
    next_minutes(fx, 30)
    row, factor = MINUTES[-500], iter((1.01, 1.02, 1.03))
    changing = Interfering(
        fx.database, times, lambda: fx.deliver(M5, [scaled(MINUTES[100], next(factor))], asked=())
    )
    monkeypatch.setattr(
        "miraikakaku_assets_tests.support.markets.analysed_market.PostgresAnalysis", lambda _: changing
    )
    assert row["symbol"] == "EURJPY=X"
    assert fx.analyze().verdicts == verdicts
    mark = marks(fx.database)[fx.ids["USDJPY=X"], "5m"]
    assert mark == (None if times == 1 else MINUTES[100]["ts"])
    monkeypatch.undo()
    fx.analyze()
    stored = derived(fx.database)
    assert {name: rows for name, rows in fx.from_scratch(M5).items() if name != "state"} == {
        name: rows for name, rows in stored.items() if name != "state"
    }


def test_two_analyses_at_once_leave_what_one_leaves(fx: Market) -> None:
    alone = {name: rows for name, rows in fx.from_scratch(M5).items() if name != "state"}
    for _ in range(3):
        with fx.database.engine.begin() as connection:
            connection.execute(text("UPDATE miraikakaku.analysis_state SET basis = NULL"))
        start, others = Barrier(3), [replace(fx, told={}) for _ in range(3)]

        def run(market: Market, start: Barrier = start) -> dict[str, int]:
            start.wait()
            return market.analyze().verdicts

        with ThreadPoolExecutor(3) as pool:
            for verdicts in pool.map(run, others):
                assert set(verdicts) <= {"ok", "up_to_date"}
        assert {name: rows for name, rows in derived(fx.database).items() if name != "state"} == alone


def test_another_basis_or_definition_computes_everything_anew(database: Database) -> None:
    market = tokyo(database, JP, "7203", now=utc(2025, 6, 30, 12))
    days = walk("7203.T", opens(JP, date(2024, 1, 4), date(2025, 6, 30)), JP, 5, 0.02)
    minutes = walk("7203.T", slots(JP, date(2025, 6, 2), date(2025, 6, 30)), JP, 6)
    market.deliver(D1, days, actions=actions(("7203.T", date(2025, 3, 28), "dividend", 9.0)))
    market.deliver(M5, minutes)
    assert market.analyze(D1).verdicts == {"ok": 1}
    assert market.analyze(D1, definition="v1").verdicts == {"up_to_date": 1}  # no patterns in daily bars
    raw = derived(database, "indicators")
    adjusted = market.analyze(D1, basis=PriceBasis.ADJUSTED)
    assert adjusted.indicators[D1] == len(days)
    assert derived(database, "indicators") != raw
    assert market.analyze(D1).indicators[D1] == len(days)
    assert derived(database, "indicators") == raw

    assert market.analyze().verdicts == {"ok": 1}
    assert market.analyze(definition="v1").indicators[M5] == len(minutes)
    assert market.analyze(definition="v1").verdicts == {"up_to_date": 1}


def test_signals_that_were_judged_by_an_earlier_reading_of_the_bars_are_judged_anew(fx: Market) -> None:
    """An installation that is brought up to date keeps no signal that knew what it could not know."""
    fx.analyze()
    sound = derived(fx.database)
    with fx.database.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO miraikakaku.pattern_signals (instrument_id, definition, pattern, direction, ts, at, name,"
                " name_ja, priority, close, evidence, detected_at) VALUES (1, 'v2', '6', 'BUY',"
                " '2025-06-24T02:25Z', '2025-06-24T02:30Z', 'n', 'n', 'LOW', 1, '{}', '2025-06-24T03:00Z')"
            )
        )
    assert fx.analyze().verdicts == {"up_to_date": 2}
    assert derived(fx.database) != sound
    with fx.database.engine.begin() as connection:  # what was judged before the mark named how bars are read
        connection.execute(
            text("UPDATE miraikakaku.analysis_state SET definition = 'v2' WHERE timeframe = '5m'")
        )

    assert fx.analyze().verdicts == {"ok": 2}
    assert derived(fx.database) == sound
    assert fx.analyze().verdicts == {"up_to_date": 2}


def test_again_computes_everything_anew(fx: Market) -> None:
    fx.analyze()
    before = derived(fx.database)
    with fx.database.engine.begin() as connection:  # as an operator might
        connection.execute(text("UPDATE miraikakaku.technical_indicators SET sma_5 = 1"))
        connection.execute(
            text("DELETE FROM miraikakaku.price_bars WHERE timeframe = '4h' AND instrument_id = 1")
        )
    assert fx.analyze().verdicts == {"up_to_date": 2}
    assert fx.analyze(M5, ["USDJPY=X"], full_refresh=True).verdicts == {"ok": 1}
    assert fx.analyze(M5, ["EURJPY=X"], full_refresh=True).verdicts == {"ok": 1}
    assert derived(fx.database) == before


def test_symbols_without_bars_are_said_to_have_none(fx: Market) -> None:
    assert fx.analyze(M5, ["USDJPY=X", "NONE=X"]).verdicts == {"ok": 1, "no_bars": 1}
    gone = [row for row in MINUTES if row["symbol"] == "EURJPY=X" and row["ts"] <= fx.now]
    fx.analyze()
    fx.deliver(M5, [], withdrawn=gone)
    assert fx.analyze().verdicts == {"up_to_date": 1, "no_bars": 1}
    assert {number for number, *_ in derived(fx.database, "bars")["bars"]} == {fx.ids["USDJPY=X"]}
    assert fx.analyze().verdicts == {"up_to_date": 1, "no_bars": 1}
    with pytest.raises(ConfigurationError, match="Nothing is derived from 1h bars; start from 1d or 5m"):
        fx.analyze(H1)


def test_broken_off_at_any_statement_it_is_as_before_or_as_after(fx: Market) -> None:
    fx.analyze()
    next_minutes(fx, 300)
    before = derived(fx.database)
    state = rows_of(fx.database, "analysis_state")
    ended, after = False, 0
    outcomes = set()
    while not ended:
        breaking = Breaking(fx.database.url, after)
        try:
            replace(fx, database=breaking).analyze()
            ended = True
        except BrokenOffError:
            outcomes.add(derived(fx.database) == before and rows_of(fx.database, "analysis_state") == state)
        finally:
            breaking.close()
        after += 1
    assert after > 10
    assert outcomes == {True}
    stored = derived(fx.database)
    assert stored != before
    whole = fx.from_scratch(M5)
    assert {name: rows for name, rows in stored.items() if name != "state"} == {
        name: rows for name, rows in whole.items() if name != "state"
    }
