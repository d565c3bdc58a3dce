"""Two jobs on Sundays: what has had its time leaves, and the tables are vacuumed."""

from collections.abc import Sequence

import dagster as dg

from miraikakaku_assets.application.maintenance.run_maintenance import PARTS, TABLES, run_maintenance
from miraikakaku_assets.domain.errors import MiraikakakuError
from miraikakaku_assets.domain.words import counted
from miraikakaku_assets.orchestration.failures import failure
from miraikakaku_assets.orchestration.job_builders import op_job
from miraikakaku_assets.orchestration.resources import PortsResource

_LEAVING = tuple(part for part in PARTS if part != TABLES)


@dg.op
def purge_old(context: dg.OpExecutionContext, ports: PortsResource) -> None:
    """Removes files, backups and rows past their retention."""
    _run(context, ports, _LEAVING)


@dg.op
def vacuum_tables(context: dg.OpExecutionContext, ports: PortsResource) -> None:
    """Vacuums and analyses the tables."""
    _run(context, ports, (TABLES,))


def _run(context: dg.OpExecutionContext, ports: PortsResource, parts: Sequence[str]) -> None:
    try:
        done = run_maintenance(parts, ports.use.backups.maintenance)
    except MiraikakakuError as error:
        raise failure(error) from error
    for part in done:
        context.log.info("%s: %s in %.1f s", part.part, counted(part.count, part.noun), part.seconds)
    context.add_output_metadata({part.part: part.count for part in done})


# Small transactions and single files: both may be killed and repeated.
purge_job = op_job(
    purge_old,
    name="purge_old_files_job",
    description="Removes reports, logs, backups, models and rows of the accounts past their retention.",
)
vacuum_job = op_job(
    vacuum_tables,
    name="db_maintenance_job",
    description="VACUUM and ANALYZE of every table; nobody waits for it.",
)


def maintenance_schedules(status: dg.DefaultScheduleStatus, zone: str) -> list[dg.ScheduleDefinition]:
    """Both schedules, Sundays."""
    return [
        dg.ScheduleDefinition(
            name="purge_old_files",
            job=purge_job,
            cron_schedule="0 3 * * 0",
            execution_timezone=zone,
            default_status=status,
            description="Reports, logs, backups, models and rows past their retention leave, Sundays at 03:00.",
        ),
        dg.ScheduleDefinition(
            name="db_maintenance",
            job=vacuum_job,
            cron_schedule="0 4 * * 0",
            execution_timezone=zone,
            default_status=status,
            description="VACUUM and ANALYZE of every table, Sundays at 04:00.",
        ),
    ]
