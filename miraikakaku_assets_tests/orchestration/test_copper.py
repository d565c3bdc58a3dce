"""COMEX copper through Dagster: collected, derived, and asked for on the days on which there is something new."""

import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

from miraikakaku_assets.domain.market.instruments import COPPER, Timeframe
from miraikakaku_assets.domain.market.sessions import sessions_between
from miraikakaku_assets.orchestration.build import build_defs
from miraikakaku_assets.orchestration.partitions import register_keys
from miraikakaku_assets.orchestration.prices.assets import chain_keys
from miraikakaku_assets.orchestration.resources import PortsResource
from miraikakaku_assets.settings import settings
from miraikakaku_assets_tests.fakes.scripted_yahoo import ScriptedYahoo, chart, scripted_yahoo
from miraikakaku_assets_tests.fakes.simulated import Simulated, simulated
from miraikakaku_assets_tests.support.installations.installation import (
    Installation,
    failure_of,
    installed,
)
from miraikakaku_assets_tests.support.moments import last_evening

pytestmark = pytest.mark.slow

TOKYO, NEW_YORK = ZoneInfo("Asia/Tokyo"), ZoneInfo("America/New_York")
ASSETS = [key.to_user_string() for key in chain_keys(COPPER, Timeframe.D1)]
DAILY_BARS = "FROM miraikakaku.price_bars WHERE timeframe = '1d'"
RANGE = {"dagster/asset_partition_range_start": "HG=F", "dagster/asset_partition_range_end": "HG=F"}
SYMBOLS = ["HG=F", "LME-CU-3M", "LME-CU-CASH"]
WHOLE = {"dagster/asset_partition_range_start": SYMBOLS[0], "dagster/asset_partition_range_end": SYMBOLS[-1]}
COMEX = {
    "currency": "USD", "symbol": "HG=F", "exchangeName": "CMX", "instrumentType": "FUTURE", "gmtoffset": -14400,
    "timezone": "EDT", "exchangeTimezoneName": "America/New_York", "priceHint": 4, "dataGranularity": "1d",
    "validRanges": ["1d", "max"],
}  # fmt: skip


@pytest.fixture(scope="module")
def quiet_exchange() -> Iterator[Simulated]:
    with simulated(symbols=1, us_symbols=0, now=last_evening("CMX")) as running:
        yield running


@pytest.fixture
def copper(installation: Installation) -> Installation:
    register_keys(installation.instance, COPPER.partitions, ["HG=F"])
    return installation


@pytest.fixture
def yahoo() -> Iterator[ScriptedYahoo]:
    with scripted_yahoo() as answering:
        yield answering


def collected(copper: Installation, job: str = "copper_daily_job") -> dg.ExecuteInProcessResult:
    return copper.run(job, tags=RANGE)


def test_one_run_collects_the_days_and_derives_weeks_months_and_indicators(copper: Installation) -> None:
    run = collected(copper)

    assert run.success
    assert copper.materialized(run.run_id) == sorted((asset, "HG=F") for asset in ASSETS)
    unit = "SELECT symbol, universe, kind, currency, price_unit, calendar FROM miraikakaku.instruments"
    assert sorted(copper.rows(unit)) == [
        ("HG=F", "copper", "future", "USD", "USD per pound", "CMX"),
        ("LME-CU-3M", "copper", "forward", "USD", "USD per tonne", "LME"),
        ("LME-CU-CASH", "copper", "forward", "USD", "USD per tonne", "LME"),
    ]
    master = (
        "SELECT stock_code, stock_name, market_category, exchange, is_active FROM miraikakaku.stock_master"
    )
    assert ("HG", "Copper, nearest contract month", "COMEX futures", "COMEX", True) in copper.rows(master)
    stored = copper.rows(f"SELECT ts, low, high, volume, source, status {DAILY_BARS} ORDER BY ts")
    local = [row[0].astimezone(NEW_YORK) for row in stored]
    assert {f"{moment:%H:%M}" for moment in local} == {"00:00"}
    days = [moment.date() for moment in local]
    assert len(days) > 30
    assert days == sessions_between("CMX", days[0], days[-1])
    assert all(3.5 < low <= high < 6.8 for _, low, high, *_ in stored)  # US dollars a pound
    assert all(volume > 0 for _, _, _, volume, *_ in stored)
    assert {row[4] for row in stored} == {"yahoo"}
    assert {row[5] for row in stored[:-1]} == {"final"}  # the newest one is not while the next session trades
    held = "SELECT timeframe, count(*) FROM miraikakaku.{} GROUP BY 1 ORDER BY 1"
    bars, indicators = (copper.rows(held.format(name)) for name in ("price_bars", "technical_indicators"))
    assert bars == indicators
    assert [timeframe for timeframe, _ in bars] == ["1d", "1mo", "1w"]


def test_doing_it_again_changes_nothing(copper: Installation) -> None:
    everything = "SELECT * FROM miraikakaku.price_bars ORDER BY timeframe, ts"
    assert collected(copper).success
    before = copper.rows(everything)

    assert collected(copper).success

    assert copper.rows(everything) == before
    inserted = "SELECT rows_inserted, rows_restated FROM miraikakaku.batch_executions WHERE id = 2"
    assert copper.rows(inserted) == [(0, 0)]


def test_prices_of_a_holiday_and_of_a_sunday_evening_go_to_quarantine(
    copper: Installation, yahoo: ScriptedYahoo
) -> None:
    days = [
        date(2025, 7, day) for day in (2, 3, 4, 7, 11, 13)
    ]  # Independence Day, and a Sunday, as Yahoo had them
    stamps = [int(datetime(day.year, day.month, day.day, tzinfo=NEW_YORK).timestamp()) for day in days]
    meta = COMEX | {"regularMarketTime": stamps[-1]}
    yahoo.script("HG=F", chart("HG=F", days, lambda at: 5.0 + at / 100, timestamp=stamps, meta=meta))

    with copper.told(yahoo_base_url=yahoo.base_url, history_start="2025-07-01"):
        run = collected(copper, "copper_prices_job")

    assert run.success
    stored = [ts.astimezone(NEW_YORK).date() for (ts,) in copper.rows(f"SELECT ts {DAILY_BARS} ORDER BY ts")]
    assert stored == [day for day in days if day not in {date(2025, 7, 4), date(2025, 7, 13)}]
    refused = copper.rows("SELECT ts, rule, close FROM miraikakaku.quarantined_bars ORDER BY ts")
    assert refused == [
        (datetime(2025, 7, 4, tzinfo=UTC), "not_a_session", 5.03),
        (datetime(2025, 7, 13, tzinfo=UTC), "not_a_session", 5.06),
    ]


def test_an_evenings_price_never_takes_the_place_of_the_days(
    exchange: Simulated,
    installed_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    yahoo: ScriptedYahoo,
) -> None:
    days = [date(2025, 7, 14), date(2025, 7, 15)]
    stamps = [int(datetime(day.year, day.month, day.day, tzinfo=NEW_YORK).timestamp()) for day in days]
    meta = COMEX | {"regularMarketTime": stamps[-1]}
    # After the close, while the next session trades, and when the settlement price is there.
    evenings = {(15, 17, 40): 4.6, (15, 20, 0): 4.7, (16, 17, 40): 4.61}
    clock = [datetime(2025, 7, 15, tzinfo=UTC)]
    options = {"yahoo_base_url": yahoo.base_url, "history_start": "2025-07-14"}
    stored = []
    with installed(exchange, installed_url, tmp_path, monkeypatch, lambda: clock[0], **options) as site:
        register_keys(site.instance, COPPER.partitions, ["HG=F"])
        for (day, hour, minute), close in evenings.items():
            clock[0] = datetime(2025, 7, day, hour, minute, tzinfo=NEW_YORK).astimezone(UTC)
            closes = {1: 4.5, 2: close}
            yahoo.script("HG=F", chart("HG=F", days, closes.get, timestamp=stamps, meta=meta))
            assert collected(site, "copper_prices_job").success
            stored += site.rows(f"SELECT close, status {DAILY_BARS} ORDER BY ts DESC LIMIT 1")

    assert stored == [(4.6, "final"), (4.6, "final"), (4.61, "final")]


def test_the_archive_holds_copper_too(copper: Installation, real_data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "bars"
    folder.mkdir()
    shutil.copyfile(real_data / "copper/yahoo_HG=F_daily_2000_2026.csv", folder / "HG=F.csv")

    with copper.told(miraikakaku_price_source="archive", miraikakaku_archive_dir=folder):
        run = collected(copper)

    assert run.success
    account = "SELECT rows_read, rows_inserted, rows_quarantined, successful_stocks FROM miraikakaku.batch_executions"
    assert copper.rows(account) == [(6_400, 6_087, 313, 1)]
    newest = f"SELECT ts, close, source {DAILY_BARS} ORDER BY ts DESC LIMIT 1"
    ((ts, close, source),) = copper.rows(newest)
    assert (ts, source) == (datetime(2026, 2, 23, 5, tzinfo=UTC), "archive")
    assert close == pytest.approx(5.8015, abs=1e-6)
    months = "SELECT count(*) FROM miraikakaku.price_bars WHERE timeframe = '1mo'"
    assert copper.rows(months) == [(307,)]  # August 2000 to February 2026


def test_five_minute_bars_are_refused_by_the_jobs_for_scattered_symbols(copper: Installation) -> None:
    options = {"symbols": ["HG=F"], "timeframe": "5m"}
    for job, op in (
        ("copper_collect_symbols", "collect_copper_symbols"),
        ("copper_analyze_symbols", "analyze_copper_symbols"),
    ):
        run = copper.run(job, config={"ops": {op: {"config": options}}})
        assert failure_of(run).description == "5m bars of copper are not collected from a source; choose 1d"


def test_coverage_counts_each_symbol_on_the_days_of_its_own_exchange(copper: Installation) -> None:
    register_keys(copper.instance, COPPER.partitions, SYMBOLS)
    assert copper.run("copper_daily_job", tags=WHOLE).success

    run = copper.run("copper_coverage_job")

    assert run.success
    metadata = copper.metadata(dg.AssetKey(["copper", "coverage"]))
    assert metadata["coverage"] == 1.0
    assert "COPPER sessions" in metadata["denominator"]
    held = copper.rows(
        "SELECT i.symbol, count(*) FROM miraikakaku.price_bars JOIN miraikakaku.instruments i ON i.id = instrument_id "
        "WHERE timeframe = '1d' AND status = 'final' GROUP BY 1 ORDER BY 1"
    )
    assert dict(held)["LME-CU-3M"] == dict(held)["LME-CU-CASH"]
    assert metadata["stored_bars"] == sum(count for _, count in held)
    checks = {event.check_name: event.passed for event in run.get_asset_check_evaluations()}
    assert checks == {"above_threshold": True, "enough_issues": True}


def tick(copper: Installation, at: datetime) -> Any:
    repository = copper.definitions.get_repository_def()
    with dg.build_schedule_context(
        instance=copper.instance,
        scheduled_execution_time=at,
        repository_def=repository,
        resources={"ports": PortsResource()},
    ) as context:
        return repository.get_schedule_def("copper_pipeline").evaluate_tick(context)


@pytest.mark.parametrize(
    "day",
    [
        date(2025, 7, 15),  # summer: New York's day ended an hour ago
        date(2025, 1, 15),  # winter: it ends now, its bar is provisional
        date(2025, 9, 1),  # a Monday: the bar of Friday became final on Saturday
        date(2025, 9, 2),  # New York had a holiday, London traded
    ],
)
def test_a_tick_asks_for_every_key_and_registers_what_the_setting_names(
    installation: Installation, day: date
) -> None:
    at = datetime(day.year, day.month, day.day, 7, tzinfo=TOKYO)

    (request,) = tick(installation, at).run_requests

    assert (request.run_key, request.job_name or "copper_daily_job") == (
        f"copper_pipeline_{day}T07:00+0900", "copper_daily_job",
    )  # fmt: skip
    assert {name: request.tags[name] for name in WHOLE} == WHOLE
    assert installation.instance.get_dynamic_partitions(COPPER.partitions) == SYMBOLS
    assert installation.run("copper_daily_job", tags=dict(request.tags)).success


def test_a_tick_after_good_friday_says_why_it_skips(installation: Installation) -> None:
    skipped = tick(installation, datetime(2025, 4, 21, 7, tzinfo=TOKYO))

    assert skipped.skip_message == "CMX and LME had no session since 2025-04-18 07:00 in Tokyo."
    assert not skipped.run_requests


def test_the_setting_moves_the_schedule(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLLECTION_TIME", "07:45")
    settings.cache_clear()

    schedule = build_defs().get_repository_def().get_schedule_def("copper_pipeline")

    assert (schedule.cron_schedule, schedule.execution_timezone) == ("45 7 * * 1-5", "Asia/Tokyo")
