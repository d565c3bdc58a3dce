"""Health checks over a real database: what they say, what they store, and whom they alarm."""

from datetime import UTC, datetime, timedelta

import pytest

from miraikakaku_assets.adapters.storage.alerts.store import PostgresAlerts
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.operations.backlog import PostgresBacklog
from miraikakaku_assets.adapters.storage.operations.heartbeats import PostgresHeartbeats
from miraikakaku_assets.adapters.storage.operations.metrics import PostgresSystemMetrics
from miraikakaku_assets.application.alerting.alert_rule import AlertChanges, AlertPorts
from miraikakaku_assets.application.alerting.conditions.system_alerts import judge_system
from miraikakaku_assets.application.monitoring.health import (
    HealthPorts,
    HealthReport,
    StoredHealth,
    check_health,
)
from miraikakaku_assets.application.monitoring.health_samples import newest_health, sample_health
from miraikakaku_assets.application.ports.notices import NewAlert, Severity
from miraikakaku_assets.application.ports.operations.system import Backlog, ServiceBeat
from miraikakaku_assets.application.ports.rate_limit import Breaker, LimitState
from miraikakaku_assets.domain.operations.thresholds import Level
from miraikakaku_assets_tests.fakes.machine import SetMachine

NOW = datetime(2026, 11, 20, 6, tzinfo=UTC)
CLOSED = LimitState("yahoo", 5.0, 5.0, None, Breaker.CLOSED, None, 0, None)
WEB = "http://127.0.0.1:3000"
KEEP = timedelta(days=90)


class Site:
    """An installation whose machine a test sets and whose clock it moves."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.machine = SetMachine()
        self.now = NOW
        self.rate = CLOSED
        self.backup_at: datetime | None = None
        self.heartbeats = PostgresHeartbeats(database)
        self.metrics = PostgresSystemMetrics(database)
        self.alerts = PostgresAlerts(database)
        self.alerting = AlertPorts(self.alerts, lambda: self.now)

    def check(self) -> HealthReport:
        ports = HealthPorts(self.machine, self.machine, self.stored, self.machine, lambda: self.now)
        return check_health(ports)

    def stored(self) -> StoredHealth:
        backlog = PostgresBacklog(self.database).backlog(self.now, ["discord"])
        return StoredHealth(self.heartbeats.services(), backlog, (self.rate, None), self.backup_at)

    def levels(self) -> dict[str, str]:
        return {figure.resource: figure.level.word for figure in self.check().figures}

    def sampled(self, after: timedelta = timedelta(minutes=5)) -> AlertChanges:
        """A check of the schedule, some time after the one before."""
        self.now += after
        sample_health(self.check(), self.metrics, KEEP)
        return judge_system(self.metrics, self.alerting)

    def silent_for(self, seconds: float) -> None:
        with self.database.engine.begin() as connection:
            connection.exec_driver_sql(
                f"UPDATE miraikakaku.service_heartbeats SET beat_at = now() - interval '1 second' * {seconds}"
            )


@pytest.fixture
def site(database: Database) -> Site:
    return Site(database)


def test_an_idle_installation_is_normal_and_what_is_absent_is_unknown(site: Site) -> None:
    report = site.check()

    assert report.level is Level.NORMAL
    assert site.levels() == {
        "cpu": "normal",
        "memory": "normal",
        "disk": "normal",
        "database_connection": "normal",
        "api_response": "unknown",
        "services": "unknown",
        "daemon": "unknown",
        "source": "unknown",
        "queue": "unknown",
        "notifications": "normal",
        "backup": "unknown",
    }


def test_overload_is_named_with_its_threshold_and_what_to_do(site: Site) -> None:
    site.machine = SetMachine(cpu=0.86, memory_share=0.9, disk_share=0.96, connection=1.2)

    report = site.check()

    assert [figure.resource for figure in report.at(Level.DANGER)] == ["cpu", "disk", "database_connection"]
    assert [figure.resource for figure in report.at(Level.CAUTION)] == ["memory"]
    cpu = report.figures[0]
    assert (cpu.value, cpu.threshold) == (0.86, "normal below 70 %, caution 70 % to 85 %, danger above 85 %")
    assert cpu.remedy
    assert report.figures[1].remedy.startswith("see what holds it")


def test_without_a_database_the_machine_is_seen_all_the_same(site: Site) -> None:
    site.machine = SetMachine(cpu=0.5, connection=None)

    report = site.check()

    assert report.unreachable is not None
    assert report.unreachable.exit_code == 3
    assert {figure.resource: figure.level.word for figure in report.figures}["cpu"] == "normal"
    assert [figure.resource for figure in report.at(Level.DANGER)] == ["database_connection"]
    assert report.figures[5].detail == "the database cannot be reached"


def test_what_says_where_it_answers_is_asked_and_the_slowest_counts(site: Site) -> None:
    site.heartbeats.beat(
        [
            ServiceBeat("web_ui", "here", 1, address=WEB, health_path="/server_info"),
            ServiceBeat("api", "here", 2, address="http://127.0.0.1:8000", health_path="/health"),
            ServiceBeat("dashboard", "here", 3, "stopped", "http://127.0.0.1:9", "/"),
        ]
    )
    site.machine.answers = {WEB: 2.5, "http://127.0.0.1:8000": 0.1}

    assert site.levels()["api_response"] == "caution"
    assert site.machine.asked == ["http://127.0.0.1:8000/health", f"{WEB}/server_info"]
    site.machine.answers = {WEB: 0.1}
    assert site.levels()["api_response"] == "danger"  # nobody answers for the API


def test_who_was_killed_is_missed_and_who_stopped_in_order_is_not(site: Site) -> None:
    beat = ServiceBeat("daemon", "here", 7)
    site.heartbeats.beat([beat])
    assert site.levels()["services"] == "normal"
    site.silent_for(100)
    assert site.levels()["services"] == "caution"
    site.silent_for(200)
    assert site.levels()["services"] == "danger"
    site.heartbeats.beat([ServiceBeat("daemon", "here", 7, "stopped")])
    site.silent_for(200)
    assert site.levels()["services"] == "unknown"


def test_another_process_takes_the_place_of_the_one_before(site: Site) -> None:
    site.heartbeats.beat([ServiceBeat("daemon", "here", 7), ServiceBeat("daemon", "there", 8)])
    site.silent_for(100)
    (here, _) = site.heartbeats.services()
    site.heartbeats.beat([ServiceBeat("daemon", "here", 7)])
    (same, there) = site.heartbeats.services()
    site.heartbeats.beat([ServiceBeat("daemon", "here", 9)])
    (another, _) = site.heartbeats.services()

    assert here.silent_seconds >= 100 > same.silent_seconds
    assert there.silent_seconds >= 100
    assert (same.pid, same.started_at) == (7, here.started_at)
    assert another.pid == 9
    assert another.started_at > here.started_at
    assert site.heartbeats.forget(timedelta(seconds=90)) == 1
    assert [state.host for state in site.heartbeats.services()] == ["here"]


def test_a_notification_that_nobody_took_is_as_old_as_its_alert(site: Site) -> None:
    alert = NewAlert("k", Severity.WARNING, "test", "t", "m", channels=("discord", "gone"))
    site.alerts.raise_alerts([alert], NOW)
    site.now = NOW + timedelta(minutes=10)
    assert site.levels()["notifications"] == "normal"
    with site.database.engine.begin() as connection:  # an attempt has failed and moved the next one on
        connection.exec_driver_sql(
            "UPDATE miraikakaku.notification_outbox SET attempts = 1, due_at = due_at + interval '2 hours'"
        )
    site.now = NOW + timedelta(minutes=61)
    assert site.levels()["notifications"] == "danger"
    assert PostgresBacklog(site.database).backlog(site.now, ()) == Backlog(None, None, None)


@pytest.mark.parametrize(
    ("hours", "level"), [(None, "unknown"), (25, "normal"), (30, "caution"), (51, "danger")]
)
def test_the_age_of_the_backup(site: Site, hours: float | None, level: str) -> None:
    site.backup_at = None if hours is None else NOW - timedelta(hours=hours)

    assert site.levels()["backup"] == level


def test_a_source_that_is_not_asked_is_a_danger(site: Site) -> None:
    site.rate = LimitState("yahoo", 1.0, 5.0, None, Breaker.OPEN, NOW, 20, "HTTP 429")

    (source,) = [figure for figure in site.check().figures if figure.resource == "source"]

    assert source.level is Level.DANGER
    assert source.detail == "paused (HTTP 429); yahoo: its canaries were not asked yet"


def test_one_busy_moment_alarms_nobody_two_in_a_row_do_and_the_first_good_one_ends_it(site: Site) -> None:
    site.machine.cpu = 0.99
    assert site.sampled() == AlertChanges()
    assert site.sampled().raised == {"system/cpu/danger"}
    assert site.sampled() == AlertChanges(("CPU使用率が危険範囲です: 99%",))
    (alert,) = site.alerts.listed(only_standing=True)
    assert (alert.severity, alert.occurrences) == (Severity.CRITICAL, 2)
    assert alert.message.splitlines()[:2] == [
        "現在の値: 99%(直近2回: 99%、99%)",
        "基準: 注意 70%以上、危険 85%超",
    ]
    site.machine.cpu = 0.8
    assert site.sampled().resolved == {"system/cpu/danger"}
    site.machine.cpu = 0.2
    assert site.sampled().resolved == {"system/cpu/caution"}
    assert site.alerts.listed(only_standing=True) == []


def test_checks_far_apart_say_nothing_about_what_was_between_them(site: Site) -> None:
    site.machine.disk_share = 0.97

    assert site.sampled() == AlertChanges()
    assert site.sampled(after=timedelta(hours=2)) == AlertChanges()
    assert site.sampled().raised == {"system/disk/danger"}


def test_what_is_not_known_any_more_ends_no_alert(site: Site) -> None:
    site.heartbeats.beat([ServiceBeat("web_ui", "here", 1, address=WEB, health_path="/server_info")])
    site.sampled()
    assert site.sampled().raised == {"system/api_response/danger"}
    site.heartbeats.beat([ServiceBeat("web_ui", "here", 1, "stopped", WEB, "/server_info")])
    assert site.sampled() == AlertChanges()
    assert [alert.key for alert in site.alerts.listed(only_standing=True)] == ["system/api_response/danger"]


def test_samples_come_back_once_and_go_after_their_time(site: Site) -> None:
    site.machine.memory_share = 0.25
    report = site.check()
    for _ in range(2):  # the run was repeated
        sample_health(report, site.metrics, KEEP)

    assert sorted(site.metrics.newest(1), key=lambda sample: sample.resource) == sorted(
        report.samples, key=lambda sample: sample.resource
    )
    assert site.metrics.peaks(NOW)["memory"] == 0.25
    site.sampled(after=KEEP + timedelta(minutes=1))
    assert {sample.sampled_at for sample in site.metrics.newest(9)} == {site.now}


def test_status_says_what_the_newest_check_said(site: Site) -> None:
    assert newest_health(site.metrics, lambda: NOW)["says"].startswith("not checked yet")
    site.machine.disk_share = 0.96
    site.sampled()

    said = newest_health(site.metrics, lambda: site.now + timedelta(minutes=5))
    late = newest_health(site.metrics, lambda: site.now + timedelta(hours=1))

    assert said["says"] == "danger: disk danger (96 %); checked 5 min ago"
    assert late["says"].endswith("checked 60 min ago; the schedule health_check does not run")
