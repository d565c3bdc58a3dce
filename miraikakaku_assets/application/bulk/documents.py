"""Jobs as JSON documents, field by field as the specification has them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from miraikakaku_assets.application.ports.jobs import FINISHED, Job, JobState
from miraikakaku_assets.domain.market.universes import UNIVERSES
from miraikakaku_assets.domain.percent import in_percent

_SHOWN = {JobState.ACCEPTED: "running"}
"""The specification knows no status between acceptance and work."""
_SUFFIXES = tuple(universe.symbol_suffix for universe in UNIVERSES.values() if universe.symbol_suffix)


def job_document(job: Job) -> dict[str, Any]:
    """A job as ``status`` and ``jobs`` show it; moments in seconds since 1970."""
    document: dict[str, Any] = {
        "id": job.id,
        "status": _SHOWN.get(job.state, job.state.value),
        "progress": {
            "total": job.total,
            "processed": job.processed,
            "successful": job.successful,
            "failed": job.failed,
            "progress_percentage": _percentage(job),
        },
    }
    if job.ended_at is not None:
        begun = job.started_at or job.created_at
        document["summary"] = {
            "total_symbols": job.total,
            "successful": job.successful,
            "failed": job.failed,
            "duration_seconds": round((job.ended_at - begun).total_seconds(), 1),
        }
    document |= {"created_at": job.created_at.timestamp(), "updated_at": job.updated_at.timestamp()}
    if job.unknown:
        document["unknown_symbols"] = list(job.unknown)
    if job.error:
        document["error_message"] = job.error
    return document


def progress_message(job: Job) -> dict[str, Any]:
    """A job as its watchers hear of it; moments in ISO 8601, UTC."""
    pace = job.symbols_per_minute if job.state is JobState.RUNNING else None
    left = job.total - job.processed
    completion = job.updated_at + timedelta(minutes=left / pace) if pace else None
    return {
        "batch_id": job.id,
        "status": _SHOWN.get(job.state, job.state.value),
        "progress": {
            "total": job.total,
            "processed": job.processed,
            "successful": job.successful,
            "failed": job.failed,
            "percentage": _percentage(job),
        },
        "current_processing": [_code(symbol) for symbol in job.current],
        "estimated_completion": None if completion is None else _iso(completion),
        "throughput": {
            "stocks_per_minute": round(pace or 0),
            "records_per_minute": round(job.records_per_minute or 0) if pace else 0,
        },
    }


def is_finished(job: Job) -> bool:
    """Whether nothing more is to be heard of it."""
    return job.state in FINISHED


def _percentage(job: Job) -> float:
    return in_percent(job.processed / job.total) if job.total else 100.0


def _code(symbol: str) -> str:
    """The exchange's own code: ``7203`` of ``7203.T``."""
    for suffix in _SUFFIXES:
        symbol = symbol.removesuffix(suffix)
    return symbol


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
