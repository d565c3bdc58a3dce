"""Tables of the copper curve."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from miraikakaku_assets.domain.percent import percent
from miraikakaku_assets.domain.words import counted
from miraikakaku_assets.faces.cli.output import show_line, show_table

if TYPE_CHECKING:
    from miraikakaku_assets.application.copper.curve_view import ComexView, CurveView, SpreadView, StockView

_REGIMES = 5


def show_curve_totals(done: Mapping[str, Any]) -> None:
    """What a collection of the curve has stored."""
    rows = [
        ("inserted", done["quotes_inserted"]),
        ("restated", done["quotes_restated"]),
        ("unchanged", done["quotes_unchanged"]),
        *((f"refused: {rule}", count) for rule, count in sorted(done["refused"].items())),
    ]
    title = f"copper curve of {done['as_of']}: {counted(done['contracts'], 'contract')}"
    show_table(title, ("quotes", ""), rows)
    for contract, why in done["lost"].items():
        show_line(f"  {contract}: {why}")


def show_curve(view: "CurveView") -> None:
    """The curve, its spread, its contract months, its stock."""
    rows = [
        (
            point.contract,
            str(point.session),
            f"{point.price:,.4f}" if point.unit == "USD/lb" else f"{point.price:,.2f}",
            point.unit,
            "–" if point.usd_per_tonne is None else f"{point.usd_per_tonne:,.1f}",
            "–" if point.volume is None else f"{point.volume:,}",
            str(point.expires or "–"),
        )
        for point in view.points
    ]
    columns = ("contract", "session", "price", "unit", "USD/t", "volume", "expires")
    show_table(f"copper curve of {view.as_of}", columns, rows)
    if view.spread is not None:
        _show_spread(view.spread)
    if view.comex is not None:
        _show_comex(view.comex)
    if view.stocks is not None:
        _show_stocks(view.stocks)
    spans = [
        (span.regime.value, str(span.since), str(span.until), span.sessions)
        for span in view.regimes[:_REGIMES]
    ]
    if spans:
        show_table("shape of the LME's curve", ("regime", "since", "until", "sessions"), spans)


def _show_spread(spread: "SpreadView") -> None:
    show_line(f"LME cash over three months: {spread.spread:+,.2f} USD/t on {spread.session}")
    show_line(f"  {spread.regime} since {spread.since} ({counted(spread.regime_sessions, 'session')})")
    show_line(
        f"  above {percent(spread.percentile)} of {counted(spread.sessions, 'session')} "
        f"({spread.least:+,.1f} to {spread.greatest:+,.1f})"
    )
    show_line(f"  backwardation on {percent(spread.backwardation_share)} of them")
    show_line(f"  roll yield {spread.roll_yield * 100:+.2f} % a year")


def _show_comex(comex: "ComexView") -> None:
    back = f", then {comex.back}" if comex.back else ""
    show_line(f"COMEX: most volume in {comex.front}{back}")
    if comex.slope is not None:
        show_line(f"  slope {comex.slope * 100:+.2f} % a year along the curve")
    if comex.roll_yield is not None:
        show_line(f"  roll yield {comex.roll_yield * 100:+.2f} % a year")
    if comex.over_lme is not None:
        show_line(f"  {comex.over_lme:+,.1f} USD/t over LME three months")
    if comex.rolls:
        newest = comex.rolls[0]
        show_line(f"  volume moved from {newest.left} to {newest.entered} on {newest.session}")


def _show_stocks(stocks: "StockView") -> None:
    changes = [
        f"{change:+,.0f} t in {counted(sessions, 'session')}"
        for sessions, change in ((1, stocks.change_1), (20, stocks.change_20))
        if change is not None
    ]
    show_line(f"LME stock: {stocks.tonnes:,.0f} t on {stocks.session}")
    if changes:
        show_line(f"  {', '.join(changes)}")
