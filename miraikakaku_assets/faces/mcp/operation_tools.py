"""Tools about the work itself: status, bulk jobs, and one that starts a collection."""

from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.market.timeframes import Timeframe
from miraikakaku_assets.domain.market.universes import JP, universe
from miraikakaku_assets.faces.mcp.answers import Answer
from miraikakaku_assets.faces.mcp.holdings_tools import UniverseArguments
from miraikakaku_assets.faces.mcp.tool import Arguments, Asked, Rows, Symbol, Text, Tool

_BATCH = (
    *("id", "universe", "timeframe", "source", "status", "total_stocks", "failed_stocks", "rows_read"),
    *("rows_quarantined", "start_time", "end_time", "error_message"),
)


class JobArguments(Arguments):
    """Of `jobs`."""

    job_id: Annotated[
        Text | None, Field(max_length=64, description="one job with its verdicts by symbol")
    ] = None
    limit: Rows = 10


class CollectArguments(Arguments):
    """Of `collect`."""

    symbols: Annotated[list[Symbol], Field(min_length=1, max_length=1000)]
    interval: Literal["1d", "5m"] = "1d"
    period: Annotated[
        Text | None, Field(description="5d, 1mo, 1y, ytd, max; default: on from the stored bars")
    ] = None
    idempotency_key: Annotated[Text | None, Field(max_length=255, description="same key: same job")] = None


async def _status(wanted: UniverseArguments, asked: Asked) -> Answer:
    return await asked.read(_standing, wanted.universe, asked.use)


def _standing(name: str, use: Ports) -> Answer:
    from miraikakaku_assets.application.forecasting.view import in_words, standing
    from miraikakaku_assets.application.monitoring.status import show_status, source_status

    market = universe(name)
    state = show_status(market, Timeframe.D1, store=use.stores.status, clock=use.clock)
    rate, health = source_status(use.sources.rate_limiter, use.stores.probes, use.clock)
    stands = standing(market, use.forecasting.forecasts)
    bars, master, coverage = state["bars"], state["master"], state["coverage"]
    head: dict[str, Any] = {
        "universe": name,
        "master": {
            "listed": master["listed"],
            "delisted": master["delisted"],
            "list_date": master["list_date"],
        },
        "daily_bars": {
            "bars": bars["total"],
            "symbols": bars["symbols"],
            "first": bars["first"],
            "last": bars["last"],
        },
        "fresh": f"{state['fresh_symbols']:,} of {master['listed']:,} listed have the bar of {state['due_session']}, "
        "the newest that is due",
        "coverage": None
        if coverage is None
        else {
            "share": coverage["coverage"],
            "of": coverage["denominator"],
            "as_of": coverage["checked_at"],
        },
        "quarantined_rows": {row["rule"]: row["rows"] for row in state["quarantine"]},
        "source": {
            "name": rate.name,
            "requests_per_second": rate.rate,
            "at_most": rate.maximum,
            "paused_until": rate.paused_until,
            "last_refusal": rate.reason,
            "canaries": "not asked yet" if health is None else f"{health.health}: {health.reason}",
        },
        "forecasts": None
        if stands is None
        else {"as_of": stands.as_of, "symbols": stands.symbols, "record": in_words(stands)},
        "master_update_failed": state["last_update"]["error_message"] if state["last_update"] else None,
    }
    rows = [{column: batch[column] for column in _BATCH} for batch in state["batches"]]
    return Answer(head, rows, "last_collections", file_name=f"status-{name}")


async def _jobs(wanted: JobArguments, asked: Asked) -> Answer:
    from miraikakaku_assets.application.bulk.documents import job_document
    from miraikakaku_assets.application.bulk.jobs import read_job

    store = asked.use.serving.job_store
    if wanted.job_id is None:
        total, jobs = await store.recent(None, wanted.limit, 0)
        rows = []
        for job in jobs:
            document = job_document(job)
            rows.append(
                {"id": job.id, "status": document["status"], "created_at": job.created_at, **_counts(job)}
            )
        return Answer({"jobs": total}, rows, "newest_jobs", file_name="jobs")
    job = await read_job(wanted.job_id, store)
    head = {
        "id": job.id,
        "status": job_document(job)["status"],
        "interval": job.interval,
        **_counts(job),
        "error": job.error,
        "unknown_symbols": list(job.unknown),
        "created_at": job.created_at,
        "updated_at": job.updated_at,
    }
    _, verdicts = await store.manifest(job.id, 20_000, 0)
    rows = [dict(verdict) for verdict in verdicts]
    return Answer(head, rows, "verdicts", file_name=job.id)


def _counts(job: Any) -> dict[str, Any]:
    return {name: getattr(job, name) for name in ("total", "processed", "successful", "failed", "records")}


async def _collect(wanted: CollectArguments, asked: Asked) -> Answer:
    from miraikakaku_assets.application.bulk.jobs import accept_job, launch_job
    from miraikakaku_assets.application.bulk.request import read_request
    from miraikakaku_assets.application.ports.jobs import Acceptance

    use = asked.use
    today = use.clock().astimezone(ZoneInfo(JP.time_zone)).date()
    request = read_request(wanted.symbols, wanted.interval, wanted.period, today)
    accepted = await accept_job(request, asked.by, wanted.idempotency_key, use.serving.job_store)
    is_launched = accepted.acceptance is Acceptance.NEW and await launch_job(
        accepted.job_id, use.serving.bulk
    )
    head = {
        "job_id": accepted.job_id,
        "accepted": accepted.acceptance.value,
        "begins": "now"
        if is_launched
        else "when Dagster's sensor bulk_jobs_due takes it; it needs `miraikakaku up`",
        "unknown_symbols": list(accepted.unknown),
        "next": "ask `jobs` with this job_id",
    }
    return Answer(head)


TOOLS = (
    Tool(
        "status",
        "Freshness of daily bars, health of the price source, last collections of a universe.",
        UniverseArguments,
        _status,
    ),
    Tool("jobs", "Bulk collection jobs, or one with a verdict for every symbol.", JobArguments, _jobs),
    Tool(
        "collect",
        "Starts a bulk job that fetches bars, e.g. of symbols that `gaps` names; it survives restarts.",
        CollectArguments,
        _collect,
        operates=True,
    ),
)
