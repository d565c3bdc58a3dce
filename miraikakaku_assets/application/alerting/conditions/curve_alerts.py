"""Rules about the copper curve: its shape has changed, or an exchange sends no prices any more."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import polars as pl

from miraikakaku_assets.application.alerting.alert_rule import AlertRule, Evaluation, Finding, evaluate
from miraikakaku_assets.application.ports.copper import CurveStore
from miraikakaku_assets.application.ports.notices import Severity
from miraikakaku_assets.domain.copper.curve import Regime, RegimeSpan, regime_spans, spreads
from miraikakaku_assets.domain.market.instruments import COPPER
from miraikakaku_assets.domain.market.sessions import session_table
from miraikakaku_assets.domain.market.universes.copper import COMEX, LME

SCHEDULE = "copper_curve"
SILENT_SESSIONS = 2
NEWS_SESSIONS = 5
"""So many sessions a change of shape is news."""
STEADY_SESSIONS = 5
"""A shape that lasted for fewer sessions was none: the spread went to and fro around nothing."""
LOOK_BACK = timedelta(days=180)
COLLECTED_WITHIN = timedelta(hours=24)
"""After the prices of a day became known: London's of the day before are collected at 07:00 in Tokyo."""
_NAMES = {
    Regime.BACKWARDATION: "バックワーデーション",
    Regime.CONTANGO: "コンタンゴ",
    Regime.FLAT: "フラット",
}


@dataclass(frozen=True)
class CurveShape:
    """The newest shape of the LME's curve.

    Attributes:
        newest: The run of sessions it has lasted.
        before: The newest steady run of another shape before it; None without one.
        spread: Cash over three months on the newest session, USD/t.
    """

    newest: RegimeSpan
    before: RegimeSpan | None
    spread: float

    @property
    def labels(self) -> dict[str, str]:
        """The universe."""
        return {"universe": COPPER.name}


@dataclass(frozen=True)
class ExchangeQuotes:
    """The newest quotes of an exchange of which there are some.

    Attributes:
        exchange: ``LME`` or ``COMEX``.
        newest: Their session.
        missing: Later sessions whose quotes should have been collected by now.
    """

    exchange: str
    newest: date
    missing: tuple[date, ...]

    @property
    def labels(self) -> dict[str, str]:
        """Universe and exchange."""
        return {"universe": COPPER.name, "exchange": self.exchange}


def curve_evaluations(store: CurveStore, since: datetime | None, now: datetime) -> Iterator[Evaluation]:
    """What the rules say of the stored curve; nothing while there is none.

    Args:
        store: Holds the quotes.
        since: When the schedule of the curve was turned on (UTC): nobody misses earlier sessions. None: it is off.
        now: The moment (UTC).
    """
    quotes = store.quotes((now - LOOK_BACK).date())
    history = spreads(quotes)
    if not history.is_empty():
        spans = regime_spans(history)
        steady = [span for span in spans[:-1] if span.sessions >= STEADY_SESSIONS]
        shape = CurveShape(spans[-1], steady[-1] if steady else None, history["spread"][-1])
        yield from evaluate(SHAPE_RULES, [shape])
    newest = store.newest()
    for name, calendar, own in (
        ("LME", LME.calendar, [day for contract, day in newest.items() if LME.holds(contract)]),
        ("COMEX", COMEX.calendar, [day for contract, day in newest.items() if contract.endswith(".CMX")]),
    ):
        if own:
            missing = _missing(calendar, max(own), since, now)
            yield from evaluate(SILENCE_RULES, [ExchangeQuotes(name, max(own), missing)])


def _missing(calendar: str, newest: date, since: datetime | None, now: datetime) -> tuple[date, ...]:
    if since is None:
        return ()
    due = now.astimezone(UTC) - COLLECTED_WITHIN
    over = pl.col("closes").is_between(since.astimezone(UTC), due)
    return tuple(session_table(calendar).filter(pl.col("session") > newest, over)["session"])


def _changed(shape: CurveShape) -> Finding | None:
    newest, before = shape.newest, shape.before
    if before is None or before.regime is newest.regime or newest.sessions > NEWS_SESSIONS:
        return None
    lines = [
        f"ユニバース: {COPPER.name}",
        f"現物と3ヶ月先物の差: {shape.spread:+,.2f} USD/t",
        f"{_NAMES[newest.regime]}: {newest.since}から{newest.sessions}営業日",
        f"それまで: {_NAMES[before.regime]}({before.since}から{before.until}まで{before.sessions}営業日)",
    ]
    details = {"regime": newest.regime.value, "since": str(newest.since), "spread": shape.spread}
    return Finding(f"銅のカーブが{_NAMES[newest.regime]}に変わりました", lines, details)


def _silent(quotes: ExchangeQuotes) -> Finding | None:
    if len(quotes.missing) < SILENT_SESSIONS:
        return None
    lines = [
        f"取引所: {quotes.exchange}",
        f"最新の価格: {quotes.newest}",
        f"その後の立会日: {'、'.join(map(str, quotes.missing[:NEWS_SESSIONS]))}",
    ]
    details = {"newest": str(quotes.newest), "missing": [str(session) for session in quotes.missing]}
    return Finding(
        f"銅の新しい価格が{len(quotes.missing)}営業日ありません: {quotes.exchange}", lines, details
    )


SHAPE_RULES = (
    AlertRule[CurveShape](
        key="curve/<universe>/regime_changed",
        severities=(Severity.INFO,),
        when="the LME's curve has passed from contango to backwardation or back within the last "
        f"{NEWS_SESSIONS} sessions, after {STEADY_SESSIONS} sessions or more of the other shape",
        over=f"the new shape is older than {NEWS_SESSIONS} sessions, or was given up",
        find=_changed,
        remedy="Nothing is broken; `miraikakaku copper` shows the curve, its spread and the stock.",
    ),
)
"""Rules about the shape of the curve."""

SILENCE_RULES = (
    AlertRule[ExchangeQuotes](
        key="curve/<universe>/<exchange>/no_data",
        severities=(Severity.CRITICAL,),
        when=f"{SILENT_SESSIONS} sessions or more of an exchange were held, whose prices became known "
        f"{COLLECTED_WITHIN.days * 24} hours ago, and none of them is stored",
        over="a newer price is stored, or the schedule `copper_curve` is turned off",
        find=_silent,
        remedy="`miraikakaku collect --universe copper` says what its source answers; the LME's prices may also be "
        "dropped as files (`LME_PRICE_SOURCE=files`).",
    ),
)
"""Rules about the exchanges of the curve."""
