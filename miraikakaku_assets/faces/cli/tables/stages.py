"""What people see of a stage that is done."""

from collections.abc import Callable, Mapping
from typing import Any

from rich.markup import escape

from miraikakaku_assets.domain.percent import percent
from miraikakaku_assets.domain.words import counted
from miraikakaku_assets.faces.cli.copper.tables import show_curve_totals
from miraikakaku_assets.faces.cli.output import console, show_line, show_table
from miraikakaku_assets.faces.cli.tables.forecasts import (
    show_fan,
    show_predictions,
    show_replay,
    show_scores,
    show_training,
)
from miraikakaku_assets.faces.cli.tables.quality import show_quality

_VERDICTS = {
    "ok": "done",
    "no_new_data": "without news",
    "never_delivered": "without a bar at the source, now or ever",
    "reused": "collected already by another attempt since the last close",
    "delisted": "delisted, not asked for",
    "not_in_master": "in no master",
    "not_on_source": "unknown to the source",
    "up_to_date": "up to date",
    "no_bars": "without stored bars",
}
"""What became of symbols (`SymbolOutcome`, `SymbolAnalysis`)."""


def show_stage(stage: str, done: Mapping[str, Any]) -> None:
    """Shows the numbers of a stage, if it came as far as having any."""
    if "unknown" in done:
        unknown = f"{counted(done['symbols'], 'symbol')} in no master: {', '.join(done['unknown'])}"
        show_line(f"{done['universe']} {stage}: {unknown}")
        return
    figure, show = _SHOWN.get(stage, ("", None))
    if show is not None and figure in done:
        show(done)


def _predictions(done: Mapping[str, Any]) -> None:
    show_predictions(done)
    show_fan(done.get("forecasts", ()))
    show_replay(done)


def _review(done: Mapping[str, Any]) -> None:
    show_line(f"{done['period']} review: {done['page']}")
    for remark in done["remarks"]:
        show_line(f"  {remark}")


def _prices(done: Mapping[str, Any]) -> None:
    rules = done.get("quarantined_by_rule") or {}
    rows = [
        ("read", done["rows_read"]),
        ("= inserted", done["inserted"]),
        ("+ restated", done["restated"]),
        ("+ unchanged", done["unchanged"]),
        ("+ quarantined", done["quarantined"]),
        *((f"    {rule}", count) for rule, count in sorted(rules.items(), key=lambda item: -item[1])),
    ]
    kind = "" if done["collected"] == "1d" else f" of {done['collected']}"
    show_table(f"{done['universe']} prices{kind}: {counted(done['symbols'], 'symbol')}", ("rows", ""), rows)
    if done.get("reconsidered"):
        show_line(f"stored bars let out of quarantine or flagged anew: {done['reconsidered']:,}")
    for bar, why in (done.get("withdrawn_bars") or {}).items():
        show_line(f"stored bar withdrawn: {bar}, {why}")
    _verdicts(done)
    for sentence in (done.get("first_failures") or {}).values():
        show_line(f"  {sentence}")


def _master(done: Mapping[str, Any]) -> None:
    counts = ("listed", "added", "updated", "removed", "returned", "unchanged")
    title = f"{done['universe']} master, list of {done['list_date']}"
    show_table(title, ("issues", *counts[1:]), [[done[count] for count in counts]])


def _analysis(done: Mapping[str, Any]) -> None:
    if not done["symbols"]:
        show_line(f"{done['universe']} analysis: no {done['collected']} bars are stored, so nothing is due")
        return
    title = f"{done['universe']} analysis of {done['collected']} bars: {counted(done['symbols'], 'symbol')}"
    if not (set(done["verdicts"]) - {"up_to_date", "no_bars"}):
        show_line(f"{title}, nothing was due")
        return
    rows = [
        *((f"{timeframe} bars", count) for timeframe, count in done["bars"].items()),
        *((f"{timeframe} indicators", count) for timeframe, count in done["indicators"].items()),
        ("new signals", done["new_signals"]),
    ]
    show_table(title, ("rows written", ""), rows)
    _verdicts(done)


def _coverage(done: Mapping[str, Any]) -> None:
    share = f"{percent(done['coverage'])} of {done['denominator']}"
    console.print(f"[bold]{done['universe']} coverage[/] {share}", soft_wrap=True)
    if done["below_threshold"] != "none":
        console.print(f"[yellow]below the threshold:[/] {escape(done['below_threshold'])}", soft_wrap=True)
    show_line(f"report: {done['report']}")


def _monitor(done: Mapping[str, Any]) -> None:
    rows = [(name, percent(share), done["missing_bars"][name]) for name, share in done["coverage"].items()]
    show_table("coverage of everything that is collected", ("universe", "coverage", "bars missing"), rows)
    if done["floors"]:
        show_line("issues: " + ", ".join(f"{count:,} {name}" for name, count in done["floors"].items()))
    for name in done["damaged_reports"]:
        show_line(f"damaged report: {name}")
    show_line(f"report: {done['report']}")
    show_line(f"page: {done['page']}")


def _repair(done: Mapping[str, Any]) -> None:
    title = f"{done['universe']} repair of {done['timeframe']} bars: {counted(done['gaps'], 'gap')}"
    if skipped := done["skipped"]:
        causes = ", ".join(f"{count:,} {cause}" for cause, count in skipped.items())
        show_line(f"left alone, no request is expected to fill them (--force asks): {causes}")
    if not done["gaps"]:
        show_line(f"{title}: nothing is missing that a request may fill")
        return
    show_table(
        title, ("outcome", "gaps"), [(name, count) for name, count in done["outcomes"].items() if count]
    )
    show_line(f"bars missing: {done['missing_before']:,} before, {done['missing_after']:,} now")
    for line in done["first_gaps"]:
        show_line(f"  {line}")
    if done["gaps"] > len(done["first_gaps"]):
        show_line(f"  and {done['gaps'] - len(done['first_gaps']):,} more in table coverage_repairs")


def _verdicts(done: Mapping[str, Any]) -> None:
    verdicts = sorted((done.get("verdicts") or {}).items(), key=lambda item: -item[1])
    show_line("symbols: " + ", ".join(_verdict(*verdict) for verdict in verdicts))


def _verdict(verdict: str, symbols: int) -> str:
    """So many symbols with a verdict, in words; the kind of an error speaks for itself."""
    return f"{symbols:,} {_VERDICTS.get(verdict) or 'failed: ' + verdict.replace('_', ' ')}"


_SHOWN: Mapping[str, tuple[str, Callable[[Mapping[str, Any]], None]]] = {
    "prices": ("rows_read", _prices),
    "curve": ("contracts", show_curve_totals),
    "master": ("added", _master),
    "analysis": ("bars", _analysis),
    "training": ("models", show_training),
    "predictions": ("made", _predictions),
    "scores": ("new_outcomes", show_scores),
    "quality": ("rules", show_quality),
    "coverage": ("coverage", _coverage),
    "coverage_report": ("shortfalls", _monitor),
    "review": ("remarks", _review),
    "repair": ("outcomes", _repair),
}
"""Stage → a figure that it has once it has any, and what shows it."""
