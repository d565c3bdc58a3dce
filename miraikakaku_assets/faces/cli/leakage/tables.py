"""How the self-tests say what they have found."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import typer

from miraikakaku_assets.domain.errors import WorkFellShortError
from miraikakaku_assets.domain.market.instruments import Universe
from miraikakaku_assets.domain.percent import percent
from miraikakaku_assets.domain.words import counted
from miraikakaku_assets.faces.cli.output import fail, print_json, show_line, show_table, utc_minute

if TYPE_CHECKING:
    from miraikakaku_assets.application.leakage.bar_inputs import BarInputs
    from miraikakaku_assets.application.leakage.check_universe import LookedAhead

_SHOWN = 20  # differences that are printed
_IN_JSON = 1_000  # differences that a JSON document lists


def show_refused(origin: "BarInputs", *, as_json: bool) -> None:
    """Says which rows of a file were left out, and by which rules."""
    for file, rules in getattr(origin, "refused", {}).items():
        if rules and not as_json:
            counted = ", ".join(f"{rows:,} {rule}" for rule, rows in rules.items())
            show_line(f"{file}: rows left out by the rules of every delivery: {counted}")


def end_look_ahead(result: "LookedAhead", *, as_json: bool) -> None:
    """Shows what was found.

    Raises:
        WorkFellShortError: A value knew the future.
    """
    differences = result.differences
    if as_json:
        print_json(
            {
                "succeeded": differences.is_empty(),
                "tested": result.title,
                "symbols": result.symbols,
                "moments": result.moments,
                "compared": result.values,
                "compared_by_value": dict(result.compared),
                "signals": result.signals,
                "differing": differences.height,
                "differences": differences.head(_IN_JSON).to_dicts(),
            }
        )
    else:
        heading = f"{result.title} of {', '.join(result.symbols)}"
        also = f", {counted(result.signals, 'signal')} among them" if result.signals is not None else ""
        if differences.is_empty():
            show_line(
                f"{heading}: same answer at {counted(result.moments, 'moment')}, "
                f"{counted(result.values, 'value')} compared{also}"
            )
        else:
            _show_differences(differences)
    if not differences.is_empty():
        raise WorkFellShortError(
            f"{result.title}: {differences.height:,} of {result.values:,} values are not what they were when the "
            "future was not known; do not trust what was learned from them"
        )


def _show_differences(differences: Any) -> None:
    rows = [_difference(row) for row in differences.head(_SHOWN).iter_rows(named=True)]
    more = differences.height - len(rows)
    title = "values that knew the future" + (f", and {more:,} more (--json has them)" if more else "")
    show_table(title, ("value", "of (UTC)", "computed at", "known then", "with hindsight"), rows)


def _difference(row: Mapping[str, Any]) -> tuple[str | None, ...]:
    """What is not what it was: of which symbol and bar, at which moment, and both values, as short as they differ."""
    what = [row["symbol"], row.get("of"), row.get("side"), row["column"]]
    then, now = row["then"], row["now"]
    digits = next((n for n in (6, 10, 17) if _number(then, n) != _number(now, n)), 17)
    return (
        " ".join(part for part in what if part),
        utc_minute(row["ts"]),
        utc_minute(row["moment"]),
        _number(then, digits),
        _number(now, digits),
    )


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}g}"


def end_warm_up(title: str, symbols: list[str], rows: list[dict[str, Any]], *, as_json: bool) -> None:
    """Shows what was measured, and ends the command with 1 if a warm-up in force is too short."""
    short = [row for row in rows if row["verdict"] == "too short"]
    if as_json:
        print_json({"succeeded": not short, "tested": title, "symbols": symbols, "values": rows})
    else:
        _show_warm_up(title, symbols, rows)
    for row in short:
        where = f" on {row['timeframe']}" if "timeframe" in row else ""
        settled = row["settled_after"]
        fail(
            f"{row['value']}{where} still depends on where the history begins "
            + (f"until bar {settled:,}" if settled else "at the end of the bars")
            + f", and is in force from bar {row['in_force']:,} on"
            if row["in_force"]
            else f"{row['value']}{where} never stops depending on where the history begins"
        )
    if short:
        raise typer.Exit(1)


def _show_warm_up(title: str, symbols: list[str], rows: list[dict[str, Any]]) -> None:
    heading = f"{title} of {', '.join(symbols)}: bars until the start of the history is no longer felt"
    extra = [
        name for name in ("timeframe", "ties") if rows and name in rows[0] and any(r[name] for r in rows)
    ]
    columns = ("value", *extra[:1], "values compared", "settled after", "in force from", *extra[1:], "")
    shown = [
        (
            row["value"],
            *(row[name] for name in extra[:1]),
            row["compared"],
            row["settled_after"],
            row["in_force"],
            *(row[name] for name in extra[1:]),
            row["verdict"],
        )
        for row in rows
    ]
    show_table(heading, columns, shown)


def show_gap(chosen: Universe, rows: list[dict[str, Any]], total: dict[str, Any]) -> None:
    """Shows the gap of each symbol and of all."""
    shown = [
        (
            row["symbol"],
            row["sessions"],
            percent(row["volume_share"]),
            percent(row["close_equal"]),
            percent(row["open_equal"]),
            percent(row["range_equal"]),
            percent(row["close_gap"]),
        )
        for row in rows
    ]
    columns = ("symbol", "sessions", "volume share", "same close", "same open", "same range", "close gap")
    show_table(
        f"{chosen.name}: 5-minute bars of a session put together, beside its daily bar", columns, shown
    )
    show_line(
        f"all: {counted(total['sessions'], 'session')}; median volume share {percent(total['volume_share'])}; last "
        f"5-minute close equals the daily close on {percent(total['close_equal'])} of them, median distance "
        f"{percent(total['close_gap'])}"
    )
