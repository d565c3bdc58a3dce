"""An analysis killed at any moment: the same command again ends with what an undisturbed one leaves behind."""

import random
import textwrap
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy.engine import make_url

from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.domain.market.instruments import FX, Timeframe
from miraikakaku_assets_tests.support.databases import fresh_database, send_everybody_away
from miraikakaku_assets_tests.support.killing import kill_at_work, run_to_end
from miraikakaku_assets_tests.support.markets.analysed_market import (
    Market,
    currencies,
    derived,
    marks,
    opens,
    scaled,
    slots,
    utc,
    walk,
)
from miraikakaku_assets_tests.support.markets.stored_market import rows_of

pytestmark = pytest.mark.slow
D1, M5 = Timeframe.D1, Timeframe.M5
PAIRS = tuple(f"{name}JPY=X" for name in ("AUD", "CHF", "EUR", "GBP", "USD"))
BEFORE, NOW = utc(2025, 6, 26, 12, 2), utc(2025, 6, 27, 12, 2)

ANALYZE = textwrap.dedent("""
    import sys
    from datetime import datetime
    from miraikakaku_assets.adapters.storage.analysis.store import PostgresAnalysis
    from miraikakaku_assets.adapters.storage.engine import Database
    from miraikakaku_assets.application.analysis import scope as analysis_scope
    from miraikakaku_assets.application.analysis.analyze_bars import AnalysisPorts, analyze_bars
    from miraikakaku_assets.application.ports.analysis import AnalysisRequest
    from miraikakaku_assets.domain.market.instruments import COLLECTED_TIMEFRAMES, FX
    from miraikakaku_assets.domain.market.sessions import trading_hours
    import talib

    analysis_scope.SYMBOLS_PER_GROUP = 1
    database = Database(sys.argv[1])
    ports = AnalysisPorts(PostgresAnalysis(database), lambda: datetime.fromisoformat(sys.argv[2]))
    trading_hours(FX.calendar)
    print("ready", flush=True)
    sys.stdin.readline()
    for collected in COLLECTED_TIMEFRAMES:
        request = AnalysisRequest(FX, collected, channels=("mail",))
        report = analyze_bars(request, ports, lambda done: print("stored", flush=True))
        assert not report.failures, report.failures
    print("done", flush=True)
    database.close()
""")


def left(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Everything an analysis writes; a record depends on which other symbols were stored by then, and is left out."""
    alerts = rows_of(
        database, "alerts", "key, severity, kind, symbol, raised_at, occurrences, resolved_at", "1"
    )
    outbox = rows_of(
        database,
        "notification_outbox o JOIN miraikakaku.alerts a ON a.id = o.alert_id",
        "a.key, o.channel, o.due_at, o.attempts",
        "1, 2",
    )
    detected = rows_of(
        database, "pattern_signals", "instrument_id, pattern, direction, ts, detected_at", "1, 2, 3, 4"
    )
    return {**derived(database), "alerts": alerts, "outbox": outbox, "detected": detected}


def waiting(database: Database) -> int:
    """Instruments and timeframes that are due."""
    return sum(since is not None for since in marks(database).values())


def a_day_behind(database: Database) -> None:
    """Five pairs that are analysed up to a day ago, but for one; since then bars came, late and corrected ones too."""
    market = currencies(database, *PAIRS, now=BEFORE)
    days, minutes = opens(FX, date(2025, 1, 2), NOW.date()), slots(FX, date(2025, 5, 19), NOW.date())
    daily = {pair: walk(pair, days, FX, 60 + at, 0.01) for at, pair in enumerate(PAIRS)}
    five = {pair: walk(pair, minutes, FX, 90 + at) for at, pair in enumerate(PAIRS)}
    known = PAIRS[:-1]
    deliver(market, D1, [row for pair in known for row in daily[pair][:-2]])
    deliver(market, M5, [row for pair in known for at, row in enumerate(five[pair]) if at % 97])
    for timeframe in (D1, M5):
        assert market.analyze(timeframe).verdicts == {"ok": len(known)}
    market.now = NOW
    deliver(market, D1, [row for pair in PAIRS for row in daily[pair][:-1]])
    late = [row for pair in PAIRS for row in five[pair]]
    deliver(market, M5, [scaled(row, 1.002) if row["row"] == 1_500 else row for row in late])


def deliver(market: Market, timeframe: Timeframe, rows: list[dict[str, Any]]) -> None:
    market.deliver(timeframe, [row for row in rows if row["ts"] <= market.now - timedelta(minutes=6)])


def test_killed_at_random_moments_it_ends_as_if_nothing_had_happened(
    database: Database, database_url: str, server_url: str
) -> None:
    a_day_behind(database)
    before, due = left(database), waiting(database)
    assert due == 2 * len(PAIRS)
    database.close()
    send_everybody_away(server_url, database_url)
    template = make_url(database_url).database
    assert template is not None
    with fresh_database(server_url, template) as calm_url, fresh_database(server_url, template) as url:
        run_to_end(ANALYZE, calm_url, NOW.isoformat())
        calm, disturbed = Database(calm_url), Database(url)
        undisturbed = left(calm)
        assert undisturbed != before
        assert undisturbed["signals"]
        assert undisturbed["alerts"]
        still_due = [due]
        moments = random.Random(20250627)  # noqa: S311 - the same moments in every run
        for stored in (0, 2, 1, 2):  # of ten
            seconds = moments.uniform(0.0, 0.08)
            kill_at_work(ANALYZE, url, NOW.isoformat(), stored=stored, seconds=seconds)
            still_due.append(waiting(disturbed))
        assert still_due == sorted(still_due, reverse=True)
        assert 0 < still_due[2] < due  # it was killed at work
        run_to_end(ANALYZE, url, NOW.isoformat())
        assert left(disturbed) == undisturbed
        run_to_end(ANALYZE, url, NOW.isoformat())
        assert left(disturbed) == undisturbed
        calm.close()
        disturbed.close()
