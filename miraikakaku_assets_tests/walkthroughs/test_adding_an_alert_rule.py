"""The walk-through of an alert rule: it is raised, resolved and listed as the others are."""

from pathlib import Path

from miraikakaku_assets.adapters.storage.alerts.store import PostgresAlerts
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets_tests.walkthroughs.follow import follow

CYCLES = """
import sys
from datetime import UTC, datetime, timedelta

from miraikakaku_assets.adapters.storage.alerts.store import PostgresAlerts
from miraikakaku_assets.adapters.storage.collection.cycles import PostgresCycles
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.application.alerting.alert_rule import AlertPorts
from miraikakaku_assets.application.alerting.conditions.cycle_alerts import CycleLimits, judge_cycle
from miraikakaku_assets.application.alerting.rules import alert_table
from miraikakaku_assets.application.ports.cycles import CycleEnd

database, now = Database(sys.argv[1]), datetime(2026, 11, 20, 6, 35, tzinfo=UTC)
cycles, ports = PostgresCycles(database), AlertPorts(PostgresAlerts(database), lambda: now)
for bars in map(int, sys.argv[2:]):
    number = cycles.begin("fx", f"run-{bars}", now)
    cycles.end(number, CycleEnd(now + timedelta(seconds=20), symbols=8, succeeded=8, bars=bars))
    changes = judge_cycle("fx", cycles, CycleLimits(300, 0.95, 5), ports)
    print(sorted(changes.raised), sorted(changes.resolved))
print(alert_table())
"""


def test_the_rule_is_raised_resolved_and_listed(tmp_path: Path, installed_url: str) -> None:
    checkout = follow("Adding an alert rule", tmp_path)
    output = checkout.python("-c", CYCLES, installed_url, "8", "0", "7").splitlines()
    assert output[:3] == ["[] []", "['cycle/fx/no_bars'] []", "[] ['cycle/fx/no_bars']"]
    assert (
        "| `cycle/<universe>/no_bars` | WARNING | 1 h | a cycle succeeded and no bar was new | one is |"
        in output
    )
    assert (
        "| `cycle/<universe>/no_bars` | Look at the source: it answers, and has nothing new. | – | L1 |"
        in output
    )
    database = Database(installed_url)
    (alert,) = PostgresAlerts(database).listed()
    database.close()
    assert (alert.key, alert.kind, alert.severity.value, alert.universe) == (
        "cycle/fx/no_bars",
        "cycle",
        "WARNING",
        "fx",
    )
    assert "成功: 8銘柄中8銘柄(100.0%)" in alert.message
