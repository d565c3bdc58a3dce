"""Shapes of what is asked and answered about alerts, repairs and files of jobs, for the OpenAPI page."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr, StringConstraints

from miraikakaku_assets.application.bulk.request import MOST_SYMBOLS
from miraikakaku_assets.faces.api.schemas.models import shape

AlertState = Literal[
    "firing",
    "settling",
    "flapping",
    "escalated",
    "acknowledged",
    "inhibited",
    "silenced",
    "expected",
    "over",
]
"""`ports.alert_states.STATES`, for the OpenAPI page."""


class AcknowledgeRequest(BaseModel):
    """That somebody takes an alert on."""

    model_config = shape({"note": "調査中 (担当: 田中)"})

    note: StrictStr = Field("", max_length=1000, description="誰が何をしているか")


class SilenceRequest(BaseModel):
    """For how long nobody is told."""

    model_config = shape({"for": "2h", "note": "メンテナンス"})

    lasting: StrictStr = Field(alias="for", max_length=16, description="期間: `30m`、`2h`、`1d`")
    note: StrictStr = Field("", max_length=1000, description="理由")


class AlertChanged(BaseModel):
    """An alert that was changed."""

    model_config = ConfigDict(extra="allow")

    success: bool
    message: str
    alert: dict[str, Any]


class AlertSilenced(BaseModel):
    """A silence that is in force."""

    success: bool
    message: str
    silence: dict[str, Any]


class JobFile(BaseModel):
    """A file of a job."""

    name: str
    universe: str
    timeframe: str
    rows: int
    size: int
    sha256: str
    url: str


class JobFilesList(BaseModel):
    """The files of a job: none before they are ready, and none when they have expired."""

    success: bool
    job_id: str
    state: Literal["queued", "processing", "ready", "expired"]
    expires_at: str | None
    files: list[JobFile]


Storable = Annotated[StrictStr, StringConstraints(max_length=64, pattern=r"^[^\x00]*$")]
"""A name that a database can be asked about."""


class RepairRequest(BaseModel):
    """Which gaps are asked for again."""

    model_config = shape({"universe": "jp", "symbols": ["7203.T"], "limit": 100})

    universe: StrictStr = Field("jp", max_length=16, description="ユニバース")
    symbols: list[Storable] | None = Field(
        None, min_length=1, max_length=MOST_SYMBOLS, description="銘柄。省略時は欠損のあるすべて"
    )
    causes: list[Storable] | None = Field(
        None, min_length=1, max_length=50, description="原因コード。省略時は再取得で埋まりうるすべて"
    )
    since: date | None = Field(None, alias="from", description="最初の取引日")
    until: date | None = Field(None, alias="to", description="最後の取引日")
    timeframe: StrictStr = Field("1d", description="`1d` または `5m`")
    limit: StrictInt = Field(0, ge=0, le=10_000_000, description="欠損の上限。0 はすべて")
    force: StrictBool = Field(False, description="埋まる見込みのないものも再取得する")  # noqa: FBT003
    dry_run: StrictBool = Field(False, description="取得予定だけを返す")  # noqa: FBT003


class RepairPlanned(BaseModel):
    """What a repair asks for, by the newest check."""

    success: bool
    planned: dict[str, Any]


class RepairStarted(RepairPlanned):
    """A repair that was launched."""

    model_config = shape(
        {
            "success": True,
            "run_id": "5a1f2f63-7f7c-4a11-8a8c-0f9f0c7a4d10",
            "status": "accepted",
            "planned": {"checked_at": "2024-01-15T09:00:00Z", "gaps": 12, "requests": 4, "skipped": {}},
        }
    )

    run_id: str
    status: str
