"""Command ``patterns``: stored signals, what came after them, and candlestick patterns."""

from datetime import UTC
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from miraikakaku_assets.bootstrap import Ports, ports
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.market.instruments import UNIVERSES, Universe, timeframe, universe
from miraikakaku_assets.domain.market.window import read_window
from miraikakaku_assets.domain.patterns.definitions import NAMES
from miraikakaku_assets.domain.percent import percent
from miraikakaku_assets.domain.words import named_in
from miraikakaku_assets.faces.cli.output import JSON_OPTION, console, print_json, show_line, show_table

if TYPE_CHECKING:
    import polars as pl

    from miraikakaku_assets.application.analysis.track_record_view import PatternsRequest

_WIDE = 120  # columns from which evidence fits beside the rest
_NO_ADVICE = "A record is no advice: none of the patterns had a significant edge when they were defined."


def add_commands(app: typer.Typer) -> None:
    """Adds the command to the application."""

    @app.command(short_help="Newest signals of patterns, and their track record.")
    def patterns(  # noqa: PLR0913 - one per option
        universe_name: Annotated[
            str, typer.Option("--universe", help=f"Whose signals; available: {', '.join(UNIVERSES)}.")
        ] = "fx",
        symbols: Annotated[str, typer.Option("--symbols", help="Comma-separated symbols; default all.")] = "",
        since: Annotated[str, typer.Option("--since", help="First date, YYYY-MM-DD; default all.")] = "",
        definition: Annotated[
            str, typer.Option("--definition", help=f"Of the patterns: {' or '.join(NAMES)}; default all.")
        ] = "",
        timeframe_name: Annotated[
            str, typer.Option("--timeframe", help="Of the bars for --candlesticks.")
        ] = "1d",
        limit: Annotated[int, typer.Option("--limit", min=0, help="Only the newest N rows; 0 = all.")] = 20,
        *,
        track_record: Annotated[
            bool, typer.Option("--track-record", help="Also what came after the signals of each pattern.")
        ] = False,
        candlesticks: Annotated[
            bool, typer.Option("--candlesticks", help="TA-Lib's candlestick patterns of stored bars instead.")
        ] = False,
        as_json: bool = JSON_OPTION,
    ) -> None:
        """Newest signals of the six patterns, their track record, or candlestick patterns."""
        # Polars takes 0.1 s to import, a third of what --help takes without it.
        from miraikakaku_assets.application.analysis.track_record_view import PatternsRequest

        if candlesticks and (track_record or definition):
            option = "--track-record" if track_record else "--definition"
            raise ConfigurationError(f"{option} goes with the six patterns, not with --candlesticks")
        chosen, length = universe(universe_name), timeframe(timeframe_name)
        request = PatternsRequest(
            chosen, named_in(symbols) or None, read_window(since, "", prefix="--")[0], definition or None
        )
        use = ports()
        if candlesticks:
            from miraikakaku_assets.application.analysis.track_record_view import stored_candlesticks

            seen = stored_candlesticks(request, length, use.stores.bars, limit)
            if as_json:
                print_json({"timeframe": length, "candlesticks": seen.to_dicts()})
            else:
                _show_candlesticks(chosen, length, seen)
            return
        _signals(request, use, limit, with_record=track_record, as_json=as_json)


def _signals(request: "PatternsRequest", use: Ports, limit: int, *, with_record: bool, as_json: bool) -> None:
    from miraikakaku_assets.application.analysis.track_record_view import records_of, stored_signals

    signals = stored_signals(request, use.stores.analysis)
    shown = signals.head(limit) if limit else signals
    record = records_of(request.universe, signals, use.stores.analysis, use.clock()) if with_record else None
    if as_json:
        document: dict[str, Any] = {
            "stored": signals.height,
            "signals": [_read(row) for row in shown.to_dicts()],
        }
        if record is not None:
            document["track_record"] = record.to_dicts()
        print_json(document)
        return
    if signals.is_empty():
        show_line(
            f"{request.universe.name}: no such signal is stored; signals come with "
            f"`miraikakaku analyze --universe {request.universe.name}` from 5-minute and daily bars"
        )
        return
    _show_signals(request.universe, signals.height, shown)
    if record is not None:
        _show_record(record)


def _read(row: dict[str, Any]) -> dict[str, Any]:
    """JSON columns as what they say instead of as text."""
    import json

    return {
        name: json.loads(value) if name in ("evidence", "track_record") and isinstance(value, str) else value
        for name, value in row.items()
    }


def _zone(chosen: Universe) -> tuple[str, ZoneInfo]:
    """In which clock times are shown: Tokyo's, but the exchange's for shares of other countries."""
    name = "Asia/Tokyo" if chosen.currency in (None, "JPY") else chosen.time_zone
    return ("JST" if name == "Asia/Tokyo" else name), ZoneInfo(name)


def _show_signals(chosen: Universe, stored: int, shown: "pl.DataFrame") -> None:
    from miraikakaku_assets.application.analysis.track_record_view import evidence_in_short

    name, zone = _zone(chosen)
    rows = [
        (
            f"{row['at'].astimezone(zone):%Y-%m-%d %H:%M}",
            row["symbol"],
            f"{row['pattern']} {row['name_ja']}",
            row["direction"],
            row["definition"],
            f"{row['close']:,.6g}",
            evidence_in_short(row["evidence"]),
        )
        for row in shown.to_dicts()
    ]
    columns = (f"known at ({name})", "symbol", "pattern", "side", "by", "price", "evidence")
    title = f"{chosen.name} signals, newest first"
    if stored != len(rows):
        title = f"{title}: {len(rows):,} of {stored:,}"
    _show_as_wide(title, columns, rows, "the evidence")


def _show_record(record: "pl.DataFrame") -> None:
    rows = [
        (
            f"{row['pattern']} {row['direction']} ({row['definition']})",
            row["signals"],
            row["n"],
            row["days"],
            percent(row["hit_rate"]),
            "–" if row["low"] is None else f"{percent(row['low'])} to {percent(row['high'])}",
            _signed(row["mean"]),
            " ".join(_signed(value, 1) for value in row["last_ten"]) or "–",
        )
        for row in record.to_dicts()
    ]
    columns = (
        "pattern",
        "signals",
        "n",
        "days",
        "hits",
        "95 % interval",
        "mean %",
        "last ten %, newest last",
    )
    horizon = record["horizon"][0]
    _show_as_wide(f"what came after them: outcome over the {horizon}", columns, rows, "the last ten outcomes")
    by_words: dict[str, list[str]] = {}
    for row in record.to_dicts():
        by_words.setdefault(row["adjustment"], []).append(f"{row['pattern']} {row['direction']}")
    for words, sides in by_words.items():
        whose = f" of {', '.join(sides)}" if len(by_words) > 1 else ""
        show_line(f"adjustment{whose}: {words}")
    show_line(_NO_ADVICE)


def _show_as_wide(title: str, columns: tuple[str, ...], rows: list[tuple[Any, ...]], last: str) -> None:
    """The table; on a narrow screen without its last column, which would break all the others."""
    if console.width >= _WIDE:
        show_table(title, columns, rows)
    else:
        show_table(title, columns[:-1], [row[:-1] for row in rows])
        show_line(f"(a screen of {_WIDE} columns, or --json, has {last} as well)")


def _signed(share: float | None, digits: int = 2) -> str:
    return "–" if share is None else f"{share * 100:+.{digits}f}"


def _show_candlesticks(chosen: Universe, length: str, candlesticks: "pl.DataFrame") -> None:
    name, zone = _zone(chosen)
    is_day = length in ("1d", "1w", "1mo")
    clock = ZoneInfo(chosen.time_zone) if is_day else zone
    rows = [
        (
            f"{row['ts'].replace(tzinfo=UTC).astimezone(clock):{'%Y-%m-%d' if is_day else '%Y-%m-%d %H:%M'}}",
            row["symbol"],
            row["pattern"],
            row["direction"],
            row["strength"],
        )
        for row in candlesticks.to_dicts()
    ]
    columns = ("session" if is_day else f"bar of ({name})", "symbol", "candlestick", "direction", "strength")
    show_table(f"{chosen.name} {length}: candlestick patterns, newest first", columns, rows)
