"""Alerts: a check of ten thousand conditions that stand as before, beside reading the alerts that stand."""

import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from miraikakaku_assets.adapters.storage.alerts.plans import PostgresPlans
from miraikakaku_assets.adapters.storage.alerts.store import PostgresAlerts
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.application.alerting.alert_rule import (
    AlertPorts,
    AlertRule,
    Finding,
    evaluate,
    reconcile,
)
from miraikakaku_assets.application.alerting.kinds import KindsByKey
from miraikakaku_assets.application.alerting.plan_notices import PlanningPorts, plan_notices
from miraikakaku_assets.application.ports.notices import Severity
from miraikakaku_assets.domain.alerting.alert_state import NoticePolicy
from miraikakaku_assets.domain.alerting.routes import parse_routes

_BEGINS = datetime(2026, 11, 20, 3, tzinfo=UTC)
_MINUTE = timedelta(minutes=1)
_ROUNDS = 15


@dataclass(frozen=True)
class _Issue:
    """An issue whose collection fails."""

    labels: Mapping[str, str]


_RULE = AlertRule[_Issue](
    key="collection/<universe>/<symbol>",
    severities=(Severity.WARNING,),
    when="a collection of the issue failed",
    over="one succeeds",
    find=lambda issue: Finding(f"failed: {issue.labels['symbol']}", ["HTTP 503"], {"run_id": "0" * 36}),
)


def measure(database: Database, standing: int) -> dict[str, float]:
    """Times checks a minute apart of conditions that all stand as before: evaluation, bookkeeping and plan.

    Returns:
        ``milliseconds`` (median), ``worst_ms``, ``read_ms`` (reading the standing alerts, median).
    """
    now = _BEGINS
    issues = [_Issue({"universe": "jp", "symbol": f"{number:05}.T"}) for number in range(standing)]
    store = PostgresAlerts(database)
    policy = NoticePolicy(parse_routes("", ("discord",)))
    ports = AlertPorts(store, lambda: now)
    planning = PlanningPorts(PostgresPlans(database), policy, KindsByKey([_RULE]), lambda: now)

    def check() -> float:
        began = time.perf_counter()
        reconcile(evaluate([_RULE], issues), ports)
        plan_notices(planning)
        return (time.perf_counter() - began) * 1000

    for _ in range(3):  # raised, told, and settled
        check()
        now += _MINUTE
    _analyze(database)
    took, read = list[float](), list[float]()
    for _ in range(_ROUNDS):
        now += _MINUTE
        took.append(check())
        began = time.perf_counter()
        store.listed(only_standing=True)
        read.append((time.perf_counter() - began) * 1000)
    return {
        "milliseconds": statistics.median(took),
        "worst_ms": max(took),
        "read_ms": statistics.median(read),
    }


def _analyze(database: Database) -> None:
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE miraikakaku.alerts"))
