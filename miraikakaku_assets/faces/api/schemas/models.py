"""Shapes of requests and answers, for the OpenAPI page; answers are not validated a second time."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, StrictStr

from miraikakaku_assets.application.bulk.request import MOST_SYMBOLS, PERIODS

_PROGRESS = {"total": 2, "processed": 1, "successful": 1, "failed": 0, "progress_percentage": 50.0}
_JOB = {
    "id": "job-1720000000000",
    "status": "running",
    "progress": _PROGRESS,
    "created_at": 1720000000.0,
    "updated_at": 1720000050.0,
}


def shape(example: dict[str, Any]) -> ConfigDict:
    """Configuration of a model that is documented by an example."""
    return ConfigDict(json_schema_extra={"example": example})


class StartRequest(BaseModel):
    """What is to be collected."""

    model_config = shape({"symbols": ["7203.T", "6758.T"], "interval": "1d", "period": "1mo"})

    symbols: list[StrictStr] = Field(
        min_length=1, max_length=MOST_SYMBOLS, description="銘柄コードの配列 (`7203.T`、東証は `7203` も可)"
    )
    interval: StrictStr = Field("1d", description="データの間隔: `1d` または `5m`")
    period: StrictStr | None = Field(None, description=f"データの期間: {PERIODS}。省略時は保存済みの続きから")


class Refused(BaseModel):
    """An answer that is no success; ``Accept: application/problem+json`` gets RFC 9457 instead."""

    model_config = shape(
        {"success": False, "error": "NOT_FOUND", "message": "指定されたジョブが見つかりません"}
    )

    success: bool
    error: str
    message: str


class Started(BaseModel):
    """An accepted job."""

    model_config = shape({"success": True, "job_id": "job-1720000000000", "status": "accepted"})

    success: bool
    job_id: str
    status: str
    unknown_symbols: list[str] | None = None


class JobProgress(BaseModel):
    """How far a job is."""

    total: int
    processed: int
    successful: int
    failed: int
    progress_percentage: float


class JobSummary(BaseModel):
    """What came of a job that has ended."""

    total_symbols: int
    successful: int
    failed: int
    duration_seconds: float


class JobDocument(BaseModel):
    """A job."""

    model_config = shape(_JOB)

    id: str
    status: str
    progress: JobProgress
    summary: JobSummary | None = None
    created_at: float
    updated_at: float
    unknown_symbols: list[str] | None = None
    error_message: str | None = None


class JobStatus(BaseModel):
    """A job, and that it was found."""

    model_config = shape({"success": True, "job": _JOB})

    success: bool
    job: JobDocument


class JobChanged(JobStatus):
    """A job that was asked to change."""

    model_config = shape(
        {
            "success": True,
            "message": "キャンセルを受け付けました",
            "job": {**_JOB, "status": "cancel_requested", "updated_at": 1720000030.0},
        }
    )

    message: str


class JobList(BaseModel):
    """Jobs, newest first."""

    model_config = shape({"success": True, "total": 1, "jobs": [_JOB]})

    success: bool
    total: int
    jobs: list[JobDocument]


class UpdateSummary(BaseModel):
    """What an update of a stock master has changed."""

    total_stocks: int
    added_stocks: int
    updated_stocks: int
    removed_stocks: int
    updated_at: str


class MasterUpdated(BaseModel):
    """An update that is done."""

    model_config = shape(
        {
            "success": True,
            "update_summary": {
                "total_stocks": 3800,
                "added_stocks": 15,
                "updated_stocks": 120,
                "removed_stocks": 5,
                "updated_at": "2024-01-15T10:30:00Z",
            },
        }
    )

    success: bool
    update_summary: UpdateSummary


class Stock(BaseModel):
    """An issue; with ``fields=all`` further fields follow."""

    model_config = ConfigDict(extra="allow")

    stock_code: str
    stock_name: str
    market_category: str | None
    sector: str | None
    is_active: bool


class StockList(BaseModel):
    """Issues of a stock master, by code."""

    model_config = shape(
        {
            "success": True,
            "total": 3800,
            "stocks": [
                {
                    "stock_code": "7203",
                    "stock_name": "トヨタ自動車",
                    "market_category": "プライム",
                    "sector": "輸送用機器",
                    "is_active": True,
                }
            ],
        }
    )

    success: bool
    total: int
    stocks: list[Stock]


class Rows(BaseModel):
    """Rows of a table, beside what they are of."""

    model_config = ConfigDict(extra="allow")

    success: bool


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Documentation of answers that are no success, beside those that every route has."""
    every = {401, 403, 429, 503, *statuses}
    problem = {"application/problem+json": {"schema": {"type": "object"}}}
    return {
        status: {"model": Refused, "content": problem, "description": _WHY[status]}
        for status in sorted(every)
    }


_WHY = {
    400: "The request is not as it has to be",
    401: "No key, or a wrong one",
    403: "The key lacks the scope, or the server has no keys and the request comes from elsewhere",
    404: "There is no such thing",
    408: "The body took too long",
    409: "It cannot be done now",
    410: "It was there and has expired",
    413: "The body is too large",
    422: "The idempotency key was used for something else",
    429: "Too many requests; Retry-After says when",
    502: "What was asked for failed elsewhere",
    503: "The database or Dagster cannot be reached",
}
