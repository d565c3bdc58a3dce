"""When backups are made and damage is looked for."""

import dagster as dg

from miraikakaku_assets.orchestration.backups.assets import BACKUP, INTEGRITY

backup_job = dg.define_asset_job(
    "backup_job", [BACKUP], description="Makes a verified backup and lets go of old ones."
)
integrity_job = dg.define_asset_job(
    "integrity_job", [INTEGRITY], description="Reads all of the database and looks for damage."
)


def backup_schedules(
    status: dg.DefaultScheduleStatus, zone: str, backup_time: str
) -> list[dg.ScheduleDefinition]:
    """Every night, and Sundays after the maintenance.

    Args:
        status: Whether they run by default.
        zone: Of the times.
        backup_time: BACKUP_TIME, HH:MM.
    """
    hour, minute = map(int, backup_time.split(":"))
    return [
        dg.ScheduleDefinition(
            name="daily_backup",
            job=backup_job,
            cron_schedule=f"{minute} {hour} * * *",
            execution_timezone=zone,
            default_status=status,
            description=f"A verified backup, every day at {backup_time}.",
        ),
        dg.ScheduleDefinition(
            name="integrity_check",
            job=integrity_job,
            cron_schedule="30 4 * * 0",
            execution_timezone=zone,
            default_status=status,
            description="All of the database is read and damage looked for, Sundays at 04:30.",
        ),
    ]
