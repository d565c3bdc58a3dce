"""The five-minute cycle: what it asks for, what it writes, and how it goes on when something fails."""

import io
from datetime import timedelta
from typing import Any

import pytest
from matplotlib.image import imread

from miraikakaku_assets.domain.market.instruments import FX, Timeframe
from miraikakaku_assets.orchestration.prices.assets import chain_keys
from miraikakaku_assets_tests.fakes.webhook_receiver import webhook_receiver
from miraikakaku_assets_tests.support.installations.installation import failure_of
from miraikakaku_assets_tests.support.installations.trading import (
    DOLLAR,
    EURO,
    PAIRS,
    Loaded,
    Trading,
    trading,
)

pytestmark = pytest.mark.slow

DAILY = [key.to_user_string() for key in chain_keys(FX, Timeframe.D1)]
WATCHED = [key.to_user_string() for key in chain_keys(FX, Timeframe.M5)]
EVERY_FIVE_MINUTES = [*WATCHED, "fx/indicators"]
BROKEN = {"cycle/fx/many_failed": "WARNING"}


def of_both(*assets: str) -> list[tuple[str, str | None]]:
    return sorted({(asset, pair) for asset in assets for pair in PAIRS})


def test_the_first_cycle_loads_everything_and_derives_all_of_it(forex: Trading, loaded: Loaded) -> None:
    assert loaded.requests == {"chart_1d": 2, "chart_5m": 2}
    (run,) = forex.site.instance.get_runs()
    assert sorted(set(forex.site.materialized(run.run_id))) == of_both(*DAILY, *WATCHED)
    assert (run.tags["miraikakaku/cycle"], run.tags["dagster/max_retries"]) == ("fx", "0")
    held = forex.site.rows("SELECT DISTINCT timeframe FROM miraikakaku.price_bars ORDER BY 1")
    assert held == [("1d",), ("1h",), ("1mo",), ("1w",), ("4h",), ("5m",)]
    assert (
        forex.site.rows("SELECT DISTINCT timeframe FROM miraikakaku.technical_indicators ORDER BY 1") == held
    )
    assert forex.site.rows("SELECT count(*) > 20 FROM miraikakaku.pattern_signals") == [(True,)]
    assert forex.log() == [(2, 2, True, None)]


def test_the_next_one_asks_once_for_each_pair_and_writes_what_is_due(forex: Trading) -> None:
    before = forex.bars()
    forex.requests()
    forex.passes()

    run = forex.cycle()

    assert run.success
    assert forex.requests() == {"chart_5m": 2}
    assert sorted(forex.site.materialized(run.run_id)) == of_both(*EVERY_FIVE_MINUTES)
    written = {
        (symbol, timeframe, f"{ts:%H:%M}", status)
        for symbol, timeframe, ts, status, _ in forex.bars() - before
    }
    assert written == {
        (pair, *bar)
        for pair in PAIRS
        for bar in (
            ("5m", "19:10", "final"),
            ("5m", "19:15", "provisional"),
            ("1h", "18:00", "final"),  # the first quarter of the four hours that are still open
            ("1h", "19:00", "provisional"),
            ("4h", "18:00", "provisional"),
        )
    }
    assert forex.log() == [(2, 2, True, None)] * 2


def test_of_what_has_not_changed_nothing_is_written_or_said(forex: Trading) -> None:
    before = forex.bars()
    forex.requests()

    run = forex.cycle()

    assert run.success
    assert forex.requests() == {"chart_5m": 2}
    assert forex.site.materialized(run.run_id) == []
    assert forex.bars() == before


def test_a_pair_that_fails_holds_up_no_other_and_is_caught_up_with(forex: Trading) -> None:
    forex.exchange.set_faults(f"500@{EURO}")
    forex.passes()

    run = forex.cycle()

    assert failure_of(run).description.startswith("1 of 2 symbols failed, the other is stored")
    fresh = {(asset, pair) for asset, pair in forex.site.materialized(run.run_id) if asset == "fx/prices_5m"}
    assert fresh == {("fx/prices_5m", DOLLAR)}
    assert {("fx/patterns", DOLLAR), ("fx/bars_1h", DOLLAR)} <= set(forex.site.materialized(run.run_id))
    symbols, succeeded, ended, error = forex.log()[-1]
    assert (symbols, succeeded, ended) == (2, 1, True)
    assert error.startswith("1 of 2 symbols failed")
    assert forex.standing() == BROKEN

    forex.exchange.set_faults()
    forex.passes()
    assert forex.cycle().success
    newest = """SELECT symbol, max(ts)::text FROM miraikakaku.price_bars JOIN miraikakaku.instruments
                ON id = instrument_id WHERE timeframe = '5m' AND status = 'final' GROUP BY 1 ORDER BY 1"""
    assert forex.site.rows(newest) == [(pair, "2026-11-18 19:15:00+00") for pair in PAIRS]
    assert forex.standing() == {}


@pytest.mark.parametrize("forex", [{"max_error_count": 3}], indirect=True)
def test_cycles_that_all_fail_are_critical_until_one_is_good(forex: Trading) -> None:
    forex.exchange.set_faults("500")
    for expected in (BROKEN, BROKEN, BROKEN | {"cycle/fx/all_failed": "CRITICAL"}):
        forex.passes()
        assert not forex.cycle().success
        assert forex.standing() == expected
    assert [row[1] for row in forex.log()] == [2, 0, 0, 0]
    alerts = {alert.key: alert for alert in forex.site.ports.notices.alerts.listed()}
    assert alerts["cycle/fx/many_failed"].occurrences == 3

    forex.exchange.set_faults()
    forex.passes()
    assert forex.cycle().success
    assert forex.standing() == {}


def test_a_cycle_that_breaks_off_counts_as_failed_and_is_told(forex: Trading) -> None:
    with forex.site.ports.database.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE miraikakaku.technical_indicators")
    forex.passes()

    run = forex.cycle()

    assert not run.success
    symbols, succeeded, ended, error = forex.log()[-1]
    assert (symbols, succeeded, ended) == (2, 0, True)
    assert "technical_indicators" in error
    assert forex.standing() == BROKEN


def test_a_source_that_turns_everybody_away_ends_the_cycle_red_and_the_next_tick_goes_on(
    forex: Trading,
) -> None:
    forex.exchange.set_faults("429")
    for _ in range(20):  # a storm: until nobody asks any more
        forex.passes()
        run = forex.cycle()
        assert not run.success
        paused = forex.site.rows("SELECT run_id FROM miraikakaku.batch_executions WHERE status = 'paused'")
        if paused:
            break
    assert paused == [(run.run_id,)]
    assert "not asked again before" in failure_of(run).description
    assert forex.log()[-1][1] == 0
    with forex.site.ports.database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE miraikakaku.batch_executions SET resume_at = now()")
    assert forex.sensor("resume_paused").run_requests == []  # the next cycle is what comes after a cycle

    forex.exchange.set_faults()
    forex.site.ports.sources.rate_limiter.resume()
    forex.passes()
    (request,) = forex.tick().run_requests
    again = forex.site.run("fx_cycle_job", config=dict(request.run_config), tags=dict(request.tags))
    assert again.success
    assert forex.log()[-1] == (2, 2, True, None)
    assert forex.standing() == {}


def test_a_new_signal_arrives_at_the_webhook_with_its_picture(
    forex: Trading, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = forex.site.ports.settings.database_url
    assert url is not None
    with webhook_receiver() as receiver:
        address = {"discord_webhook_url": receiver.discord}
        with trading(
            forex.exchange, url.get_secret_value(), tmp_path / "told", monkeypatch, **address
        ) as market:
            market.passes()
            assert market.cycle().success
            market.passes()
            assert market.cycle().success  # of a signal that stands nothing is said again
            assert market.sensor("notifications").skip_message == "No notification is due."
        (message,) = receiver.accepted()
    assert EURO in message.text
    assert "方向: 売り" in message.text
    (picture,) = message.pictures
    pixels = imread(io.BytesIO(picture[1]), format="png")
    assert pixels.shape[0] > 200
    assert float(pixels.std()) > 0.05
    notified = forex.site.rows(
        "SELECT symbol, at::text FROM miraikakaku.pattern_signals JOIN miraikakaku.instruments "
        "ON id = instrument_id WHERE track_record IS NOT NULL"
    )
    assert notified == [(EURO, "2026-11-18 19:15:00+00")]


def test_a_cycle_that_does_not_end_is_critical_after_eleven_minutes(forex: Trading) -> None:
    forex.site.ports.notices.cycles.begin("fx", "a-run-that-hangs", forex.now)

    forex.passes(timedelta(minutes=9))
    assert forex.sensor("cycle_watch").skip_message == "No cycle runs too long."
    forex.passes(timedelta(minutes=2))
    message = forex.sensor("cycle_watch").skip_message

    assert "600" in message
    assert forex.standing() == {"cycle/fx/very_slow": "CRITICAL"}
    assert forex.cycle().success
    assert forex.standing() == {}


def test_a_cycle_of_nothing_that_exists_ends_red_with_its_reason(forex: Trading) -> None:
    run = forex.cycle("NOSUCH=X")

    assert "1 of 1 symbol failed; see batch" in failure_of(run).description
    assert forex.log()[-1][:2] == (1, 0)
