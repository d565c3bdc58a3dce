"""New signals are told once, with the record they had then; old ones are stored, vanished ones are taken back."""

import json
from datetime import date, timedelta
from typing import Any

import pytest

from miraikakaku_assets.adapters.storage.analysis.store import PostgresAnalysis
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.application.ports.notices import PATTERN
from miraikakaku_assets.domain.market.instruments import FX, JP, Timeframe
from miraikakaku_assets.domain.patterns.pattern import Priority
from miraikakaku_assets_tests.support.markets.analysed_market import (
    Market,
    currencies,
    opens,
    scaled,
    slots,
    tokyo,
    utc,
    walk,
)
from miraikakaku_assets_tests.support.markets.stored_market import rows_of

D1, M5 = Timeframe.D1, Timeframe.M5
PAIRS = ("USDJPY=X", "EURJPY=X")
MINUTES = [
    row
    for at, pair in enumerate(PAIRS)
    for row in walk(pair, slots(FX, date(2025, 6, 2), date(2025, 6, 30)), FX, at)
]


@pytest.fixture
def fx(database: Database) -> Market:
    market = currencies(database, *PAIRS, now=utc(2025, 7, 1))
    days = opens(FX, date(2025, 1, 2), date(2025, 6, 30))
    market.deliver(D1, [row for at, pair in enumerate(PAIRS) for row in walk(pair, days, FX, at + 50, 0.01)])
    return market


def up_to(market: Market, moment: Any) -> None:
    market.now = moment
    market.deliver(M5, [row for row in MINUTES if row["ts"] <= moment])


def stored(market: Market) -> list[dict[str, Any]]:
    return PostgresAnalysis(market.database).signals(market.universe).to_dicts()


def known(market: Market) -> list[dict[str, Any]]:
    """All signals of the month, as found in hindsight; nobody is told of them."""
    up_to(market, utc(2025, 7, 1))
    market.analyze(channels=("discord",))
    assert rows_of(market.database, "alerts") == []
    signals = stored(market)
    assert len(signals) > 10
    assert {signal["track_record"] for signal in signals} == {None}
    return signals


@pytest.fixture
def newest(fx: Market) -> dict[str, Any]:
    """The last signal of the month, and the market a minute before it is known."""
    last = known(fx)[-1]
    gone = [row for row in MINUTES if row["ts"] >= last["ts"]]
    fx.deliver(M5, [], withdrawn=gone)
    fx.now = last["at"] - timedelta(minutes=1)
    fx.analyze()
    assert last["ts"] not in {signal["ts"] for signal in stored(fx)}
    return last


def test_a_new_signal_is_told_with_its_record_and_in_its_time(fx: Market, newest: dict[str, Any]) -> None:
    up_to(fx, newest["at"] + timedelta(minutes=2))
    report = fx.analyze(channels=("discord", "mail"))
    assert report.signals == 1
    columns = "id, key, severity, kind, universe, symbol, title, message, details"
    (alert,) = (row for row in rows_of(fx.database, "alerts", columns) if row[3] == PATTERN)
    number, key, severity, kind, universe, symbol, title, message, details = alert
    side = f"{newest['pattern']}/{newest['direction']}"
    assert key == f"pattern/{newest['symbol']}/v2/{side}/{newest['ts'].isoformat()}"
    assert (severity, kind, universe, symbol) == ("INFO", "pattern", "fx", newest["symbol"])
    assert newest["symbol"] in title
    assert "実績" in message
    due = fx.now + Priority(newest["priority"]).notified_after
    outbox = rows_of(fx.database, "notification_outbox", "alert_id, channel, due_at", "2")
    assert outbox == [(number, "discord", due), (number, "mail", due)]

    assert details["close"] == newest["close"]
    assert details["evidence"] == json.loads(newest["evidence"])
    record = details["track_record"]
    assert set(record) >= {
        *("hit_rate", "low", "high", "n", "days", "mean", "last_ten", "horizon", "adjustment"),
    }
    earlier = [
        signal
        for signal in stored(fx)
        if (signal["pattern"], signal["direction"]) == (newest["pattern"], newest["direction"])
    ]
    assert record["signals"] == len(earlier)
    assert record["n"] < len(earlier)  # its own outcome is open
    assert record["horizon"] == "72 five-minute bars"
    notified = [signal for signal in stored(fx) if signal["track_record"] is not None]
    assert [json.loads(signal["track_record"]) for signal in notified] == [record]
    assert notified[0]["detected_at"] == fx.now


def test_it_is_told_once(fx: Market, newest: dict[str, Any]) -> None:
    up_to(fx, newest["at"] + timedelta(minutes=2))
    fx.analyze(channels=("discord",))
    alerts, signals = rows_of(fx.database, "alerts"), stored(fx)
    fx.now += timedelta(minutes=5)
    assert fx.analyze(full_refresh=True, channels=("discord",)).signals == 0
    assert rows_of(fx.database, "alerts") == alerts
    assert stored(fx) == signals  # the time of its detection and its record as they were
    assert len(rows_of(fx.database, "notification_outbox")) == 1


def test_a_signal_of_more_than_an_hour_ago_is_stored_and_not_told(fx: Market, newest: dict[str, Any]) -> None:
    up_to(fx, newest["at"] + timedelta(minutes=61))
    assert fx.analyze(channels=("discord",)).signals >= 1
    assert newest["ts"] in {signal["ts"] for signal in stored(fx)}
    keys = [key for kind, key in rows_of(fx.database, "alerts", "kind, key") if kind == PATTERN]
    assert newest["ts"].isoformat() not in str(keys)


def test_a_signal_whose_bar_was_restated_is_taken_back(fx: Market, newest: dict[str, Any]) -> None:
    up_to(fx, newest["at"] + timedelta(minutes=2))
    fx.analyze(channels=("discord", "mail"))
    (row,) = [
        minute for minute in MINUTES if (minute["symbol"], minute["ts"]) == (newest["symbol"], newest["ts"])
    ]
    factor = 0.95 if newest["direction"] != "SELL" else 1.05
    fx.now += timedelta(minutes=1)
    fx.deliver(M5, [scaled(row, factor)])
    fx.analyze(channels=("discord", "mail"))
    assert newest["ts"] not in {
        signal["ts"] for signal in stored(fx) if signal["pattern"] == newest["pattern"]
    }
    key = f"/{newest['pattern']}/{newest['direction']}/{newest['ts'].isoformat()}"
    resolved = {name: at for name, at in rows_of(fx.database, "alerts", "key, resolved_at") if key in name}
    assert set(resolved.values()) == {fx.now}
    gone = "notification_outbox JOIN miraikakaku.alerts ON id = alert_id WHERE resolved_at IS NOT NULL"
    assert rows_of(fx.database, gone) == []


def test_the_record_of_shares_is_measured_against_their_market(database: Database) -> None:
    market = tokyo(database, JP, "7203", "9984", "130A", now=utc(2025, 4, 1))
    days = opens(JP, date(2024, 6, 3), date(2025, 3, 31))
    market.deliver(
        D1, [row for at, symbol in enumerate(market.ids) for row in walk(symbol, days, JP, at, 0.02)]
    )
    stamps = slots(JP, date(2024, 12, 2), date(2025, 3, 31))
    rows = [
        row
        for at, symbol in enumerate(("7203.T", "9984.T"))
        for row in walk(symbol, stamps, JP, 7 + at, 0.002)
    ]
    market.deliver(M5, rows)
    market.analyze()
    last = stored(market)[-1]
    market.deliver(M5, [], withdrawn=[row for row in rows if row["ts"] >= last["ts"]])
    market.analyze()
    market.now = last["at"] + timedelta(minutes=31)
    market.deliver(M5, [row for row in rows if row["ts"] <= market.now])
    market.analyze(channels=("discord",))
    (record,) = [
        json.loads(signal["track_record"]) for signal in stored(market) if signal["ts"] == last["ts"]
    ]
    assert record["horizon"] == "next session"
    if record["n"]:
        assert record["adjustment"] == "minus the mean move of up to 3 symbols over the same time"
    assert record["signals"] > 1
