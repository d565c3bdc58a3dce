"""The watch from outside of Dagster: one round of a process that lives when the daemon or the database does not."""

from dataclasses import replace
from datetime import timedelta
from functools import cache

import dagster as dg

from miraikakaku_assets import bootstrap
from miraikakaku_assets.application.alerting.alert_rule import AlertChanges
from miraikakaku_assets.application.alerting.conditions.system_alerts import judge_system
from miraikakaku_assets.application.alerting.deliver_notifications import deliver_notifications
from miraikakaku_assets.application.alerting.outage import end_outage, tell_outage
from miraikakaku_assets.application.alerting.watch import watch
from miraikakaku_assets.application.monitoring.health import check_health
from miraikakaku_assets.application.monitoring.health_samples import sample_health
from miraikakaku_assets.application.monitoring.watch_round import WatchRound
from miraikakaku_assets.application.ports import Clock
from miraikakaku_assets.application.ports.operations.pings import Signal
from miraikakaku_assets.bootstrap import Ports, utc_now
from miraikakaku_assets.domain.errors import DependencyUnavailableError
from miraikakaku_assets.orchestration.instance.home import open_instance
from miraikakaku_assets.orchestration.operations.assets import is_at_work
from miraikakaku_assets.orchestration.watching.dagster_records import DagsterRecords

_BETWEEN_CHECKS = timedelta(
    minutes=4, seconds=30
)  # as often as the schedule, though rounds are a minute apart
PING = "watch"
"""Under this name the dead man's switch hears of the watch itself."""


class OutsideWatch:
    """Watches an installation round by round.

    Args:
        machine_clock: What Dagster stamps its books with; a drill brings its own.
        checks_health: Whether it looks at the machine while the daemon is dead; a drill is not about its machine.
    """

    def __init__(self, machine_clock: Clock = utc_now, *, checks_health: bool = True) -> None:
        self._machine_clock = machine_clock
        self._checks_health = checks_health

    def round(self, ports: Ports) -> WatchRound:
        """One round; what a database without an answer leaves undone is done by the next.

        Args:
            ports: The installation; each round opens it anew, for a server that was started again has moved.
        """
        if not ports.watching.has_database:
            return WatchRound(sentence="There is no database here yet, so there is nothing to watch.")
        fresh = bootstrap.renew(ports)
        try:
            fresh.watching.require_answer()
            return _watched(fresh, self._machine_clock, checks_health=self._checks_health)
        except Exception as error:  # noqa: BLE001 - `_outage` raises what is none
            return _outage(fresh, error)
        finally:
            fresh.close()


def _watched(ports: Ports, machine_clock: Clock, *, checks_health: bool) -> WatchRound:
    ports.watching.outage_file.note_demo(is_demo=ports.notices.is_muted)
    over = end_outage(ports.watching.outage, ports.notices.alerts)
    with open_instance(ports.settings) as instance:
        watched = watch(
            "outside", ports.watching.watched(DagsterRecords(instance, _repository(), machine_clock))
        )
        if watched.is_daemon_dead and checks_health:
            watched = replace(watched, changes=watched.changes.with_(_health(ports, is_at_work(instance))))
    delivered = deliver_notifications(ports.notices.delivery) if watched.is_daemon_dead else None
    trouble = ports.watching.dead_mans_switch.ping(
        PING, Signal.SUCCESS, text="\n".join(watched.changes.standing)
    )
    return WatchRound(
        standing=watched.changes.standing,
        raised=tuple(sorted(watched.changes.raised)),
        resolved=tuple(sorted(watched.changes.resolved | over.resolved)),
        delivered=dict(delivered.delivered) if delivered else {},
        troubles=tuple(
            [f"{channel}: {why}" for channel, why in delivered.troubles.items()] if delivered else []
        )
        + ((trouble,) if trouble else ()),
        is_daemon_dead=watched.is_daemon_dead,
    )


def _health(ports: Ports, at_work: bool) -> AlertChanges:  # noqa: FBT001 - it says which
    """The check that the daemon's schedule would have made: a machine without room may be why it died."""
    newest = ports.operations.system_metrics.newest(1)
    if newest and timedelta(0) <= ports.clock() - newest[0].sampled_at < _BETWEEN_CHECKS:
        return AlertChanges()
    report = check_health(ports.operations.health)
    if report.unreachable is not None:
        raise report.unreachable
    sample_health(report, ports.operations.system_metrics, ports.operations.metrics_kept)
    return judge_system(ports.operations.system_metrics, ports.notices.alerting, is_at_work=at_work)


def _outage(ports: Ports, error: Exception) -> WatchRound:
    """Tells of a database that does not answer; any other error is one of ours.

    Raises:
        Exception: The database does answer.
    """
    if not isinstance(error, DependencyUnavailableError):
        try:
            ports.watching.require_answer()
        except DependencyUnavailableError as why:
            error = why
        else:
            raise error
    reason = str(error)
    reached = tell_outage(reason, ports.watching.outage)
    trouble = ports.watching.dead_mans_switch.ping(PING, Signal.FAILURE, text=reason)
    return WatchRound(outage=reason, told=reached, troubles=(trouble,) if trouble else ())


@cache
def _repository() -> dg.RepositoryDefinition:
    from miraikakaku_assets.orchestration.build import build_defs

    return build_defs().get_repository_def()
