"""Suites on a real database: silent on what the system stores itself, and each rule speaks when it is broken.

What breaks a rule is found twice, by Great Expectations in memory and by the database, and the two agree.
"""

from datetime import date

import pytest
from sqlalchemy import text

from miraikakaku_assets.adapters.quality import GreatExpectations
from miraikakaku_assets.adapters.storage.bars.store import PostgresBars
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.forecasts.store import PostgresForecasts
from miraikakaku_assets.adapters.storage.quality.store import PostgresQuality
from miraikakaku_assets.application.ports.quality import QualityPorts
from miraikakaku_assets.application.quality.check_quality import check_quality, pass_gate, quality_totals
from miraikakaku_assets.domain.market.instruments import JP, Timeframe
from miraikakaku_assets.domain.market.sessions import sessions_back
from miraikakaku_assets.domain.quality.batch import batch_of
from miraikakaku_assets.domain.quality.results import State
from miraikakaku_assets.domain.quality.suites import GATES, SUITES, suite
from miraikakaku_assets_tests.support.forecasts.stored_forecasts import forecasts
from miraikakaku_assets_tests.support.markets.analysed_market import Market, opens, slots, tokyo, utc, walk
from miraikakaku_assets_tests.support.markets.stored_market import rows_of

pytestmark = pytest.mark.slow

NOW = utc(2025, 2, 5, 12)
TODAY = date(2025, 2, 5)
YESTERDAY = date(2025, 2, 4)
SYMBOLS = ("1301.T", "7203.T", "9984.T")
SCORED = """INSERT INTO miraikakaku.prediction_performance
    (universe, segment_kind, segment, window_origins, until, model, horizon, n, mae, rmse, mae_no_change, width_80,
     width_95, hit_low, hit_rate, hit_high, always_up, coverage_80, coverage_95)
    SELECT 'jp', 'universe', 'all', 20, '2025-02-05', model, 1, 10, 1, 2, 1, 1, 2, 0.4, 0.5, 0.6, 0.5, 0.8, 0.95
    FROM unnest(ARRAY['a', 'b', 'c', 'd']) AS model"""
SIGNALLED = """INSERT INTO miraikakaku.pattern_signals
    (instrument_id, definition, pattern, direction, ts, at, name, name_ja, priority, close, evidence, detected_at)
    SELECT instrument_id, 'test', 'x', 'BUY', ts, ts + interval '5 minutes', 'x', 'x', 'low', close, '{}', now()
    FROM miraikakaku.price_bars WHERE timeframe = '5m' AND ts >= '2025-02-05' ORDER BY ts, instrument_id LIMIT 8"""


@pytest.fixture
def market(database: Database) -> Market:
    """Three issues with five months of days, three sessions of minutes, all that is derived, and forecasts."""
    made = tokyo(database, JP, *(symbol.removesuffix(".T") for symbol in SYMBOLS), now=NOW)
    for seed, symbol in enumerate(SYMBOLS):
        made.deliver(Timeframe.D1, walk(symbol, opens(JP, date(2024, 9, 2), TODAY), JP, seed, 0.01))
        made.deliver(Timeframe.M5, walk(symbol, slots(JP, date(2025, 2, 3), TODAY), JP, seed))
    for timeframe in (Timeframe.D1, Timeframe.M5):
        assert not made.analyze(timeframe).failures
    PostgresForecasts(database).save_predictions(JP, forecasts(SYMBOLS, origins=[YESTERDAY]), NOW)
    execute(database, SCORED, SIGNALLED)
    return made


def execute(database: Database, *statements: str) -> None:
    with database.engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def ports(database: Database) -> QualityPorts:
    return QualityPorts(
        PostgresQuality(database), PostgresBars(database), GreatExpectations(), lambda: NOW, retention_days=30
    )


BAR = (
    "UPDATE miraikakaku.price_bars SET {set} WHERE timeframe = '{timeframe}' AND ts = (SELECT DISTINCT ts"
    " FROM miraikakaku.price_bars WHERE timeframe = '{timeframe}' ORDER BY ts DESC OFFSET {back} LIMIT 1)"
    " AND instrument_id = (SELECT min(id) FROM miraikakaku.instruments)"
)
AGAIN = (
    "INSERT INTO miraikakaku.price_bars SELECT * FROM miraikakaku.price_bars WHERE timeframe = '{0}'"
    " AND (instrument_id, ts) = (SELECT i.id, max(b.ts) FROM miraikakaku.price_bars b JOIN miraikakaku.instruments i"
    " ON i.id = b.instrument_id WHERE b.timeframe = '{0}' AND i.symbol = '7203.T' GROUP BY 1)"
)
WITHOUT_CONSTRAINTS = """DO $$ DECLARE found record; BEGIN
    FOR found IN SELECT conrelid::regclass AS owner, conname FROM pg_constraint
        WHERE connamespace = 'miraikakaku'::regnamespace AND contype IN ('c', 'p', 'u') ORDER BY contype LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS %I CASCADE', found.owner, found.conname);
    END LOOP; END $$"""
NULLS_ALLOWED = "ALTER TABLE miraikakaku.{} ALTER COLUMN {} DROP NOT NULL"


def bars_damaged(timeframe: str) -> list[str]:
    """One damage a bar."""
    damages = (
        *("close = NULL", "low = -1", "high = 3e8", "open = high + 1", "close = low - 0.5", "volume = -1"),
        *("status = 'maybe'",),
    )
    return [
        *(BAR.format(set=damage, timeframe=timeframe, back=back) for back, damage in enumerate(damages)),
        AGAIN.format(timeframe),
    ]


def built_damaged(timeframe: str, source: str, bare: str = SYMBOLS[2]) -> list[str]:
    """Newest built bar of one issue wrong in everything, of the second there twice, its one before gone.

    Args:
        timeframe: Of the built bars.
        source: Of their parts.
        bare: Symbol whose newest built bar loses its parts.
    """
    newest = f"ts = (SELECT max(ts) FROM miraikakaku.price_bars WHERE timeframe = '{timeframe}')"
    fields = ", ".join(f"{name} = {name} + 1" for name in ("open", "high", "low", "close", "volume", "parts"))
    of = "instrument_id = (SELECT id FROM miraikakaku.instruments WHERE symbol = '{}')"
    return [
        (
            f"UPDATE miraikakaku.price_bars SET {fields} WHERE timeframe = '{timeframe}' AND {newest}"
            f" AND {of.format(SYMBOLS[0])}"
        ),
        (
            f"INSERT INTO miraikakaku.price_bars SELECT * FROM miraikakaku.price_bars WHERE timeframe = '{timeframe}'"
            f" AND {newest} AND {of.format(SYMBOLS[1])}"
        ),
        (
            f"DELETE FROM miraikakaku.price_bars WHERE timeframe = '{timeframe}' AND {of.format(SYMBOLS[1])} AND ts ="
            f" (SELECT DISTINCT ts FROM miraikakaku.price_bars WHERE timeframe = '{timeframe}' ORDER BY ts DESC"
            " OFFSET 1 LIMIT 1)"
        ),
        (
            f"DELETE FROM miraikakaku.price_bars WHERE timeframe = '{source}' AND {of.format(bare)} AND ts >="
            f" (SELECT max(ts) FROM miraikakaku.price_bars WHERE timeframe = '{timeframe}')"
        ),
    ]


INDICATOR = "UPDATE miraikakaku.technical_indicators SET {} WHERE timeframe = '1d' AND {}"
NEWEST_INDICATORS = "ts = (SELECT max(ts) FROM miraikakaku.technical_indicators WHERE timeframe = '1d')"
SIGNAL = (
    "UPDATE miraikakaku.pattern_signals SET {} WHERE ctid = (SELECT ctid FROM miraikakaku.pattern_signals"
    " WHERE definition = 'test' ORDER BY ts, instrument_id OFFSET {} LIMIT 1)"
)
FORECAST = (
    "UPDATE miraikakaku.daily_predictions SET {} WHERE horizon = {} AND instrument_id ="
    " (SELECT id FROM miraikakaku.instruments WHERE symbol = '{}')"
)
SCORE = "UPDATE miraikakaku.prediction_performance SET {} WHERE model = '{}'"
ISSUE = "UPDATE miraikakaku.stock_master SET {} WHERE stock_code = '{}'"
DAMAGES: dict[str, list[str]] = {
    "stock_master": [
        """INSERT INTO miraikakaku.stock_master SELECT (jsonb_populate_record(m, jsonb_build_object('id', 1000 + id))).*
           FROM miraikakaku.stock_master m WHERE stock_code = '1301'""",
        NULLS_ALLOWED.format("stock_master", "market_category"),
        ISSUE.format("stock_name = '  ', yahoo_symbol = 'bad one'", "7203"),
        ISSUE.format("market_category = NULL, first_list_date = last_list_date + 1", "9984"),
        """INSERT INTO miraikakaku.stock_master
           SELECT (jsonb_populate_record(m, jsonb_build_object('id', 2000 + id, 'stock_code', '9999', 'is_active',
                   false, 'listed_on', '2025-01-02', 'delisted_on', '2025-01-01'))).*
           FROM miraikakaku.stock_master m WHERE stock_code = '1301' LIMIT 1""",
    ],
    "daily_bars": [
        *bars_damaged("1d"),
        BAR.format(set="ts = '2025-02-02 00:00+00'", timeframe="1d", back=7),
        BAR.format(set="ts = ts + interval '1 hour'", timeframe="1d", back=8),
    ],
    "five_minute_bars": [
        *bars_damaged("5m"),
        BAR.format(set="ts = ts + interval '7 seconds'", timeframe="5m", back=8),
        BAR.format(set="ts = '2025-02-05 03:00+00'", timeframe="5m", back=10),
    ],
    "hourly_bars": built_damaged("1h", "5m", SYMBOLS[1]),
    "four_hour_bars": built_damaged("4h", "1h"),
    "weekly_bars": built_damaged("1w", "1d"),
    "monthly_bars": built_damaged("1mo", "1d"),
    "indicators": [
        "INSERT INTO miraikakaku.technical_indicators SELECT * FROM miraikakaku.technical_indicators"
        " WHERE timeframe = '1d' AND " + NEWEST_INDICATORS,
        INDICATOR.format(
            "obv = 'NaN', rsi_14 = 101, bb_upper = bb_lower - 1, atr_14 = -1, sma_5 = 0, macd = 1, macd_signal = 0,"
            " macd_histogram = 5",
            NEWEST_INDICATORS,
        ),
        "UPDATE miraikakaku.technical_indicators SET ts = ts + interval '1 second' WHERE timeframe = '1w'",
    ],
    "pattern_signals": [
        *(
            SIGNAL.format(damage, nth)
            for nth, damage in enumerate(("direction = 'UP'", "close = 0", "at = ts"))
        ),
        SIGNAL.format("ts = ts - interval '7 seconds'", 3),
    ],
    "predictions": [
        FORECAST.format("horizon = 9", 1, SYMBOLS[0]),
        FORECAST.format("lo80 = NULL", 2, SYMBOLS[0]),
        FORECAST.format("point = 5", 3, SYMBOLS[0]),
        FORECAST.format("close = 0", 4, SYMBOLS[0]),
        FORECAST.format("target = target + 1", 5, SYMBOLS[0]),
        FORECAST.format("lo95 = hi95 + 1", 1, SYMBOLS[1]),
        "INSERT INTO miraikakaku.daily_predictions SELECT * FROM miraikakaku.daily_predictions WHERE horizon = 9",
        (
            "DELETE FROM miraikakaku.daily_predictions WHERE horizon = 5 AND instrument_id ="
            f" (SELECT id FROM miraikakaku.instruments WHERE symbol = '{SYMBOLS[2]}')"
        ),
    ],
    "forecast_scores": [
        SCORE.format("always_up = 1.5", "a"),
        SCORE.format("mae = -1", "b"),
        SCORE.format("hit_low = 0.9", "c"),
        SCORE.format("coverage_95 = 0.1", "d"),
    ],
    "table_schema": [
        "ALTER TABLE miraikakaku.corporate_actions DROP COLUMN flag",
        "ALTER TABLE miraikakaku.corporate_actions ADD COLUMN note text",
        "ALTER TABLE miraikakaku.corporate_actions ALTER COLUMN value TYPE numeric",
        "ALTER TABLE miraikakaku.corporate_actions ALTER COLUMN source DROP NOT NULL",
    ],
}
"""Suite → statements that break each of its rules."""
BUILT_FIRST = (
    *("four_hour_bars", "hourly_bars", "weekly_bars", "monthly_bars"),
    *("pattern_signals", "indicators", "predictions", "forecast_scores", "stock_master", "daily_bars"),
    *("five_minute_bars", "table_schema"),
)
"""Suites in an order in which no damage is in the way of the next: parts are damaged after what is built from them."""


def test_what_the_system_stores_keeps_every_suite(market: Market) -> None:
    work = ports(market.database)
    check_quality(JP, work, until=sessions_back("XTKS", TODAY, 40), checks={"stock_master"})

    reports = [check_quality(JP, work) for _ in range(2)]

    for each in SUITES:
        results = reports[1].of(each.name)
        assert {result.rule: (result.state, result.worst) for result in results} == {
            rule.name: (State.PASSED, ()) for rule in each.rules
        }, each.name
        assert results[0].rows > 0, each.name
    assert not [result for result in reports[1].results if result.failed]
    assert set(quality_totals(reports[1]).states) == {"passed", "training"}
    stored = rows_of(market.database, "quality_results", "batch, suite || '.' || rule, state")
    assert sorted(row[1:] for row in stored) == sorted(
        (f"{result.suite}.{result.rule}", result.state.value) for result in reports[0].results
    )
    assert {row[0] for row in stored} == {TODAY}, (
        "the batch of 40 sessions ago is older than it is to be kept"
    )


def test_each_rule_is_broken_by_its_damage_in_memory_and_in_the_database(market: Market) -> None:
    execute(market.database, WITHOUT_CONSTRAINTS)
    for column in ("close", "volume"):
        execute(market.database, NULLS_ALLOWED.format("price_bars", column))
    work, batch = ports(market.database), batch_of(JP, NOW)
    store = PostgresQuality(market.database)
    assert set(BUILT_FIRST) == {each.name for each in SUITES}
    for name in BUILT_FIRST:
        chosen = suite(name)
        execute(market.database, *DAMAGES[name])
        broken = GreatExpectations().broken(chosen, JP, store.rows(chosen, batch))
        in_memory = {rule: len(positions) for rule, positions in broken.items()}
        assert {rule for rule, count in in_memory.items() if not count} == set(), name
        assert store.counted(chosen, batch)[1] == in_memory, name
        listed = {
            rule.name: pasted(market.database, store.listing(chosen, rule, batch)) for rule in chosen.rules
        }
        assert listed == in_memory, name
        if name in GATES:
            assert all(result.failed and result.query for result in pass_gate(chosen, JP, work))
        if name == "daily_bars":
            worst = check_quality(JP, work, checks={name}).of(name)
            assert {result.rule: len(result.worst) for result in worst} == {
                rule: min(count, 20) for rule, count in in_memory.items()
            }


def pasted(database: Database, query: str) -> int:
    """How many rows a statement lists."""
    with database.engine.connect() as connection:
        return len(connection.exec_driver_sql(query).all())


def test_a_day_that_was_announced_is_not_judged(market: Market) -> None:
    work = ports(market.database)
    for note in ("early close", "system failure"):
        work.store.expect(JP, TODAY, note)

    report = check_quality(JP, work, checks={"usual_day"})

    assert [result.state for result in report.results] == [State.EXPECTED] * 3
    assert work.store.expected_days(JP) == {TODAY: "system failure"}


def test_findings_of_series_are_stored_and_listed_by_the_query(market: Market) -> None:
    execute(
        market.database,
        "UPDATE miraikakaku.price_bars SET open = open * 5, high = high * 5, low = low * 5, close = close * 5"
        " WHERE timeframe = '1d' AND ts >= '2025-01-30' AND instrument_id ="
        " (SELECT id FROM miraikakaku.instruments WHERE symbol = '7203.T')",
    )

    report = check_quality(JP, ports(market.database), checks={"series_health"})

    (result,) = [result for result in report.results if result.failed]
    assert (result.rule, result.exceptions, result.worst[0].key) == ("missing_factor", 1, "7203.T 2025-01-30")
    assert pasted(market.database, result.query) == 1
    assert check_quality(JP, ports(market.database), checks={"series_health"}) == report, "doing it twice"
