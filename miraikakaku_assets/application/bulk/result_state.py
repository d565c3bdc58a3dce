"""How far the files of a bulk job are. Loads no Polars."""

from datetime import datetime, timedelta

from miraikakaku_assets.application.ports.jobs import JobFiles


def result_state(files: JobFiles, kept: timedelta, now: datetime) -> str:
    """``queued``, ``processing``, ``ready`` or ``expired``.

    Args:
        files: Of a job.
        kept: How long they stay.
        now: Now (UTC).
    """
    if files.written_at is not None and files.is_over:
        return "expired" if now >= files.written_at + kept else "ready"
    # one that was cancelled before any run took it gets its files from the sensor, too
    return "processing" if files.has_begun or files.is_over else "queued"
