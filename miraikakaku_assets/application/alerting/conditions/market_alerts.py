"""Rules about masters, coverage and forecasts of a universe, as far as they are about whether there are any."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from miraikakaku_assets.application.alerting.alert_rule import AlertRule, Finding
from miraikakaku_assets.application.ports.notices import Severity
from miraikakaku_assets.domain.percent import percent_ja
from miraikakaku_assets.domain.tokyo_time import jst

COVERAGE_AGE = timedelta(hours=13)
"""Coverage is checked every six hours: two checks were left out."""
FORECAST_GRACE = timedelta(hours=4)
"""From the end of a collection to the forecasts that follow it, a first training included."""
ETF_LIST = "etf"
"""Name under which the exchange-traded funds of all universes are counted together."""
_ETF = "etf"  # security type


@dataclass(frozen=True)
class ListedIssues:
    """How many issues are listed, of lists that are there.

    Attributes:
        list_name: A universe, or `ETF_LIST`.
        issues: How many its list holds.
        least: How many it should.
        universe: The universe; None if there are several.
    """

    list_name: str
    issues: int
    least: int
    universe: str | None = None

    @property
    def labels(self) -> dict[str, str]:
        """Name of the list, and the universe if it is one."""
        return {"list": self.list_name} | ({} if self.universe is None else {"universe": self.universe})


@dataclass(frozen=True)
class Segment:
    """The coverage of a segment of a universe at the newest check.

    Attributes:
        universe: Name of the universe.
        row: A row of `coverage_reports`.
    """

    universe: str
    row: Mapping[str, Any]

    @property
    def labels(self) -> dict[str, str]:
        """Universe and segment."""
        return {"universe": self.universe, "segment": str(self.row["segment"])}


@dataclass(frozen=True)
class CoverageAge:
    """When the coverage of a universe was checked last.

    Attributes:
        universe: Name of the universe.
        checked_at: When.
        since: When the schedule of the checks was turned on; None while it is off.
        now: The moment.
    """

    universe: str
    checked_at: datetime
    since: datetime | None
    now: datetime

    @property
    def labels(self) -> dict[str, str]:
        """The universe."""
        return {"universe": self.universe}


@dataclass(frozen=True)
class ForecastState:
    """Whether the newest bars of a universe were forecast from, of a universe that has models.

    Attributes:
        universe: Name of the universe.
        newest_bars: The newest session of which bars are stored.
        is_forecast: Whether anything was forecast from it or a later one.
        collected_at: When the newest collection ended.
        is_due: Whether a schedule that is on collects and forecasts it.
        now: The moment.
    """

    universe: str
    newest_bars: date
    is_forecast: bool
    collected_at: datetime
    is_due: bool
    now: datetime

    @property
    def labels(self) -> dict[str, str]:
        """The universe."""
        return {"universe": self.universe}


def listed_issues(
    listed: Mapping[str, Mapping[str, int]], least: Mapping[str, int], least_etfs: int
) -> Iterator[ListedIssues]:
    """The lists that are there, each against its floor, and the exchange-traded funds of all of them together.

    Args:
        listed: Universe → security type → issues; empty where there is no list yet.
        least: Universe with a published list → issues that it should hold, funds among them.
        least_etfs: Funds that the lists should hold together.
    """
    there = {universe: types for universe, types in listed.items() if universe in least and types}
    for universe, types in there.items():
        yield ListedIssues(universe, sum(types.values()), least[universe], universe)
    if there and there.keys() == least.keys():  # with one list only, nothing can be said about both
        yield ListedIssues(ETF_LIST, sum(types.get(_ETF, 0) for types in there.values()), least_etfs)


def segments(universe: str, rows: Sequence[Mapping[str, Any]]) -> Iterator[Segment]:
    """Segments of which something was expected."""
    return (Segment(universe, row) for row in rows if row["coverage"] is not None)


def _below_floor(listed: ListedIssues) -> Finding | None:
    if listed.issues >= listed.least:
        return None
    what = "ETF(全市場)" if listed.list_name == ETF_LIST else listed.list_name
    lines = [f"リスト: {what}", f"銘柄数: {listed.issues:,}", f"下限: {listed.least:,}"]
    details = {"issues": listed.issues, "at_least": listed.least}
    return Finding(f"銘柄数が下限を下回りました: {what}", lines, details)


def _below_threshold(segment: Segment) -> Finding | None:
    row = segment.row
    if row["coverage"] >= row["threshold"]:
        return None
    name = f"{segment.universe} {row['segment']}"
    lines = [
        f"ユニバース: {segment.universe}",
        f"区分: {row['segment']}",
        f"カバレッジ: {percent_ja(row['coverage'], 2)}(下限 {percent_ja(row['threshold'], 1)})",
        f"日足: {row['stored_bars']:,} / {row['expected_bars']:,}",
        f"欠損のない銘柄: {row['complete_instruments']:,} / {row['instruments']:,}",
        f"レポート: {row['report_file']}",
    ]
    details = {"coverage": row["coverage"], "threshold": row["threshold"], "segment": row["segment"]}
    return Finding(f"カバレッジが{percent_ja(row['threshold'])}を下回りました: {name}", lines, details)


def _stale(age: CoverageAge) -> Finding | None:
    if age.since is None or age.now - max(age.checked_at, age.since) <= COVERAGE_AGE:
        return None
    lines = [f"ユニバース: {age.universe}", f"前回の確認: {jst(age.checked_at)}"]
    details = {"checked_at": age.checked_at.isoformat()}
    return Finding(f"カバレッジが確認されていません: {age.universe}", lines, details)


def _not_forecast(state: ForecastState) -> Finding | None:
    if not state.is_due or state.is_forecast:
        return None
    if state.now - state.collected_at <= FORECAST_GRACE:
        return None
    lines = [
        f"ユニバース: {state.universe}",
        f"最新の日足: {state.newest_bars}",
        f"収集の終了: {jst(state.collected_at)}",
    ]
    details = {"newest_bars": str(state.newest_bars)}
    return Finding(f"予測が作られていません: {state.universe} {state.newest_bars}", lines, details)


MASTER_RULES = (
    AlertRule[ListedIssues](
        key="master/<list>/floor",
        severities=(Severity.CRITICAL,),
        when="a list in force holds fewer issues than `MIN_JAPANESE_STOCKS` or `MIN_US_STOCKS`, or all lists together "
        "(`etf`) fewer exchange-traded funds than `MIN_ETFS`",
        over="it holds as many",
        find=_below_floor,
        remedy="Look at the newest list in the state folder's `masters/`; read it anew with "
        "`miraikakaku master update`, or lower the floor if the market has shrunk.",
        inhibits=("check/<list>/coverage/enough_issues/failed",),
    ),
)
"""Rules about the lists of issues."""

COVERAGE_RULES = (
    AlertRule[Segment](
        key="coverage/<universe>/<segment>/below",
        severities=(Severity.WARNING,),
        when="at the newest check a segment held a smaller share of its expected bars than `COVERAGE_ALERT_THRESHOLD`",
        over="a check finds enough",
        find=_below_threshold,
        remedy="The report that the message names has the cause of every gap; `miraikakaku collect --universe U "
        "--since D` asks again for what the source can still have.",
        inhibits=("check/<universe>/coverage/above_threshold/failed",),
    ),
)
"""Rules about the newest coverage."""

COVERAGE_AGE_RULES = (
    AlertRule[CoverageAge](
        key="coverage/<universe>/stale",
        severities=(Severity.WARNING,),
        when=f"the schedule is on and coverage was not checked for {COVERAGE_AGE.seconds // 3600} hours",
        over="it is checked, or the schedule is turned off",
        find=_stale,
        remedy="Run `coverage_check_job`, and read the run that failed or waits.",
    ),
)
"""Rules about the age of coverage."""

FORECAST_RULES = (
    AlertRule[ForecastState](
        key="forecast/<universe>/missing",
        severities=(Severity.WARNING,),
        when=f"a session has bars, its collection ended more than {FORECAST_GRACE.seconds // 3600} hours ago, and "
        "nothing was forecast from it or a later one",
        over="it, or a later one, is forecast",
        find=_not_forecast,
        remedy="`miraikakaku predict --universe U`; the run of `U_prediction_job` says why it did not.",
    ),
)
"""Rules about sessions that were not forecast."""
