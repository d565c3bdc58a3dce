"""What the code location contains, as reviewed: a change here is a change for whoever operates it."""

from typing import Any

import dagster as dg
import pytest

from miraikakaku_assets.orchestration.build import build_defs


def collected(universe: str, timeframe: str, partitions: str) -> dict[str, Any]:
    """What an asset of collected prices looks like."""
    master = [] if universe in {"fx", "copper"} else [f"{universe}/stock_master"]
    return {"partitions": partitions, "after": master, "kinds": {"yfinance", "postgres"}, "pools": {"yahoo"}}


def derived(universe: str, timeframe: str, partitions: str, name: str, *also: str) -> dict[str, Any]:
    """What an asset looks like that the collection of that timeframe makes along with its bars."""
    parents = [f"{universe}/prices_{timeframe}", *(f"{universe}/{parent}" for parent in also)]
    kind = "polars" if name.startswith("bars") else "talib"
    return {
        "partitions": partitions,
        "after": sorted(parents),
        "kinds": {kind, "postgres"},
        "pools": {"yahoo"},
    }


def alone(*kinds: str, after: str = "") -> dict[str, Any]:
    """What an asset without partitions looks like."""
    return {"partitions": None, "after": [after] if after else [], "kinds": set(kinds), "pools": set()}


ASSETS: dict[str, dict[str, Any]] = {
    "market/source_canary": alone("yahoo", "postgres"),
    "operations/security_scan": alone("python", "postgres"),
    "operations/backup": alone("postgres"),
    "operations/integrity": alone("postgres"),
    "operations/performance_review": alone("postgres"),
    "operations/system_metrics": alone("postgres"),
    "market/coverage_report": alone("postgres", "json", "html")
    | {"after": ["copper/coverage", "fx/coverage", "jp/coverage", "us/coverage"]},
    "market/review": alone("postgres", "json", "html"),
    "jp/stock_master": alone("excel", "postgres"),
    "us/stock_master": alone("csv", "postgres"),
    "jp/prices_1d": collected("jp", "1d", "jp_symbols"),
    "us/prices_1d": collected("us", "1d", "us_symbols"),
    "fx/prices_1d": collected("fx", "1d", "fx_pairs"),
    "copper/prices_1d": collected("copper", "1d", "copper_contracts"),
    "jp/prices_5m": collected("jp", "5m", "jp_intraday"),
    "us/prices_5m": collected("us", "5m", "us_intraday"),
    "fx/prices_5m": collected("fx", "5m", "fx_pairs"),
    "jp/coverage": alone("postgres", "json", after="jp/prices_1d"),
    "us/coverage": alone("postgres", "json", after="us/prices_1d"),
    "fx/coverage": alone("postgres", "json", after="fx/prices_1d"),
    "copper/coverage": alone("postgres", "json", after="copper/prices_1d"),
    "copper/futures_curve": alone("postgres") | {"pools": {"yahoo"}},
    "copper/bars_1w": derived("copper", "1d", "copper_contracts", "bars_1w"),
    "copper/bars_1mo": derived("copper", "1d", "copper_contracts", "bars_1mo"),
    "copper/indicators": derived("copper", "1d", "copper_contracts", "indicators", "bars_1w", "bars_1mo"),
}
INTRADAY = ("jp", "us", "fx")
UNIVERSES = (*INTRADAY, "copper")
for _universe in INTRADAY:
    _daily, _watched = (
        ("fx_pairs", "fx_pairs") if _universe == "fx" else (f"{_universe}_symbols", f"{_universe}_intraday")
    )
    ASSETS |= {
        f"{_universe}/bars_1w": derived(_universe, "1d", _daily, "bars_1w"),
        f"{_universe}/bars_1mo": derived(_universe, "1d", _daily, "bars_1mo"),
        f"{_universe}/indicators": derived(_universe, "1d", _daily, "indicators", "bars_1w", "bars_1mo"),
        f"{_universe}/bars_1h": derived(_universe, "5m", _watched, "bars_1h"),
        f"{_universe}/bars_4h": derived(_universe, "5m", _watched, "bars_4h"),
        f"{_universe}/patterns": derived(
            _universe, "5m", _watched, "patterns", "prices_1d", "bars_1h", "bars_4h"
        ),
    }
for _universe, _keys in {
    "jp": "jp_symbols",
    "us": "us_symbols",
    "fx": "fx_pairs",
    "copper": "copper_contracts",
}.items():
    ASSETS |= {
        f"{_universe}/forecast_models": alone("xgboost", "keras", after=f"{_universe}/prices_1d"),
        f"{_universe}/predictions": alone("xgboost", "postgres")
        | {"partitions": _keys, "after": [f"{_universe}/forecast_models", f"{_universe}/prices_1d"]},
        f"{_universe}/prediction_performance": alone("polars", "postgres", after=f"{_universe}/predictions"),
    }
CHECKS = {
    *(
        f"{universe}/coverage:{check}"
        for universe in UNIVERSES
        for check in ("above_threshold", "enough_issues")
    ),
    *(
        f"{universe}/{asset}:{check}"
        for universe in UNIVERSES
        for asset, checks in {
            "prices_1d": ("daily_bars", "series_health", "table_schema", "usual_day"),
            "bars_1w": ("weekly_bars",),
            "bars_1mo": ("monthly_bars",),
            "indicators": ("indicators",),
            "predictions": ("predictions", "predictions_gate"),
            "prediction_performance": ("forecast_scores",),
        }.items()
        for check in checks
    ),
    *(
        f"{universe}/{asset}:{check}"
        for universe in INTRADAY
        for asset, checks in {
            "prices_5m": ("five_minute_bars", "usual_intraday"),
            "bars_1h": ("hourly_bars",),
            "bars_4h": ("four_hour_bars",),
            "patterns": ("pattern_signals",),
        }.items()
        for check in checks
    ),
    *(
        f"{universe}/stock_master:{check}"
        for universe in ("jp", "us")
        for check in ("stock_master", "stock_master_gate")
    ),
    "market/coverage_report:earlier_reports_readable",
    "market/coverage_report:floors_and_thresholds",
    "market/source_canary:clocks_agree",
    "market/source_canary:every_symbol_answers",
    "market/source_canary:source_healthy",
    "operations/security_scan:nothing_open",
    "operations/backup:verified",
    "operations/integrity:nothing_damaged",
    *(
        f"operations/system_metrics:{resource}_normal"
        for resource in ("api_response", "cpu", "database_connection", "disk", "memory")
    ),
}
JOBS = {
    "source_canary_job": None,
    "security_scan_job": None,
    "bulk_job": None,
    "backup_job": None,
    "integrity_job": None,
    "purge_old_files_job": None,
    "db_maintenance_job": None,
    "health_check_job": None,
    "performance_review_job": None,
    "event_log_pruning_job": None,
    "coverage_check_job": None,
    "quality_check_job": None,
    **{f"{universe}_quality_job": None for universe in UNIVERSES},
    "coverage_repair_job": None,
    "copper_curve_job": None,
    "coverage_report_job": None,
    "review_job": None,
    "jp_master_job": None,
    "us_master_job": None,
    **{f"{universe}_coverage_job": None for universe in UNIVERSES},
    **{f"{universe}_collect_symbols": None for universe in UNIVERSES},
    **{f"{universe}_analyze_symbols": None for universe in UNIVERSES},
    **{f"{universe}_cycle_job": None for universe in INTRADAY},
    **{f"{universe}_training_job": None for universe in UNIVERSES},
    **{f"{universe}_performance_job": None for universe in UNIVERSES},
    **{f"{universe}_predict_symbols": None for universe in UNIVERSES},
    "jp_prediction_job": "jp_symbols",
    "us_prediction_job": "us_symbols",
    "fx_prediction_job": "fx_pairs",
    "copper_prediction_job": "copper_contracts",
    "notifications_job": None,
    "jp_daily_job": "jp_symbols",
    "us_daily_job": "us_symbols",
    "fx_daily_job": "fx_pairs",
    "copper_daily_job": "copper_contracts",
    "jp_prices_job": "jp_symbols",
    "us_prices_job": "us_symbols",
    "fx_prices_job": "fx_pairs",
    "copper_prices_job": "copper_contracts",
    "jp_intraday_job": "jp_intraday",
    "us_intraday_job": "us_intraday",
    "fx_intraday_job": "fx_pairs",
}
TOKYO, NEW_YORK, LONDON = "Asia/Tokyo", "America/New_York", "Europe/London"
SCHEDULES = {
    "source_canary": ("*/15 * * * *", TOKYO, "source_canary_job"),
    "security_scan": ("30 5 * * *", TOKYO, "security_scan_job"),
    "daily_backup": ("0 2 * * *", TOKYO, "backup_job"),
    "integrity_check": ("30 4 * * 0", TOKYO, "integrity_job"),
    "purge_old_files": ("0 3 * * 0", TOKYO, "purge_old_files_job"),
    "db_maintenance": ("0 4 * * 0", TOKYO, "db_maintenance_job"),
    "health_check": ("*/5 * * * *", TOKYO, "health_check_job"),
    "performance_review": ("0 * * * *", TOKYO, "performance_review_job"),
    "event_log_pruning": ("30 3 * * *", TOKYO, "event_log_pruning_job"),
    "coverage_check": ("0 0,6,12,18 * * *", TOKYO, "coverage_check_job"),
    "quality_check": ("30 1,7,13,19 * * *", TOKYO, "quality_check_job"),
    "weekly_review": ("30 7 * * 1", TOKYO, "review_job"),
    "monthly_review": ("0 8 1 * *", TOKYO, "review_job"),
    "jp_master_update": ("0 6 * * 1", TOKYO, "jp_master_job"),
    "us_master_sync": ("0 4 * * *", TOKYO, "us_master_job"),
    "jp_daily": ("45 16 * * 1-5", TOKYO, "jp_daily_job"),
    "jp_morning": ("0 8 * * 1-5", TOKYO, "jp_predict_symbols"),
    "us_daily": ("45 16 * * 1-5", NEW_YORK, "us_daily_job"),
    "fx_daily": ("45 0 * * 2-6", LONDON, "fx_daily_job"),
    "copper_reforecast": ("0 13 * * 1-5", TOKYO, "copper_daily_job"),
    "jp_training": ("30 10 * * 6", TOKYO, "jp_training_job"),
    "us_training": ("30 11 * * 6", TOKYO, "us_training_job"),
    "fx_training": ("30 12 * * 6", TOKYO, "fx_training_job"),
    "copper_training": ("30 13 * * 6", TOKYO, "copper_training_job"),
    "copper_curve": ("0 7 * * 1-5", TOKYO, "copper_curve_job"),
    "copper_pipeline": ("0 7 * * 1-5", TOKYO, "copper_daily_job"),
    "jp_intraday": ("*/5 9-16 * * 1-5", TOKYO, "jp_cycle_job"),
    "us_intraday": ("*/5 9-16 * * 1-5", NEW_YORK, "us_cycle_job"),
    "fx_cycle": ("*/5 * * * *", LONDON, "fx_cycle_job"),
}
SENSORS = {
    "jp_symbol_keys",
    "us_symbol_keys",
    "watch_list_keys",
    "resume_paused",
    "notifications",
    "cycle_watch",
    "alert_watch",
    "asset_health_look",
    "bulk_jobs_due",
    "healthchecks",
    "forecasts_due",
}
MARKETS = {"jp": "tse", "us": "us", "fx": "fx", "copper": "copper", "market": "all", "operations": "all"}


@pytest.fixture(scope="module")
def repository() -> dg.RepositoryDefinition:
    return build_defs().get_repository_def()


def partitions_of(definition: dg.PartitionsDefinition | None) -> str | None:
    return definition.name if isinstance(definition, dg.DynamicPartitionsDefinition) else None


def test_assets_are_the_reviewed_ones(repository: dg.RepositoryDefinition) -> None:
    assets = {
        node.key.to_user_string(): {
            "partitions": partitions_of(node.partitions_def),
            "after": sorted(parent.to_user_string() for parent in node.parent_keys),
            "kinds": set(node.kinds),
            "pools": set(node.pools or ()),
        }
        for node in repository.asset_graph.asset_nodes
    }

    assert assets == ASSETS


@pytest.mark.parametrize("name", ASSETS)
def test_every_asset_says_what_it_is_and_whose(repository: dg.RepositoryDefinition, name: str) -> None:
    node = repository.asset_graph.get(dg.AssetKey.from_user_string(name))

    assert node.group_name == name.partition("/")[0]
    assert len(node.description or "") > 100
    assert list(node.owners) == ["team:market-data"]
    assert node.tags["market"] == MARKETS[node.group_name or ""]


def test_checks_are_the_reviewed_ones(repository: dg.RepositoryDefinition) -> None:
    keys = repository.asset_graph.asset_check_keys

    assert {f"{key.asset_key.to_user_string()}:{key.name}" for key in keys} == CHECKS


def test_jobs_are_the_reviewed_ones_and_described(repository: dg.RepositoryDefinition) -> None:
    jobs = [job for job in repository.get_all_jobs() if not job.name.startswith("__")]

    assert {job.name: partitions_of(job.partitions_def) for job in jobs} == JOBS
    assert all(job.description for job in jobs)


EXAMPLES = {"jp": "7203.T", "us": "AAPL", "fx": "USDJPY=X", "copper": "HG=F"}


@pytest.mark.parametrize("name", JOBS)
def test_a_launchpad_opens_with_a_config_that_can_be_launched(
    repository: dg.RepositoryDefinition, name: str
) -> None:
    """The UI opens it with the defaults of the job's config; what lacks one is an error before anything is typed."""
    universe, _, what = name.partition("_")
    config_of_ops = dg.validate_run_config(repository.get_job(name), {})["ops"]

    if what in {"collect_symbols", "cycle_job"}:
        (op,) = config_of_ops.values()
        assert op["config"]["symbols"] == [EXAMPLES[universe]]


@pytest.mark.parametrize("given", [["9984.T", "1301.T"], []])
def test_named_symbols_take_the_place_of_the_example(
    repository: dg.RepositoryDefinition, given: list[str]
) -> None:
    config = {"ops": {"collect_jp_symbols": {"config": {"symbols": given, "timeframe": "5m"}}}}

    validated = dg.validate_run_config(repository.get_job("jp_collect_symbols"), config)

    config_of_op = validated["ops"]["collect_jp_symbols"]["config"]
    assert (config_of_op["symbols"], config_of_op["timeframe"]) == (given, "5m")


def test_schedules_are_the_reviewed_ones_and_described(repository: dg.RepositoryDefinition) -> None:
    schedules = {
        schedule.name: (schedule.cron_schedule, schedule.execution_timezone, schedule.job_name)
        for schedule in repository.schedule_defs
    }

    assert schedules == SCHEDULES
    assert all(schedule.description for schedule in repository.schedule_defs)


def test_sensors_are_the_reviewed_ones_and_described(repository: dg.RepositoryDefinition) -> None:
    assert {sensor.name for sensor in repository.sensor_defs} == SENSORS
    assert all(sensor.description for sensor in repository.sensor_defs)


@pytest.mark.parametrize("name", [name for name, asset in ASSETS.items() if asset["partitions"]])
def test_a_backfill_takes_250_symbols_a_run(repository: dg.RepositoryDefinition, name: str) -> None:
    """But for forecasts, which read the whole market whoever is forecast."""
    policy = repository.asset_graph.get(dg.AssetKey.from_user_string(name)).backfill_policy
    whole = dg.BackfillPolicy.single_run()

    assert policy == (whole if name.endswith("/predictions") else dg.BackfillPolicy.multi_run(250))


def test_runs_execute_in_their_own_process(repository: dg.RepositoryDefinition) -> None:
    executors = {job.executor_def.name for job in repository.get_all_jobs()}

    assert executors == {"in_process"}


def test_resources_can_be_replaced() -> None:
    marked = dg.ResourceDefinition.hardcoded_resource("another")

    built = build_defs(resource_overrides={"ports": marked})

    assert built.resources is not None
    assert built.resources["ports"] is marked
