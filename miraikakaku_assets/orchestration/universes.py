"""One record per universe of what its assets and schedules say and when they run. Keep out: facts of the market.

A universe's facts are its record in `miraikakaku_assets.domain.market.universes`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, TypedDict

import dagster as dg

from miraikakaku_assets.domain.forecasting.timing.clocks import MORNING
from miraikakaku_assets.domain.market.instruments import COPPER, FX, JP, US, Universe
from miraikakaku_assets.settings import settings

OWNERS = ("team:market-data",)
"""Who answers for the assets."""


@dataclass(frozen=True)
class Schedule:
    """When a universe's job runs.

    Attributes:
        name: Of the schedule.
        cron: When it ticks, or what reads that from the settings.
        description: For people.
        zone: IANA zone of `cron`.
        due: Which ticks of a daily schedule collect: those on whose day a session has become ``final``, those since
            whose predecessor one has run or become final (``changed``), or ``all``.
    """

    name: str
    cron: str | Callable[[], str]
    description: str
    zone: str = "Asia/Tokyo"
    due: Literal["final", "changed", "all"] = "final"


@dataclass(frozen=True)
class MasterAsset:
    """The stock master of a universe, from the list that its exchange publishes.

    Attributes:
        description: What it holds and where it comes from.
        kind: Of the file that is published.
        job: Description of its job.
        schedule: When the list is read.
        age: At which it counts as stale.
    """

    description: str
    kind: str
    job: str
    schedule: Schedule
    age: timedelta


@dataclass(frozen=True)
class UniverseAssets:
    """What the assets and schedules of one universe say, and when they run.

    Attributes:
        universe: Whose.
        scope: What its daily bars are of.
        cadence: When those are collected.
        tags: Shown and searchable in the web UI.
        daily: Its schedules of daily bars.
        watch_list: What its 5-minute bars are of; empty where none are collected.
        cycle: Name and cron (at the exchange) of the schedule of its five-minute cycle; None where it has none.
        master: Its stock master; None where the settings name its symbols.
        volume: What a volume counts.
        morning: When it is forecast once more before it opens, as a cron line at the exchange; empty where nothing
            that leads it becomes known in its night.
    """

    universe: Universe
    scope: str
    cadence: str
    tags: Mapping[str, str]
    daily: tuple[Schedule, ...]
    watch_list: str = ""
    cycle: tuple[str, str] | None = None
    master: MasterAsset | None = None
    volume: str = "Shares"
    morning: str = ""


def at_collection_time() -> str:
    """Weekdays at COLLECTION_TIME."""
    hour, minute = settings().collection_time.split(":")
    return f"{int(minute)} {int(hour)} * * 1-5"


_AFTER_THE_CLOSE = "after the close on session days"
# Yahoo restates volumes for some minutes after a close: bars count as final half an hour later.
_JP = UniverseAssets(
    JP,
    scope="every TSE issue",
    cadence=_AFTER_THE_CLOSE,
    tags={"market": "tse", "currency": "jpy"},
    daily=(
        Schedule(
            "jp_daily",
            "45 16 * * 1-5",
            "The TSE's daily bars, timeframes and indicators after the close, on session days only.",
        ),
    ),
    watch_list="the watch list JP_WATCH_LIST",
    cycle=("jp_intraday", "*/5 9-16 * * 1-5"),
    morning=f"0 {MORNING.hour} * * 1-5",
    master=MasterAsset(
        "All issues listed on the Tokyo Stock Exchange, from JPX's monthly list `data_j.xls`.",
        kind="excel",
        job="Reads JPX's list and puts it into force.",
        schedule=Schedule("jp_master_update", "0 6 * * 1", "JPX's list, Mondays 06:00."),
        age=timedelta(days=9),  # published monthly, looked at weekly
    ),
)
_US = UniverseAssets(
    US,
    scope="every US stock and ETF",
    cadence=_AFTER_THE_CLOSE,
    tags={"market": "us", "currency": "usd"},
    daily=(
        Schedule(
            "us_daily",
            "45 16 * * 1-5",
            "The US exchanges' daily bars, timeframes and indicators after the close, on session days only.",
            US.time_zone,
        ),
    ),
    watch_list="the watch list US_WATCH_LIST",
    cycle=("us_intraday", "*/5 9-16 * * 1-5"),
    master=MasterAsset(
        "All securities listed on the US exchanges, stocks and ETFs and what trades beside them, from Nasdaq "
        "Trader's daily directories `nasdaqlisted.txt` and `otherlisted.txt`; with ALPHA_VANTAGE_API_KEY also the "
        "days of listing and delisting. Lines left out and disagreements are counted by reason.",
        kind="csv",
        job="Reads the US exchanges' lists and puts them into force.",
        schedule=Schedule("us_master_sync", "0 4 * * *", "The US exchanges' lists, every day at 04:00."),
        age=timedelta(days=2),  # published daily
    ),
)
_FX = UniverseAssets(
    FX,
    scope="the currency pairs that FX_PAIRS names",
    cadence="after London midnight on trading days",
    tags={"market": "fx"},
    daily=(
        Schedule(
            "fx_daily",
            "45 0 * * 2-6",
            "The currency pairs' daily bars, timeframes and indicators after midnight, on session days only.",
            FX.time_zone,
        ),
    ),
    watch_list="the currency pairs that FX_PAIRS names",
    cycle=("fx_cycle", "*/5 * * * *"),
    volume="Always 0",
)
_COPPER = UniverseAssets(
    COPPER,
    scope="the copper that COPPER_SYMBOLS names: COMEX futures (nearest contract month, not adjusted for the roll) and "
    "the LME's official prices for cash and three months, which have a close and no range",
    cadence="on weekdays at COLLECTION_TIME in Tokyo",
    tags={"market": "copper", "currency": "usd"},
    daily=(
        # Not like the others at a time after the close: 07:00 in Tokyo is 17:00 in New York's winter, when the day ends
        # and its bar is provisional. So a tick is for whatever has run or become final since the tick before.
        Schedule(
            "copper_pipeline",
            at_collection_time,
            "Daily bars, timeframes and indicators of COMEX and LME copper, weekdays at COLLECTION_TIME.",
            due="changed",
        ),
        Schedule(
            "copper_reforecast",
            "0 13 * * 1-5",
            "Copper at 13:00 in Tokyo: COMEX's bar, which in winter is not final at 07:00, and the forecasts "
            "that follow it.",
            due="all",
        ),
    ),
    volume="Contracts; 0 of the LME's official prices",
)
RECORDS = {record.universe.name: record for record in (_JP, _US, _FX, _COPPER)}
MASTERS = {record.universe: record.master for record in RECORDS.values() if record.master}
"""Universe with a published list → its asset."""


class Described(TypedDict):
    """Description and labels of an asset of a universe: keyword arguments of `dg.AssetSpec` and `dg.asset`."""

    group_name: str
    kinds: set[str]
    metadata: Mapping[str, Any]
    description: str
    owners: Sequence[str]
    tags: Mapping[str, str]


def described(
    universe: Universe, table: str, text: str, kinds: set[str], columns: Sequence[dg.TableColumn] = ()
) -> Described:
    """Description and labels of an asset of a universe.

    Args:
        universe: Whose asset.
        table: Where its rows are, without schema.
        text: For people.
        kinds: What it is made with.
        columns: Of the table, where they are worth naming.
    """
    metadata: dict[str, Any] = {"dagster/table_name": f"miraikakaku.{table}"}
    if columns:
        metadata["dagster/column_schema"] = dg.TableSchema(columns=list(columns))
    return Described(
        group_name=universe.name,
        kinds=kinds,
        metadata=metadata,
        description=text,
        owners=OWNERS,
        tags=RECORDS[universe.name].tags,
    )
