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
    if files.ended_at is None:
        return "processing" if files.has_begun else "queued"
    if now >= (files.written_at or files.ended_at) + kept:
        return "expired"
    # one that was cancelled before any run took it gets its files from the sensor, too
    return "processing" if files.written_at is None else "ready"
