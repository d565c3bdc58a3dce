"""Commands ``import`` and ``export``: bars from files and into files."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from miraikakaku_assets.bootstrap import ports, whole_file
from miraikakaku_assets.domain.errors import ConfigurationError, InputFileError, WorkFellShortError
from miraikakaku_assets.domain.market.instruments import (
    UNIVERSES,
    Timeframe,
    Universe,
    collected_timeframe,
    timeframe,
    universe,
)
from miraikakaku_assets.domain.words import counted, named_in
from miraikakaku_assets.faces.cli.output import JSON_OPTION, fail, print_json, show_line, show_table
from miraikakaku_assets.faces.cli.window import SinceOption, UntilOption, option_window

if TYPE_CHECKING:
    from miraikakaku_assets.application.collection.report import CollectionReport

UniverseOption = Annotated[
    str, typer.Option("--universe", help=f"Where the symbols belong; available: {', '.join(UNIVERSES)}.")
]
_INTRADAY = [name for name, market in UNIVERSES.items() if Timeframe.M5 in market.collected]
TimeframeOption = Annotated[
    str, typer.Option("--timeframe", help=f"Length of a bar: 1d, or 5m of {', '.join(_INTRADAY)}.")
]
ExportedOption = Annotated[str, typer.Option("--timeframe", help="Length of a bar; available: 1d.")]


def add_commands(app: typer.Typer) -> None:
    """Adds the commands to the application."""
    _add_import(app)
    _add_export(app)


def _add_import(app: typer.Typer) -> None:
    @app.command(name="import", short_help="Takes bars from files.")
    def import_(
        path: Annotated[Path, typer.Argument(help="Parquet or CSV file, or a folder of them.")],
        universe_name: UniverseOption = "jp",
        timeframe_name: TimeframeOption = "1d",
        *,
        symbol: Annotated[
            str,
            typer.Option(
                "--symbol", help="Whose bars are in files that name no symbol; default their names."
            ),
        ] = "",
        time_zone: Annotated[
            str, typer.Option("--time-zone", help="Of 5m stamps without an offset; default the exchange's.")
        ] = "",
        most_rows: Annotated[
            int | None,
            typer.Option("--max-rows", min=1, help="Rows that are taken from one file; default 20,000,000."),
        ] = None,
        strict: Annotated[
            bool, typer.Option("--strict", help="Import nothing if a single row is refused.")
        ] = False,
        as_json: bool = JSON_OPTION,
    ) -> None:
        """Takes bars from files: valid rows are stored or restate what is, refused rows go to quarantine.

        Exits 1 when a row was refused, and names file, row and rule; and when the rows undo a stored bar, which is
        named, too.
        """
        # Polars takes 0.1 s to import, a third of what --help takes without it.
        from miraikakaku_assets.application.collection.import_bars import ImportRequest, import_bars
        from miraikakaku_assets.application.collection.request import CollectionPorts
        from miraikakaku_assets.application.ports.notices import WITHDRAWN, Severity

        chosen = universe(universe_name)
        length = collected_timeframe(timeframe_name, chosen)
        if time_zone and length is Timeframe.D1:
            raise ConfigurationError(
                "--time-zone goes with --timeframe 5m; a daily bar is dated by its exchange"
            )
        if not path.exists():
            raise InputFileError(str(path), "no_such_file", "there is no such file or folder")
        use = ports()
        use.sources.admit_files(str(path))
        source = use.sources.archive(path, length, zone=time_zone, symbol=symbol, most_rows=most_rows)
        request = ImportRequest(
            chosen, length, str(path), strict=strict, named=use.settings.named_symbols(chosen.name)
        )
        channels = use.notices.event_channels(Severity.WARNING, WITHDRAWN)
        collection = CollectionPorts(
            source, use.stores.bars, use.stores.ledger, use.clock, use.stores.claims, channels
        )
        report = import_bars(request, collection, use.stores.masters, lambda _outcomes: None)
        _finish(str(path), report, as_json=as_json)


def _add_export(app: typer.Typer) -> None:
    @app.command(short_help="Writes stored bars into a Parquet or CSV file.")
    def export(  # noqa: PLR0913 - each is an option
        out: Annotated[Path, typer.Option("--out", help="File to write: .parquet or .csv.")],
        universe_name: UniverseOption = "jp",
        timeframe_name: ExportedOption = "1d",
        symbols: Annotated[str, typer.Option("--symbols", help="Comma-separated symbols; default all.")] = "",
        since: SinceOption = "",
        until: UntilOption = "",
        *,
        adjusted: Annotated[bool, typer.Option("--adjusted/--raw", help="Adjust for dividends.")] = False,
        without_flagged: Annotated[
            bool, typer.Option("--without-flagged", help="Leave dividends out that are flagged as doubtful.")
        ] = False,
        as_json: bool = JSON_OPTION,
    ) -> None:
        """Writes stored bars into a Parquet or CSV file, raw or adjusted for dividends."""
        if out.suffix not in {".parquet", ".csv"}:
            raise ConfigurationError(f"--out {out}: the name must end in .parquet or .csv")
        if not out.parent.is_dir():
            raise ConfigurationError(f"--out {out}: there is no folder {out.parent}")
        chosen, names = universe(universe_name), named_in(symbols) or None
        length, window = _daily(timeframe_name), option_window(since, until)
        bars = ports().stores.bars.read(chosen, length, names, *window)
        if bars.is_empty():
            raise WorkFellShortError(
                f"There is no bar to export; look at `miraikakaku status --universe {chosen.name}`"
            )
        if without_flagged and not adjusted:
            raise ConfigurationError("--without-flagged goes with --adjusted: raw prices know no dividends")
        doubtful = 0
        if adjusted:
            bars, doubtful = _adjusted(bars, chosen, names, without_flagged=without_flagged)
        _write(bars, out)
        done = {
            "file": str(out),
            "rows": bars.height,
            "symbols": bars["symbol"].n_unique(),
            "adjusted": adjusted,
            "doubtful_dividends": doubtful,
            "doubtful_dividends_left_out": without_flagged,
        }
        if as_json:
            print_json(done)
        else:
            kind = "adjusted for dividends" if adjusted else "raw"
            whose = counted(bars["symbol"].n_unique(), "symbol")
            show_line(f"{counted(bars.height, 'bar')} of {whose}, {kind}, in {out}")
            if doubtful:
                remedy = (
                    "left out" if without_flagged else "taken as their source does; see --without-flagged"
                )
                show_line(f"dividends flagged as doubtful in corporate_actions: {doubtful:,}, {remedy}")
        absent = sorted(set(names or ()) - set(bars["symbol"].unique()))
        if absent:
            raise WorkFellShortError(
                f"There is no bar to export of {', '.join(absent)}; the others are in {out}"
            )


def _adjusted(
    bars: Any, chosen: Universe, names: list[str] | None, *, without_flagged: bool
) -> tuple[Any, int]:
    """The bars adjusted for dividends as their source adjusts them, and how many of these are doubtful.

    What a file of adjusted prices was divided by comes back this way: 7203.T of 1999-05-06 is 417.55 in Yahoo's file,
    and 453.94 without a dividend of 110 yen that Yahoo has a day after the real one.
    """
    import polars as pl

    from miraikakaku_assets.domain.bars.adjustment import dividend_adjusted

    stored = ports().stores.bars
    every, trusted = (
        stored.actions(chosen, names, trusted=only).filter(pl.col("kind") == "dividend")
        for only in (False, True)
    )
    taken = trusted if without_flagged else every
    return dividend_adjusted(bars, taken), every.height - trusted.height


def _finish(name: str, report: "CollectionReport", *, as_json: bool) -> None:
    from miraikakaku_assets.application.collection.import_bars import basis_sentences, refusal_sentences
    from miraikakaku_assets.application.ports.withdrawals import withdrawal_sentences

    sentences, bases = refusal_sentences(name, report), basis_sentences(report)
    sentences = [*sentences, *withdrawal_sentences(report.withdrawn)]
    if as_json:
        print_json(
            {
                "succeeded": not sentences and not report.failures and report.rows_read > 0,
                "rows_read": report.rows_read,
                "inserted": report.inserted,
                "restated": report.restated,
                "unchanged": report.unchanged,
                "quarantined": report.quarantined,
                "empty_rows": report.padding,
                "quarantined_by_rule": dict(report.rules),
                "reconsidered": report.reconsidered,
                "withdrawn": [str(bar) for bar in report.withdrawn],
                "actions": {kind: asdict(count) for kind, count in report.actions.items()},
                "doubtful_actions": dict(report.doubtful_actions),
                "price_basis": {basis: sorted(symbols) for basis, symbols in report.bases.items()},
                "dividends_undone": report.dividends_undone,
                "failures": report.failures,
                "refusals": list(sentences),
            }
        )
    else:
        _show(name, report, bases)
    for sentence in [*report.failures.values(), *sentences]:
        fail(sentence)
    if sentences or report.failures:
        raise typer.Exit(1)
    if report.rows_read == 0:
        raise WorkFellShortError(f"{name}: there was no bar to import")


def _show(name: str, report: "CollectionReport", bases: Sequence[str]) -> None:
    from miraikakaku_assets.domain.bars.rules import ACTION_FLAGS, ACTION_RULES

    rows = [
        ("read", report.rows_read),
        ("= inserted", report.inserted),
        ("+ restated", report.restated),
        ("+ unchanged", report.unchanged),
        ("+ quarantined", report.quarantined),
    ]
    if report.padding:
        rows.append(("beside them empty rows of breaks and auctions", report.padding))
    if report.reconsidered:
        rows.append(("stored bars let out of quarantine or flagged anew", report.reconsidered))
    show_table(f"import of {name}", ("rows", ""), rows)
    if report.actions:
        counts = [
            (f"{kind}s", count.read, count.stored, count.flagged, count.refused)
            for kind, count in report.actions.items()
        ]
        show_table("dividends and splits", ("", "read", "stored", "of them flagged", "refused"), counts)
    for rule, count in sorted(report.doubtful_actions.items()):
        show_line(f"{count:,} {rule}: {(ACTION_RULES | ACTION_FLAGS)[rule]}")
    for sentence in bases:
        show_line(sentence)


def _write(bars: Any, out: Path) -> None:
    try:
        with whole_file(out) as unfinished:
            bars.write_parquet(unfinished) if out.suffix == ".parquet" else bars.write_csv(unfinished)
    except OSError as error:
        raise ConfigurationError(f"--out {out}: it cannot be written ({error.strerror or error})") from error


def _daily(name: str) -> Timeframe:
    chosen = timeframe(name)
    if chosen is not Timeframe.D1:
        raise ConfigurationError(f"--timeframe {name}: daily bars only; choose 1d")
    return chosen
