"""Schedules: when they run, what they ask for, and that they are off unless somebody wants them."""

from datetime import datetime
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

from miraikakaku_assets.orchestration.build import build_defs
from miraikakaku_assets.orchestration.partitions import register_keys
from miraikakaku_assets.settings import settings
from miraikakaku_assets_tests.support.installations.installation import CODES, Installation, listed

TOKYO = ZoneInfo("Asia/Tokyo")
SESSION = datetime(2025, 11, 25, 16, 45, tzinfo=TOKYO)
HOLIDAY = datetime(2025, 11, 24, 16, 45, tzinfo=TOKYO)  # a Monday: substitute for Labour Thanksgiving Day
YEAR_END = datetime(2025, 12, 31, 16, 45, tzinfo=TOKYO)  # no public holiday, but the TSE is closed


def evaluated(
    installation: Installation, moment: datetime, schedule: str = "jp_daily"
) -> dg.RunRequest | dg.SkipReason:
    repository = build_defs().get_repository_def()
    context = dg.build_schedule_context(
        instance=installation.instance, scheduled_execution_time=moment, repository_def=repository
    )
    answer = repository.get_schedule_def(schedule).evaluate_tick(context)
    if answer.skip_message:
        return dg.SkipReason(answer.skip_message)
    (request,) = answer.run_requests or ()
    return request


@pytest.mark.parametrize("closed", [HOLIDAY, YEAR_END])
def test_on_a_day_without_session_nothing_is_collected(installation: Installation, closed: datetime) -> None:
    register_keys(installation.instance, "jp_symbols", ["7203.T"])

    assert evaluated(installation, closed) == dg.SkipReason(
        f"The market of jp is closed on {closed:%Y-%m-%d}."
    )


def test_a_morning_is_forecast_on_session_days_only(installation: Installation) -> None:
    register_keys(installation.instance, "jp_symbols", ["7203.T"])

    assert evaluated(installation, HOLIDAY.replace(hour=8, minute=0), "jp_morning") == dg.SkipReason(
        "2025-11-24 is no session of jp: there is no morning to forecast in."
    )
    request = evaluated(installation, SESSION.replace(hour=8, minute=0), "jp_morning")
    assert isinstance(request, dg.RunRequest)
    assert request.run_key == "jp_morning_2025-11-25"
    job = build_defs().resolve_job_def("jp_predict_symbols")
    assert (
        dg.validate_run_config(job, request.run_config)["ops"]["predict_jp_symbols"]["config"]["morning"]
        is True
    )


def test_on_a_session_day_one_run_covers_every_key(installation: Installation) -> None:
    register_keys(installation.instance, "jp_symbols", ["7203.T", "1301.T", "9984.T"])
    register_keys(installation.instance, "jp_symbols", ["130A.T", "7203.T"])  # 130A was listed later

    request = evaluated(installation, SESSION)

    assert isinstance(request, dg.RunRequest)
    assert installation.partition_keys() == ["1301.T", "7203.T", "9984.T", "130A.T"]
    assert request.tags["dagster/asset_partition_range_start"] == "1301.T"
    assert request.tags["dagster/asset_partition_range_end"] == "130A.T"
    assert request.run_key == "jp_daily_2025-11-25"  # a tick that is evaluated twice makes one run
    assert request.job_name in {None, "jp_daily_job"}


def test_the_run_it_asks_for_collects_every_symbol(installation: Installation) -> None:
    installation.update_master(listed(CODES))
    request = evaluated(installation, SESSION)
    assert isinstance(request, dg.RunRequest)

    run = installation.run("jp_daily_job", tags=dict(request.tags))

    assert run.success
    assert set(installation.statuses().values()) == {"MATERIALIZED"}
    batches = "SELECT batch_type, total_stocks FROM miraikakaku.batch_executions"
    assert installation.rows(batches) == [("all_stocks", len(CODES))]


def test_without_keys_it_says_what_is_missing(installation: Installation) -> None:
    assert evaluated(installation, SESSION) == dg.SkipReason(
        "There is no stock master yet: materialize jp/stock_master first."
    )


def test_the_day_is_tokyos_also_where_the_clock_says_another(installation: Installation) -> None:
    register_keys(installation.instance, "jp_symbols", ["7203.T"])

    request = evaluated(installation, SESSION.astimezone(ZoneInfo("America/Los_Angeles")))

    assert isinstance(request, dg.RunRequest)
    assert request.run_key == "jp_daily_2025-11-25"


@pytest.mark.parametrize(
    ("setting", "status"),
    [(None, "STOPPED"), ("off", "STOPPED"), ("on", "RUNNING")],
)
def test_schedules_run_only_where_the_setting_turns_them_on(
    monkeypatch: pytest.MonkeyPatch, setting: str | None, status: str
) -> None:
    monkeypatch.delenv("MIRAIKAKAKU_SCHEDULES", raising=False)
    if setting is not None:
        monkeypatch.setenv("MIRAIKAKAKU_SCHEDULES", setting)
    settings.cache_clear()
    schedules = build_defs().get_repository_def().schedule_defs
    assert {schedule.default_status.value for schedule in schedules} == {status}
    assert len(schedules) > 3
