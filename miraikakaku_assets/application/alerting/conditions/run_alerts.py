"""Rules about what the orchestrator has done: runs, checks of assets, ticks of schedules and sensors.

A failed check ends no run, and a failed tick starts none: nobody hears of either unless somebody looks.
"""

from dataclasses import dataclass

from miraikakaku_assets.application.alerting.alert_rule import AlertRule, Finding
from miraikakaku_assets.application.ports.notices import Severity
from miraikakaku_assets.application.ports.operations.watching import CheckResult, EndedRuns, EndedTick
from miraikakaku_assets.domain.tokyo_time import jst

_NAMED = 10  # runs that a message names
_LONGEST = 500  # characters of an error; the run's page has all of it


@dataclass(frozen=True)
class JobRuns:
    """The newest runs of a job that ended."""

    ended: EndedRuns

    @property
    def labels(self) -> dict[str, str]:
        """Job, and the universe if it is about one."""
        return _with_universe({"job": self.ended.job}, self.ended.universe)


@dataclass(frozen=True)
class AssetCheck:
    """The newest evaluation of a check."""

    result: CheckResult

    @property
    def labels(self) -> dict[str, str]:
        """Asset and check, and the universe if it is about one."""
        return _with_universe({"asset": self.result.asset, "check": self.result.check}, self.result.universe)


@dataclass(frozen=True)
class Tick:
    """The newest tick of a schedule or sensor."""

    tick: EndedTick

    @property
    def labels(self) -> dict[str, str]:
        """Name of the schedule or sensor."""
        return {"name": self.tick.name}


def _with_universe(labels: dict[str, str], universe: str | None) -> dict[str, str]:
    return labels if universe is None else {**labels, "universe": universe}


def _run_failed(runs: JobRuns) -> Finding | None:
    ended = runs.ended
    if not ended.failed:
        return None
    more = len(ended.failed) - _NAMED
    lines = [
        f"ジョブ: {ended.job}",
        f"終了: {jst(ended.ended_at)}",
        *([f"エラー: {ended.error[:_LONGEST]}"] if ended.error else []),
        *(f"実行ID: {run_id}" for run_id in ended.failed[:_NAMED]),
        *([f"ほか{more}件"] if more > 0 else []),
    ]
    details = {"run_id": ended.failed[0], "run_ids": list(ended.failed), "error": ended.error[:_LONGEST]}
    return Finding(f"実行が失敗しました: {ended.job}", lines, details)


def _check_failed(check: AssetCheck) -> Finding | None:
    result = check.result
    if result.passed:
        return None
    lines = [
        f"アセット: {result.asset}",
        f"チェック: {result.check}",
        f"判定: {jst(result.evaluated_at)}",
        f"内容: {result.description[:_LONGEST] or '–'}",
        f"実行ID: {result.run_id}",
    ]
    details = {"run_id": result.run_id, "asset": result.asset, "check": result.check}
    severity = Severity.INFO if result.is_warning else Severity.WARNING
    return Finding(f"チェックに失敗しました: {result.asset} {result.check}", lines, details, severity)


def _tick_failed(tick: Tick) -> Finding | None:
    ended = tick.tick
    if ended.error is None:
        return None
    lines = [f"名前: {ended.name}", f"時刻: {jst(ended.at)}", f"エラー: {ended.error[:_LONGEST]}"]
    title = f"スケジュールまたはセンサーの評価に失敗しました: {ended.name}"
    return Finding(title, lines, {"name": ended.name, "at": ended.at.isoformat()})


RUN_RULES = (
    AlertRule[JobRuns](
        key="run/<job>/failed",
        severities=(Severity.WARNING,),
        when="the newest run of a job failed and will not be retried, or one of its newest backfill did",
        over="a newer run of the job succeeds",
        find=_run_failed,
        remedy="Open the run that the message names, mend what its last events say, and re-execute it.",
    ),
)
"""Rules about runs."""

CHECK_RULES = (
    AlertRule[AssetCheck](
        key="check/<asset>/<check>/failed",
        severities=(Severity.WARNING, Severity.INFO),
        when="the newest evaluation of a check failed; INFO where the check only warns",
        over="it passes",
        find=_check_failed,
        remedy="Open the check on the asset's page; its metadata names the rows or symbols. "
        "Mend them and materialize the asset again.",
    ),
)
"""Rules about checks of assets."""

TICK_RULES = (
    AlertRule[Tick](
        key="tick/<name>/failed",
        severities=(Severity.WARNING,),
        when="the newest tick of a schedule or sensor failed",
        over="a tick is evaluated without an error, also one that skips",
        find=_tick_failed,
        remedy="Open the schedule or sensor under Automation; its tick holds the traceback.",
        inhibits=("schedule/<name>/missed",),
    ),
)
"""Rules about ticks."""
