"""US issues, currency pairs and five-minute bars through Dagster, against the simulated exchanges."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import dagster as dg
import polars as pl
import pytest

from miraikakaku_assets.domain.market.instruments import COPPER, FX, US, Timeframe
from miraikakaku_assets.domain.market.sessions import expected_slots, sessions_between
from miraikakaku_assets.orchestration.partitions import register_keys
from miraikakaku_assets.orchestration.resources import PortsResource
from miraikakaku_assets_tests.support.installations.installation import Installation, failure_of, listed

pytestmark = pytest.mark.slow

PAIRS = ["EURUSD=X", "USDJPY=X"]


def collected(installation: Installation, job: str, step: str, keys: list[str]) -> dg.ExecuteInProcessResult:
    tags = {"dagster/asset_partition_range_start": keys[0], "dagster/asset_partition_range_end": keys[-1]}
    return installation.run(job, config={"ops": {step: {"config": {}}}}, tags=tags)


def bars(installation: Installation, timeframe: Timeframe) -> dict[str, int]:
    query = f"""SELECT i.symbol, count(*) FROM miraikakaku.price_bars b
                JOIN miraikakaku.instruments i ON i.id = b.instrument_id
                WHERE b.timeframe = '{timeframe}' GROUP BY i.symbol"""
    return dict(installation.rows(query))


@pytest.fixture
def currencies(installation: Installation) -> Installation:
    register_keys(installation.instance, FX.partitions, PAIRS)
    return installation


def test_currency_pairs_need_no_master_and_have_their_own_unit(currencies: Installation) -> None:
    with currencies.told(fx_pairs=",".join(PAIRS)):
        assert collected(currencies, "fx_prices_job", "fx_symbol_chain", PAIRS).success

    assert set(bars(currencies, Timeframe.D1)) == set(PAIRS)
    units = "SELECT symbol, currency, price_unit FROM miraikakaku.instruments ORDER BY symbol"
    assert currencies.rows(units) == [("EURUSD=X", "USD", "USD per EUR"), ("USDJPY=X", "JPY", "JPY per USD")]
    volumes = "SELECT DISTINCT volume FROM miraikakaku.price_bars"
    assert currencies.rows(volumes) == [(0,)]


def test_five_minute_bars_reach_back_as_far_as_the_source_does(currencies: Installation) -> None:
    with currencies.told(fx_pairs=",".join(PAIRS)):
        first = collected(currencies, "fx_intraday_job", "fx_intraday_chain", PAIRS)
        second = collected(currencies, "fx_intraday_job", "fx_intraday_chain", PAIRS)

    assert first.success
    assert second.success
    held = bars(currencies, Timeframe.M5)
    assert set(held) == set(PAIRS)
    moment = currencies.exchange.moment
    begins = (moment - timedelta(days=59)).astimezone(ZoneInfo(FX.time_zone)).date()
    sessions = sessions_between(FX.calendar, begins, moment.date())
    due = pl.concat([expected_slots(FX.calendar, session) for session in sessions])
    assert set(held.values()) == {(due < moment).sum()}
    assert currencies.rows("SELECT min(ts) FROM miraikakaku.price_bars") == [(due[0],)]
    once = "SELECT count(*) = count(DISTINCT (instrument_id, timeframe, ts)) FROM miraikakaku.price_bars"
    assert currencies.rows(once) == [(True,)]
    new = "SELECT rows_inserted FROM miraikakaku.batch_executions WHERE id = 2"
    assert currencies.rows(new) == [(0,)]


def test_a_watched_issue_has_five_minute_bars_without_its_lunch_breaks(installation: Installation) -> None:
    installation.update_master(listed(["7203", "1301"]))
    register_keys(installation.instance, "jp_intraday", ["7203.T"])

    assert collected(installation, "jp_intraday_job", "jp_intraday_chain", ["7203.T"]).success

    assert set(bars(installation, Timeframe.M5)) == {"7203.T"}
    lunch = """SELECT count(*) FROM (
                   SELECT (ts AT TIME ZONE 'Asia/Tokyo')::time AS at FROM miraikakaku.price_bars) AS bars
               WHERE at >= '11:35' AND at < '12:30'"""
    assert installation.rows(lunch) == [(0,)]
    kept = "SELECT count(*) FROM miraikakaku.quarantined_bars WHERE rule IN ('lunch_break', 'closing_call')"
    assert installation.rows(kept) == [(0,)]


def test_without_a_master_of_the_us_the_run_says_what_to_do(installation: Installation) -> None:
    register_keys(installation.instance, US.partitions, ["AAPL"])

    run = collected(installation, "us_prices_job", "us_symbol_chain", ["AAPL"])

    assert "run `miraikakaku master update --universe us` first" in failure_of(run).description


def test_the_watch_lists_of_the_settings_become_keys(installation: Installation) -> None:
    repository = installation.definitions.get_repository_def()
    sensor = repository.get_sensor_def("watch_list_keys")
    with dg.build_sensor_context(
        instance=installation.instance, repository_def=repository, resources={"ports": PortsResource()}
    ) as context:
        first, second = sensor.evaluate_tick(context), sensor.evaluate_tick(context)

    assert (
        first.skip_message == "11 new keys of watched symbols."
    )  # currency pairs and copper; no issue is watched
    assert second.skip_message == "0 new keys of watched symbols."
    assert installation.instance.get_dynamic_partitions("jp_intraday") == []
    assert "USDJPY=X" in installation.instance.get_dynamic_partitions(FX.partitions)
    assert sorted(installation.instance.get_dynamic_partitions(COPPER.partitions)) == [
        "HG=F",
        "LME-CU-3M",
        "LME-CU-CASH",
    ]
