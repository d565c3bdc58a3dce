"""What is normal, what calls for caution and what is a danger, one table for health, alerts and documentation."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum

from miraikakaku_assets.domain.backups.retention import LONGEST_AGE
from miraikakaku_assets.domain.percent import in_percent
from miraikakaku_assets.domain.words import lasting


class Level(IntEnum):
    """How a figure is, in ascending order of trouble; `UNKNOWN` is no trouble, and no health either."""

    UNKNOWN = 0
    NORMAL = 1
    CAUTION = 2
    DANGER = 3

    @property
    def word(self) -> str:
        """As it is stored and printed, e.g. ``caution``."""
        return self.name.lower()


def worst(levels: Iterable[Level]) -> Level:
    """The worst of some levels; `Level.UNKNOWN` where none is known."""
    return max(levels, default=Level.UNKNOWN)


@dataclass(frozen=True)
class Threshold:
    """What is normal of one figure.

    Attributes:
        resource: Name of the figure, as it is stored and part of the keys of its alerts.
        title: What people call it.
        title_ja: The same in messages.
        unit: ``share`` (parts of 1), ``seconds`` or ``1`` (counted).
        caution: From here on it is not normal any more.
        danger: Above it is dangerous; exactly there it is not.
        remedy: What to do, one sentence.
        remedy_ja: The same in messages.
    """

    resource: str
    title: str
    title_ja: str
    unit: str
    caution: float
    danger: float
    remedy: str
    remedy_ja: str

    def level(self, value: float) -> Level:
        """The level of a value."""
        if value > self.danger:
            return Level.DANGER
        return Level.CAUTION if value >= self.caution else Level.NORMAL

    @property
    def bounds(self) -> tuple[str, str, str]:
        """Normal, caution and danger in words."""
        caution, danger = shown(self.caution, self.unit), shown(self.danger, self.unit)
        return f"below {caution}", f"{caution} to {danger}", f"above {danger}"


def shown(value: float | None, unit: str) -> str:
    """A value as people read it: per cent, seconds or a count; a dash where it is unknown."""
    if value is None:
        return "–"
    if unit == "share":
        return f"{in_percent(value, 1):g} %"
    if unit != "seconds":
        return f"{value:,.0f}"
    if value < 1:
        return f"{value * 1000:,.0f} ms"
    return f"{value:.3g} s" if value < _MINUTES else lasting(value)


_MINUTES = 100.0

CPU = Threshold(
    "cpu",
    "CPU",
    "CPU使用率",
    "share",
    0.70,
    0.85,
    "see what runs (`miraikakaku status`, `top`); leave it to end, or lower MAX_WORKERS and max_concurrent_runs",
    "実行中の処理を確認し(`miraikakaku status`、`top`)、終了を待つか並列数(MAX_WORKERSなど)を下げてください。",
)
MEMORY = Threshold(
    "memory",
    "memory",
    "メモリ使用率",
    "share",
    0.80,
    0.90,
    "see what holds it (`ps aux --sort=-%mem | head`); end or restart it before the kernel does",
    "`ps aux --sort=-%mem | head`で使用元を確認し、強制終了される前に停止または再起動してください。",
)
DISK = Threshold(
    "disk",
    "disk",
    "ディスク使用率",
    "share",
    0.85,
    0.95,
    "make room: old reports, backups and logs first, then EVENT_LOG_RETENTION_DAYS; PostgreSQL stops on a full disk",
    "古いレポート・バックアップ・ログを整理してください。ディスクが一杯になるとPostgreSQLは停止します。",
)
API_RESPONSE = Threshold(
    "api_response",
    "API response",
    "API応答時間",
    "seconds",
    2.0,
    5.0,
    "see whether the machine or the database is busy; restart `miraikakaku up` if neither is",
    "マシンとデータベースの負荷を確認し、どちらも正常なら`miraikakaku up`を再起動してください。",
)
DATABASE_CONNECTION = Threshold(
    "database_connection",
    "database connection",
    "データベース接続時間",
    "seconds",
    0.5,
    1.0,
    "see how many connections there are (asset operations/performance_review) and how busy its machine is",
    "接続数(アセット operations/performance_review)とサーバーの負荷を確認してください。",
)
SPECIFIED = (CPU, MEMORY, DISK, API_RESPONSE, DATABASE_CONNECTION)
"""The figures of the operations manual, with its bounds."""

HEARTBEAT = Threshold(
    "services",
    "services",
    "サービスの生存信号",
    "seconds",
    60.0,
    180.0,
    "look for the process and its log; start it again with `miraikakaku schedule` (or `up`)",
    "プロセスとログを確認し、`miraikakaku schedule`(または`up`)で再起動してください。",
)
DAEMON = Threshold(
    "daemon",
    "daemon",
    "スケジューラの生存信号",
    "seconds",
    120.0,
    300.0,
    "schedules and sensors do not run; start the daemon again with `miraikakaku schedule`",
    "スケジュールとセンサーが動いていません。`miraikakaku schedule`で再起動してください。",
)
QUEUE = Threshold(
    "queue",
    "run queue",
    "実行待ちのラン",
    "1",
    20.0,
    100.0,
    "see what the queue waits for on the page Runs; end what hangs",
    "Web UIのRunsページで待機理由を確認し、止まっているランを終了してください。",
)
NOTIFICATIONS = Threshold(
    "notifications",
    "notifications",
    "未配信の通知",
    "seconds",
    900.0,
    3600.0,
    "see which channel refuses (`miraikakaku status`, docs/notifications.md), and whether the sensor runs",
    "`miraikakaku status`で配信できないチャンネルを確認し、センサーnotificationsの状態を確認してください。",
)
BACKUP = Threshold(
    "backup",
    "newest backup",
    "最新のバックアップ",
    "seconds",
    LONGEST_AGE.total_seconds(),
    (LONGEST_AGE + timedelta(days=1)).total_seconds(),
    "run `miraikakaku backup`, and see why the schedule daily_backup did not",
    "`miraikakaku backup`を実行し、daily_backupが動かなかった原因を確認してください。",
)
OWN = (HEARTBEAT, DAEMON, QUEUE, NOTIFICATIONS, BACKUP)
"""Figures that the manual does not name; the bounds are this project's."""

THRESHOLDS = {threshold.resource: threshold for threshold in (*SPECIFIED, *OWN)}
"""Every threshold by its resource."""


def threshold_table(thresholds: Iterable[Threshold] = THRESHOLDS.values()) -> str:
    """Thresholds as a Markdown table."""
    head = ["| figure | of | normal | caution | danger |", "|---|---|---|---|---|"]
    rows = [
        f"| `{threshold.resource}` | {threshold.title} | {' | '.join(threshold.bounds)} |"
        for threshold in thresholds
    ]
    return "\n".join([*head, *rows])
