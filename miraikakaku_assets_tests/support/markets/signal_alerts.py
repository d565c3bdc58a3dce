"""Alerts as the analysis raises them, for tests of notifications."""

from datetime import UTC, datetime, timedelta
from typing import Any

from miraikakaku_assets.application.ports.notices import PATTERN, NewAlert, Severity

NOW = datetime(2026, 11, 20, 6, 35, tzinfo=UTC)

RECORD: dict[str, Any] = {
    "definition": "v2",
    "pattern": "1",
    "direction": "SELL",
    "signals": 27,
    "n": 25,
    "days": 19,
    "hits": 14,
    "hit_rate": 0.56,
    "low": 0.3707,
    "high": 0.7333,
    "mean": 0.0012,
    "last_ten": [0.01, -0.002, 0.004, 0.0031, -0.01, 0.02, 0.001, -0.003, -0.004, 0.005],
    "horizon": "next session",
    "adjustment": "minus the mean move of up to 4123 symbols over the same time",
}

DETAILS: dict[str, Any] = {
    "symbol": "7203.T",
    "pattern": "1",
    "name": "reversal",
    "name_ja": "強力なトレンド転換シグナル",
    "direction": "SELL",
    "priority": "HIGH",
    "at": "2026-11-20T06:30:00+00:00",
    "close": 2812.5,
    "evidence": {
        "d1.rsi_14_max_3": 68.21,
        "d1.macd_histogram": -1.23456,
        "d1.macd_histogram_before": 0.4,
        "h4.rsi_14_max_3": 71.4,
        "h4.high_minus_bb_upper_max_3": 3.5,
        "h1.close": 2812.5,
        "h1.bb_upper": 2830.25,
        "m5.rsi_14_before": 66.1,
        "m5.upper_wick_share": 0.625,
    },
    "track_record": RECORD,
    "take_profit_pips": None,
    "stop_pips": None,
    "definition": "v2",
}


def plain(key: str, *channels: str, after: timedelta = timedelta(0), **changed: Any) -> NewAlert:
    """An alert that is no signal, due so long after `NOW`."""
    given = {"severity": Severity.WARNING, "kind": "test", "title": f"title of {key}", "message": "text"}
    return NewAlert(key=key, channels=channels, due_at=NOW + after, **(given | changed))


def signal(*channels: str, **changed: Any) -> NewAlert:
    """The alert of a signal of 7203.T, with details that differ as named."""
    details = DETAILS | changed
    return NewAlert(
        key=f"pattern/{details['symbol']}/v2/{details['pattern']}/{details['direction']}/2026-11-20T06:25:00+00:00",
        severity=Severity.INFO,
        kind=PATTERN,
        title="title",
        message="text",
        universe="jp",
        symbol=details["symbol"],
        details=details,
        channels=channels,
        due_at=NOW,
    )
