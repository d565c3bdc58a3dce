"""Commands ``import`` and ``export``: bars from files and into files."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from miraikakaku_assets.bootstrap import ports, utc_now
from miraikakaku_assets.domain.errors import ConfigurationError, InputFileError, WorkFellShortError
from miraikakaku_assets.domain.market.instruments import UNIVERSES, Timeframe, timeframe, universe
from miraikakaku_assets.domain.words import counted
from miraikakaku_assets.faces.cli.output import JSON_OPTION, fail, print_json, show_line, show_table
from miraikakaku_assets.faces.cli.window import SinceOption, UntilOption, option_window

if TYPE_CHECKING:
    from miraikakaku_assets.application.collection_report import CollectionReport

UniverseOption = Annotated[
    str, typer.Option("--universe", help=f"Where the symbols belong; available: {', '.join(UNIVERSES)}.")
]
TimeframeOption = Annotated[str, typer.Option("--timeframe", help="Length of a bar; available: 1d.")]


def add_commands(app: typer.Typer) -> None:
    """Adds the commands to the application."""

    @app.command(name="import")
    def import_(
        path: Annotated[Path, typer.Argument(help="Parquet or CSV file, or a folder of them.")],
        universe_name: UniverseOption = "jp",
        timeframe_name: TimeframeOption = "1d",
        *,
        strict: Annotated[
            bool, typer.Option("--strict", help="Import nothing if a single row is refused.")
        ] = False,
        as_json: bool = JSON_OPTION,
    ) -> None:
        """Takes bars from files: valid rows are stored or restate what is, refused rows go to quarantine.

        Exits 1 when a row was refused, and names file, row and rule.
        """
        # Polars takes 0.1 s to import, a third of what --help takes without it.
        from miraikakaku_assets.application.collection_request import CollectionPorts
        from miraikakaku_assets.application.import_bars import ImportRequest, import_bars

        if not path.exists():
            raise InputFileError(str(path), "no_such_file", "there is no such file or folder")
        use = ports()
        request = ImportRequest(universe(universe_name), _daily(timeframe_name), str(path), strict=strict)
        collection = CollectionPorts(use.archive(path), use.bars, use.ledger, utc_now)
        report = import_bars(request, collection, use.masters, lambda _outcomes: None)
        _finish(str(path), report, as_json=as_json)

    @app.command()
    def export(
        out: Annotated[Path, typer.Option("--out", help="File to write: .parquet or .csv.")],
        universe_name: UniverseOption = "jp",
        timeframe_name: TimeframeOption = "1d",
        symbols: Annotated[
            str, typer.Option("--symbols", help="Comma-separated Yahoo symbols; default all.")
        ] = "",
        since: SinceOption = "",
        until: UntilOption = "",
        *,
        adjusted: Annotated[bool, typer.Option("--adjusted/--raw", help="Adjust for dividends.")] = False,
        as_json: bool = JSON_OPTION,
    ) -> None:
        """Writes stored bars into a Parquet or CSV file, raw or adjusted for dividends."""
        if out.suffix not in {".parquet", ".csv"}:
            raise ConfigurationError(f"--out {out}: the name must end in .parquet or .csv")
        if not out.parent.is_dir():
            raise ConfigurationError(f"--out {out}: there is no folder {out.parent}")
        chosen, wanted = (
            universe(universe_name),
            [name.strip() for name in symbols.split(",") if name.strip()] or None,
        )
        length, window = _daily(timeframe_name), option_window(since, until)
        bars = ports().bars.read(chosen, length, wanted, *window)
        if bars.is_empty():
            raise WorkFellShortError(
                f"There is no bar to export; look at `miraikakaku status --universe {chosen.name}`"
            )
        if adjusted:
            from miraikakaku_assets.domain.bars.adjustment import dividend_adjusted

            bars = dividend_adjusted(bars, ports().bars.actions(chosen, wanted, trusted=True))
        _write(bars, out)
        done = {
            "file": str(out),
            "rows": bars.height,
            "symbols": bars["symbol"].n_unique(),
            "adjusted": adjusted,
        }
        if as_json:
            print_json(done)
        else:
            kind = "adjusted for dividends" if adjusted else "raw"
            whose = counted(bars["symbol"].n_unique(), "symbol")
            show_line(f"{counted(bars.height, 'bar')} of {whose}, {kind}, in {out}")
        absent = sorted(set(wanted or ()) - set(bars["symbol"].unique()))
        if absent:
            raise WorkFellShortError(
                f"There is no bar to export of {', '.join(absent)}; the others are in {out}"
            )


def _finish(name: str, report: "CollectionReport", *, as_json: bool) -> None:
    from miraikakaku_assets.application.import_bars import refusal_sentences

    sentences = refusal_sentences(name, report)
    if as_json:
        print_json(
            {
                "succeeded": not sentences and not report.failures and report.rows_read > 0,
                "rows_read": report.rows_read,
                "inserted": report.inserted,
                "restated": report.restated,
                "unchanged": report.unchanged,
                "quarantined": report.quarantined,
                "quarantined_by_rule": dict(report.rules),
                "failures": report.failures,
                "refusals": list(sentences),
            }
        )
    else:
        rows = [
            ("read", report.rows_read),
            ("= inserted", report.inserted),
            ("+ restated", report.restated),
            ("+ unchanged", report.unchanged),
            ("+ quarantined", report.quarantined),
        ]
        show_table(f"import of {name}", ("rows", ""), rows)
    for sentence in [*report.failures.values(), *sentences]:
        fail(sentence)
    if sentences or report.failures:
        raise typer.Exit(1)
    if report.rows_read == 0:
        raise WorkFellShortError(f"{name}: there was no bar to import")


def _write(bars: Any, out: Path) -> None:
    unfinished = out.with_name(f".{out.name}.unfinished")
    try:
        bars.write_parquet(unfinished) if out.suffix == ".parquet" else bars.write_csv(unfinished)
        unfinished.replace(out)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise ConfigurationError(f"--out {out}: it cannot be written ({error.strerror or error})") from error


def _daily(name: str) -> Timeframe:
    chosen = timeframe(name)
    if chosen is not Timeframe.D1:
        raise ConfigurationError(f"--timeframe {name}: daily bars only; choose 1d")
    return chosen
