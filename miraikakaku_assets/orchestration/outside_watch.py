"""The watch from outside of Dagster: one round of a process that lives when the daemon or the database does not."""

from functools import cache

import dagster as dg

from miraikakaku_assets import bootstrap
from miraikakaku_assets.application.alerting.deliver_notifications import deliver_notifications
from miraikakaku_assets.application.alerting.outage import end_outage, tell_outage
from miraikakaku_assets.application.alerting.watch import watch
from miraikakaku_assets.application.monitoring.watch_round import WatchRound
from miraikakaku_assets.application.ports.operations.pings import Signal
from miraikakaku_assets.bootstrap import Ports, utc_now
from miraikakaku_assets.domain.errors import DependencyUnavailableError
from miraikakaku_assets.orchestration.instance.home import open_instance
from miraikakaku_assets.orchestration.watching.dagster_records import DagsterRecords

PING = "watch"
"""Under this name the dead man's switch hears of the watch itself."""


class OutsideWatch:
    """Watches an installation round by round."""

    def round(self, ports: Ports) -> WatchRound:
        """One round; what a database without an answer leaves undone is done by the next.

        Args:
            ports: The installation; each round opens it anew, for a server that was started again has moved.
        """
        if not ports.has_database:
            return WatchRound(sentence="There is no database here yet, so there is nothing to watch.")
        fresh = bootstrap.use(ports.settings, ports.clock)
        try:
            fresh.require_answer()
            return _watched(fresh)
        except Exception as error:  # noqa: BLE001 - `_outage` raises what is none
            return _outage(fresh, error)
        finally:
            if "upgraded" in vars(fresh):
                fresh.database.close()


def _watched(ports: Ports) -> WatchRound:
    ports.outage_file.note_demo(is_demo=ports.is_demo)
    over = end_outage(ports.outage, ports.alerts)
    with open_instance(ports.settings) as instance:
        watched = watch("outside", ports.watched(DagsterRecords(instance, _repository(), utc_now)))
    delivered = deliver_notifications(ports.delivery) if watched.is_daemon_dead else None
    trouble = ports.dead_mans_switch.ping(PING, Signal.SUCCESS, text="\n".join(watched.changes.standing))
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


def _outage(ports: Ports, error: Exception) -> WatchRound:
    """Tells of a database that does not answer; any other error is one of ours.

    Raises:
        Exception: The database does answer.
    """
    if not isinstance(error, DependencyUnavailableError):
        try:
            ports.require_answer()
        except DependencyUnavailableError as why:
            error = why
        else:
            raise error
    reason = str(error)
    told = tell_outage(reason, ports.outage)
    trouble = ports.dead_mans_switch.ping(PING, Signal.FAILURE, text=reason)
    return WatchRound(outage=reason, told=told, troubles=(trouble,) if trouble else ())


@cache
def _repository() -> dg.RepositoryDefinition:
    from miraikakaku_assets.orchestration.build import build_defs

    return build_defs().get_repository_def()
