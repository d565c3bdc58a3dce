"""Notifications and the watch over cycles in Dagster. Put here: when. Keep out: how a channel is reached."""

import dagster as dg

from miraikakaku_assets.application.alerting.conditions.cycle_alerts import judge_cycle
from miraikakaku_assets.application.alerting.deliver_notifications import deliver_notifications
from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.errors import MiraikakakuError
from miraikakaku_assets.domain.market.instruments import Universe
from miraikakaku_assets.orchestration.failures import failure
from miraikakaku_assets.orchestration.instance.orphaned_runs import NEVER_REPEATED
from miraikakaku_assets.orchestration.job_builders import op_job
from miraikakaku_assets.orchestration.resources import PortsResource


def judge(ports: Ports, universe: Universe) -> None:
    """Raises or ends alerts by how the universe's newest cycle went."""
    judge_cycle(universe.name, ports.notices.cycles, ports.notices.cycle_limits, ports.notices.alerting)


def deliver(context: dg.OpExecutionContext, ports: Ports) -> None:
    """Sends what is due; a channel in trouble is logged and tried again later, it fails no run."""
    try:
        report = deliver_notifications(ports.notices.delivery)
    except MiraikakakuError as error:
        raise failure(error) from error
    for channel, trouble in report.troubles.items():
        context.log.warning("Channel %s: %s", channel, trouble)
    if report.delivered:
        counts = ", ".join(f"{count} to {channel}" for channel, count in report.delivered.items())
        context.log.info("Notifications sent: %s", counts)


@dg.op
def deliver_due(context: dg.OpExecutionContext, ports: PortsResource) -> None:
    """Sends the notifications that are due."""
    deliver(context, ports.use)


notifications_job = op_job(
    deliver_due,
    name="notifications_job",
    description="Sends the notifications that are due: those whose delay is over, and those a channel refused before.",
    tags=NEVER_REPEATED,
)
