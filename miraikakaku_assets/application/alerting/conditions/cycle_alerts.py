"""Rules about cycles, by how long one took and how much of it succeeded, and the use cases that apply them.

An alert stands as long as the trouble does: the next good cycle ends it.
"""

from dataclasses import dataclass

from miraikakaku_assets.application.alerting.alert_rule import (
    AlertChanges,
    AlertPorts,
    AlertRule,
    Finding,
    evaluate,
    reconcile,
)
from miraikakaku_assets.application.ports.cycles import Cycle, CycleLog
from miraikakaku_assets.application.ports.notices import Severity
from miraikakaku_assets.domain.percent import percent_ja
from miraikakaku_assets.domain.tokyo_time import jst

FEW = 0.90
"""Success share below which it is a warning, as the operations manual has it."""


@dataclass(frozen=True)
class CycleLimits:
    """What a good cycle is.

    Attributes:
        seconds: A longer one is a warning, one of more than twice as long critical.
        success_share: Share of the symbols below which it is noted.
        failures: Cycles in a row that fail altogether before it is critical.
    """

    seconds: float
    success_share: float
    failures: int


@dataclass(frozen=True)
class WatchedCycle:
    """What rules about cycles look at.

    Attributes:
        cycle: The newest that ended, or one that runs.
        limits: What a good one is.
        seconds: How long it took or runs already.
        row: It and those that ended before it, newest first, at most `CycleLimits.failures`.
    """

    cycle: Cycle
    limits: CycleLimits
    seconds: float
    row: tuple[Cycle, ...] = ()

    @property
    def labels(self) -> dict[str, str]:
        """The universe."""
        return {"universe": self.cycle.universe}

    @property
    def too_long(self) -> bool:
        """Whether it takes more than twice its time."""
        return self.seconds > 2 * self.limits.seconds


def judge_cycle(universe: str, cycles: CycleLog, limits: CycleLimits, ports: AlertPorts) -> AlertChanges:
    """Judges the newest cycle of a universe that has ended; to be called after each.

    Args:
        universe: Name of the universe.
        cycles: The log of cycles.
        limits: What a good cycle is.
        ports: What it needs.
    """
    ended = tuple(cycles.ended(universe, limits.failures))
    newest = [WatchedCycle(cycle, limits, cycle.seconds or 0.0, ended) for cycle in ended[:1]]
    return reconcile(evaluate(CYCLE_RULES, newest), ports)


def judge_running(cycles: CycleLog, limits: CycleLimits, ports: AlertPorts) -> AlertChanges:
    """Raises an alert of each cycle that runs for more than twice its time; the next cycle that ends well ends it.

    Args:
        cycles: The log of cycles.
        limits: What a good cycle is.
        ports: What it needs.
    """
    now = ports.clock()
    running = (
        WatchedCycle(cycle, limits, (now - cycle.started_at).total_seconds()) for cycle in cycles.unended()
    )
    return reconcile(evaluate(RUNNING_CYCLE_RULES, running), ports)


def _slow(watched: WatchedCycle) -> Finding | None:
    limit = watched.limits.seconds
    if watched.seconds <= limit or watched.too_long:
        return None
    title = f"サイクルの処理時間が{limit:g}秒を超えました: {watched.cycle.universe}"
    return _finding(watched, title, f"処理時間: {watched.seconds:.0f}秒", f"上限: {limit:g}秒")


def _very_slow(watched: WatchedCycle) -> Finding | None:
    if not watched.too_long:
        return None
    limit = watched.limits.seconds
    title = f"サイクルの処理時間が{2 * limit:g}秒を超えました: {watched.cycle.universe}"
    return _finding(watched, title, f"処理時間: {watched.seconds:.0f}秒", f"上限: {limit:g}秒(その2倍で重大)")


def _running(watched: WatchedCycle) -> Finding:
    limit = watched.limits.seconds
    title = f"サイクルが{2 * limit:g}秒を過ぎても終わっていません: {watched.cycle.universe}"
    lines = [f"経過時間: {watched.seconds:.0f}秒", f"上限: {limit:g}秒(その2倍で重大)"]
    return _finding(watched, title, *lines, "プロセスが止まったか、データ取得が遅れています。")


def _some_failed(watched: WatchedCycle) -> Finding | None:
    share, least = watched.cycle.success_share, watched.limits.success_share
    if share is None or share >= least or share < FEW:
        return None
    title = f"サイクルの成功率が{least * 100:g}%を下回りました: {watched.cycle.universe}"
    return _finding(watched, title, _success(watched.cycle))


def _many_failed(watched: WatchedCycle) -> Finding | None:
    share = watched.cycle.success_share
    if share is None or share >= FEW:
        return None
    title = f"サイクルの成功率が{FEW:.0%}を下回りました: {watched.cycle.universe}"
    return _finding(watched, title, _success(watched.cycle))


def _all_failed(watched: WatchedCycle) -> Finding | None:
    row, failures = watched.row, watched.limits.failures
    if len(row) < failures or not all(cycle.failed_altogether for cycle in row):
        return None
    title = f"サイクルが{failures}回続けて全て失敗しました: {watched.cycle.universe}"
    return _finding(watched, title, f"失敗の始まり: {jst(row[-1].started_at)}以前", _success(watched.cycle))


def _errors(watched: WatchedCycle) -> Finding | None:
    row, failures = watched.row, watched.limits.failures
    if len(row) < failures or not all(cycle.end is not None and cycle.end.error for cycle in row):
        return None
    if all(cycle.failed_altogether for cycle in row):
        return None  # `_all_failed` says more
    title = f"サイクルが{failures}回続けてエラーで終わりました: {watched.cycle.universe}"
    return _finding(watched, title, f"エラーの始まり: {jst(row[-1].started_at)}以前", _success(watched.cycle))


def _finding(watched: WatchedCycle, title: str, *lines: str) -> Finding:
    cycle = watched.cycle
    facts = [
        f"ユニバース: {cycle.universe}",
        f"開始: {jst(cycle.started_at)}",
        *lines,
        *([f"エラー: {cycle.end.error}"] if cycle.end is not None and cycle.end.error else []),
        f"実行ID: {cycle.run_id}",
    ]
    details = {"cycle": cycle.id, "run_id": cycle.run_id, "started_at": cycle.started_at.isoformat()}
    return Finding(title, facts, details)


def _success(cycle: Cycle) -> str:
    if cycle.end is None or cycle.end.symbols == 0:
        return "成功: 0銘柄(処理を始める前に失敗)"
    return f"成功: {cycle.end.symbols}銘柄中{cycle.end.succeeded}銘柄({percent_ja(cycle.success_share or 0.0, 1)})"


_FASTER = (
    "A shorter watch list, or `miraikakaku status` for a pause of the source; the next cycle catches up."
)
_SYMBOLS = "The run of the cycle names the symbols that failed and why; the next cycle asks for them again."
_HANGS = "Terminate the run in the web UI if its log stands still; the next cycle catches up from where the bars end."

CYCLE_RULES = (
    AlertRule[WatchedCycle](
        key="cycle/<universe>/slow",
        severities=(Severity.WARNING,),
        when="a cycle took longer than `MAX_PROCESSING_TIME`",
        over="a cycle is fast enough, or still slower",
        find=_slow,
        remedy=_FASTER,
    ),
    AlertRule[WatchedCycle](
        key="cycle/<universe>/very_slow",
        severities=(Severity.CRITICAL,),
        when="a cycle took more than twice `MAX_PROCESSING_TIME`",
        over="a cycle is faster",
        find=_very_slow,
        remedy=_FASTER,
        inhibits=("schedule/<universe>_cycle/missed", "schedule/<universe>_intraday/missed"),
    ),
    AlertRule[WatchedCycle](
        key="cycle/<universe>/some_failed",
        severities=(Severity.INFO,),
        when="fewer than `MIN_SUCCESS_RATE` of a cycle's symbols succeeded",
        over=f"they do, or fewer than {FEW * 100:.0f} % do",
        find=_some_failed,
        remedy=_SYMBOLS,
        inhibits=("run/<universe>_cycle_job/failed", "cycle/<universe>/errors"),
    ),
    AlertRule[WatchedCycle](
        key="cycle/<universe>/many_failed",
        severities=(Severity.WARNING,),
        when=f"fewer than {FEW * 100:.0f} % of a cycle's symbols succeeded",
        over="as many do",
        find=_many_failed,
        remedy=_SYMBOLS,
        inhibits=("run/<universe>_cycle_job/failed", "cycle/<universe>/errors"),
    ),
    AlertRule[WatchedCycle](
        key="cycle/<universe>/all_failed",
        severities=(Severity.CRITICAL,),
        when="`MAX_ERROR_COUNT` cycles in a row failed altogether",
        over="one does not",
        find=_all_failed,
        remedy="Look at the run of the newest cycle and at `miraikakaku status`: the source, the network "
        "or the database.",
        inhibits=(
            "cycle/<universe>/many_failed",
            "cycle/<universe>/errors",
            "run/<universe>_cycle_job/failed",
        ),
    ),
    AlertRule[WatchedCycle](
        key="cycle/<universe>/errors",
        severities=(Severity.WARNING,),
        when="`MAX_ERROR_COUNT` cycles in a row ended with an error, though some of their symbols succeeded",
        over="one ends without",
        find=_errors,
        remedy=_SYMBOLS,
        inhibits=("run/<universe>_cycle_job/failed",),
    ),
)
"""Rules about the newest cycle that ended."""

RUNNING_CYCLE_RULES = (
    AlertRule[WatchedCycle](
        key="cycle/<universe>/very_slow",
        severities=(Severity.CRITICAL,),
        when="a cycle has run for more than twice `MAX_PROCESSING_TIME`",
        over="a cycle ends that is faster",
        find=_running,
        remedy=_HANGS,
        inhibits=("schedule/<universe>_cycle/missed", "schedule/<universe>_intraday/missed"),
        judges=lambda watched: watched.too_long,
    ),
)
"""Rules about cycles that have not ended. Only those that end say that the trouble is over."""
