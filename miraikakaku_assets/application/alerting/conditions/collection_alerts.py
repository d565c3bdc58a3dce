"""Rules about the daily collections of a universe: failed, not begun, without new bars.

What the source does not have is no failure of a collection. Days are counted as sessions: on a Monday morning nothing
is missing since Friday.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import polars as pl

from miraikakaku_assets.application.alerting.alert_rule import AlertRule, Finding
from miraikakaku_assets.application.ports.notices import Severity
from miraikakaku_assets.application.ports.operations.watching import CollectionTally
from miraikakaku_assets.domain.market.instruments import Universe
from miraikakaku_assets.domain.market.sessions import FINAL_AFTER, session_table
from miraikakaku_assets.domain.percent import percent_ja
from miraikakaku_assets.domain.tokyo_time import jst

FEW = 0.90
"""Success share below which it is a warning, as the operations manual has it."""
START_GRACE = timedelta(minutes=30)
"""How long a collection may wait behind the work of others."""
SILENT_SESSIONS = 2
_NAMED = 5  # sessions that a message names
COLLECTED_WITHIN = timedelta(hours=12)
"""After a session has become final: its collection is due hours later where the market is on another continent."""


@dataclass(frozen=True)
class Collection:
    """The newest collection of all daily bars of a universe."""

    universe: str
    tally: CollectionTally

    @property
    def labels(self) -> dict[str, str]:
        """The universe."""
        return {"universe": self.universe}

    @property
    def success_share(self) -> float:
        """Share of the symbols that succeeded; 1 where there was nothing to do."""
        tally = self.tally
        return 1 - tally.failed / tally.asked if tally.asked else 0.0 if tally.error else 1.0


@dataclass(frozen=True)
class CollectionStart:
    """Whether the collection that was due has begun.

    Attributes:
        universe: Name of the universe.
        schedule: That had to start it.
        due_at: When; None if nothing is due, or no schedule is on.
        started_at: When the newest one began; None if none ever did.
        now: The moment.
    """

    universe: str
    schedule: str
    due_at: datetime | None
    started_at: datetime | None
    now: datetime

    @property
    def labels(self) -> dict[str, str]:
        """The universe."""
        return {"universe": self.universe}


@dataclass(frozen=True)
class NewestBars:
    """The newest daily bar of a universe of which there are some.

    Attributes:
        universe: Name of the universe.
        newest: Session of its newest final bar.
        missing: Later sessions whose bars should have been collected by now.
    """

    universe: str
    newest: date
    missing: tuple[date, ...]

    @property
    def labels(self) -> dict[str, str]:
        """The universe."""
        return {"universe": self.universe}


def newest_bars(universe: Universe, bar: datetime, since: datetime | None, now: datetime) -> NewestBars:
    """Compares the newest bar of a universe with the sessions that were held.

    Args:
        universe: Whose.
        bar: Start of its newest final daily bar (UTC).
        since: When its schedule was turned on (UTC): earlier sessions are missed by nobody. None while it is off.
        now: The moment (UTC).
    """
    table = session_table(universe.calendar)
    newest = table.filter(pl.col("opens") <= bar.astimezone(UTC))["session"][-1]
    if since is None:
        return NewestBars(universe.name, newest, ())
    due = now.astimezone(UTC) - FINAL_AFTER - COLLECTED_WITHIN
    later = table.filter(pl.col("session") > newest, pl.col("closes").is_between(since.astimezone(UTC), due))
    return NewestBars(universe.name, newest, tuple(later["session"]))


def _failed(collection: Collection) -> Finding | None:
    share = collection.success_share
    if share == 1:
        return None
    if share == 0:
        title = f"データ収集がすべて失敗しました: {collection.universe}"
        return _finding(collection, title, Severity.CRITICAL)
    title = f"データ収集で{collection.tally.failed:,}銘柄が失敗しました: {collection.universe}"
    return _finding(collection, title, Severity.WARNING)


def _success_rate(collection: Collection) -> Finding | None:
    share = collection.success_share
    if share >= FEW or share == 0:
        return None
    title = f"データ収集の成功率が{FEW:.0%}を下回りました: {collection.universe}"
    return _finding(collection, title, Severity.WARNING)


def _finding(collection: Collection, title: str, severity: Severity) -> Finding:
    tally, universe = collection.tally, collection.universe
    causes = "、".join(f"{cause} {symbols:,}" for cause, symbols in tally.causes.items())
    shown = tally.asked - tally.failed
    lines = [
        f"ユニバース: {universe}",
        f"終了: {jst(tally.ended_at)}",
        f"成功: {tally.asked:,}銘柄中{shown:,}銘柄({percent_ja(collection.success_share, 1)})",
        *([f"原因: {causes}"] if causes else []),
        *([f"例: {'、'.join(tally.examples)}"] if tally.examples else []),
        *([f"ソースにない銘柄: {tally.not_on_source:,}(失敗に数えません)"] if tally.not_on_source else []),
        *([f"エラー: {tally.error}"] if tally.error else []),
        *([f"実行ID: {tally.run_id}"] if tally.run_id else []),
    ]
    details = {
        "run_id": tally.run_id,
        "asked": tally.asked,
        "failed": tally.failed,
        "causes": dict(tally.causes),
        "examples": list(tally.examples),
    }
    return Finding(title, lines, details, severity)


def _not_started(start: CollectionStart) -> Finding | None:
    if start.due_at is None or start.now - start.due_at <= START_GRACE:
        return None
    if start.started_at is not None and start.started_at >= start.due_at:
        return None
    last = "なし" if start.started_at is None else jst(start.started_at)
    lines = [
        f"ユニバース: {start.universe}",
        f"スケジュール: {start.schedule}",
        f"予定: {jst(start.due_at)}",
        f"前回の開始: {last}",
    ]
    details = {"schedule": start.schedule, "due_at": start.due_at.isoformat()}
    return Finding(f"データ収集が始まっていません: {start.universe}", lines, details)


def _no_data(bars: NewestBars) -> Finding | None:
    if len(bars.missing) < SILENT_SESSIONS:
        return None
    lines = [
        f"ユニバース: {bars.universe}",
        f"最新の日足: {bars.newest}",
        f"その後の立会日: {'、'.join(map(str, bars.missing[:_NAMED]))}{'…' if len(bars.missing) > _NAMED else ''}",
    ]
    details = {"newest": str(bars.newest), "missing": [str(session) for session in bars.missing]}
    return Finding(f"新しいデータが{len(bars.missing)}営業日ありません: {bars.universe}", lines, details)


COLLECTION_RULES = (
    AlertRule[Collection](
        key="collection/<universe>/failed",
        severities=(Severity.WARNING, Severity.CRITICAL),
        when="the newest collection of all daily bars ended with symbols that failed, those left out that the source "
        "does not know; CRITICAL when none succeeded",
        over="they are collected, by whatever collection, or the next one has no failure",
        find=_failed,
        remedy="`miraikakaku collect --universe U` asks again for the symbols that failed; "
        "`status` says how the source is.",
        inhibits=(
            "collection/<universe>/success_rate",
            "run/<universe>_daily_job/failed",
            "run/<universe>_prices_job/failed",
        ),
    ),
    AlertRule[Collection](
        key="collection/<universe>/success_rate",
        severities=(Severity.WARNING,),
        when=f"fewer than {FEW * 100:.0f} % of the symbols of a daily collection succeeded, but some did",
        over="as many do",
        find=_success_rate,
        remedy="Look at the causes in the message: one cause for all is the source or the network, "
        "many are the symbols.",
    ),
)
"""Rules about the newest daily collection that ended."""

START_RULES = (
    AlertRule[CollectionStart](
        key="collection/<universe>/not_started",
        severities=(Severity.CRITICAL,),
        when=f"a session was held and its daily collection has not begun {START_GRACE.seconds // 60} minutes after its "
        "schedule should have started it",
        over="one begins, by whatever means, or the schedule is turned off",
        find=_not_started,
        remedy="Launch the job by hand (`miraikakaku collect --universe U`), then see why the "
        "schedule or the run queue did not.",
        inhibits=(
            "collection/<universe>/no_data",
            "forecast/<universe>/missing",
            "schedule/<universe>_daily/missed",
            "schedule/<universe>_pipeline/missed",
        ),
    ),
)
"""Rules about collections that were due."""

NO_DATA_RULES = (
    AlertRule[NewestBars](
        key="collection/<universe>/no_data",
        severities=(Severity.CRITICAL,),
        when=f"{SILENT_SESSIONS} sessions or more were held, ended {COLLECTED_WITHIN.seconds // 3600} hours ago, and "
        "no bar of them is stored",
        over="a bar of a newer session is stored, or the schedule is turned off",
        find=_no_data,
        remedy="`miraikakaku status --universe U`: what the last collections did; then "
        "`miraikakaku collect --universe U`.",
        inhibits=("forecast/<universe>/missing",),
    ),
)
"""Rules about universes without new bars."""
