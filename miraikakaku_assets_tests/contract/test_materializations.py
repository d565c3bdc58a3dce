"""Materializations logged many at a time against Dagster's own ``log_event``."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.execution.context.op_execution_context import OpExecutionContext
from sqlalchemy import create_engine

from miraikakaku_assets.orchestration.instance import connections as instance_connections
from miraikakaku_assets.orchestration.instance.batched_events import log_materializations
from miraikakaku_assets_tests.support.installations.instance_scenarios import (
    KEYS,
    Books,
    opened,
    pooled_config,
    records_of,
    schema_url,
)

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _clean_slate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", "0")
    monkeypatch.delenv("DAGSTER_EVENT_BATCH_SIZE")
    monkeypatch.setattr(instance_connections, "_warned", set())


@pytest.fixture
def url(database_url: str) -> str:
    return schema_url(database_url, "dagster")


@pytest.fixture
def instance(url: str, tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with opened(tmp_path, pooled_config(url)) as instance:
        yield instance


class HowConfig(dg.Config):
    how: str


@dg.op
def log(config: HowConfig) -> None:
    context = dg.OpExecutionContext.get()
    records = records_of(KEYS)
    if config.how == "single":
        for record in records:
            context.log_event(record)
        return
    with pytest.MonkeyPatch.context() as upgrade:
        if config.how == "no batch API":
            upgrade.delattr("dagster._core.events.generate_event_batch_id")
        if config.how == "no step context":
            upgrade.delattr(OpExecutionContext, "get_step_execution_context")
        log_materializations(context, records[:20])
        log_materializations(context, [])
        log_materializations(context, records[20:21])
        log_materializations(context, records[21:])


@dg.job
def log_job() -> None:
    log()


def _rows_after(instance: dg.DagsterInstance, url: str, how: str) -> list[Any]:
    config = {"ops": {"log": {"config": {"how": how}}}}
    assert log_job.execute_in_process(instance=instance, run_config=config).success
    engine = create_engine(url)
    tables = Books(engine).tables()
    engine.dispose()
    newest = [row for row in tables["event_logs"] if row["run_id"] == f"run {len(tables['runs']) - 1}"]
    for row in newest:
        del row["run_id"], row["event"]["run_id"]
        (row["event"]["dagster_event"].get("logging_tags") or {}).pop("run_id", None)
    return [row for row in newest if row["dagster_event_type"] == "ASSET_MATERIALIZATION"]


@pytest.mark.parametrize("batch_size", [None, "7", "27", "500"])
def test_the_rows_are_those_of_log_event(
    instance: dg.DagsterInstance, url: str, monkeypatch: pytest.MonkeyPatch, batch_size: str | None
):
    if batch_size is None:
        monkeypatch.delenv("DAGSTER_EVENT_BATCH_SIZE")
    else:
        monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", batch_size)
    assert os.environ.get("DAGSTER_EVENT_BATCH_SIZE") == batch_size
    one_by_one = _rows_after(instance, url, "single")
    batched = _rows_after(instance, url, "batched")
    assert len(batched) == 27
    assert batched == one_by_one


@pytest.mark.parametrize(
    ("how", "missing"),
    [
        ("no batch API", "dagster._core.events.generate_event_batch_id"),
        ("no step context", "OpExecutionContext.get_step_execution_context"),
    ],
)
def test_without_the_internals_they_are_logged_singly(
    instance: dg.DagsterInstance, url: str, caplog: pytest.LogCaptureFixture, how: str, missing: str
):
    with caplog.at_level(logging.WARNING):
        rows = _rows_after(instance, url, how)
    assert rows == _rows_after(instance, url, "single")
    name = instance_connections.__name__
    (warning,) = [record.getMessage() for record in caplog.records if record.name == name]
    assert f"no {missing}: materializations are written one by one" in warning


def test_a_step_called_directly_logs_too():
    @dg.op
    def called(context: dg.OpExecutionContext) -> None:
        log_materializations(context, records_of(KEYS[:2]))

    context = dg.build_op_context()
    called(context)
    assert context.get_events() == records_of(KEYS[:2])
