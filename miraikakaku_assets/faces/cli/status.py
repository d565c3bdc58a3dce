"""Command ``status``: freshness, coverage and the last runs on one screen."""

from typing import Annotated, Any

import typer
from rich.markup import escape

from miraikakaku_assets.bootstrap import ports, utc_now
from miraikakaku_assets.domain.market.instruments import Timeframe, universe
from miraikakaku_assets.faces.cli.output import JSON_OPTION, console, percent, print_json, show_table


def add_commands(app: typer.Typer) -> None:
    """Adds the command to the application."""

    @app.command()
    def status(
        universe_name: Annotated[
            str, typer.Option("--universe", help="Which universe; available: jp.")
        ] = "jp",
        *,
        as_json: bool = JSON_OPTION,
    ) -> None:
        """Freshness, coverage, quarantine and last runs, on one screen."""
        from miraikakaku_assets.application.show_status import show_status

        chosen = universe(universe_name)
        found = show_status(chosen, Timeframe.D1, store=ports().status, clock=utc_now)
        if as_json:
            print_json(found)
        else:
            _show(chosen.name, found)


def _show(name: str, found: dict[str, Any]) -> None:
    for label, sentence in _lines(found):
        console.print(f"[dim]{label:<9}[/] {escape(sentence)}", soft_wrap=True)
    if found["quarantine"]:
        rows = [(row["rule"], row["rows"]) for row in found["quarantine"]]
        show_table(f"{name} quarantine", ("rule", "rows"), rows)
    if found["batches"]:
        columns = ("batch", "universe", "source", "symbols", "failed", "rows read", "started (UTC)", "status")
        names = ("id", "universe", "source", "total_stocks", "failed_stocks", "rows_read")
        rows = [
            (*(batch[key] for key in names), f"{batch['start_time']:%m-%d %H:%M}", batch["status"])
            for batch in found["batches"]
        ]
        show_table("last collections", columns, rows)


def _lines(found: dict[str, Any]) -> list[tuple[str, str]]:
    """What there is to say, label and sentence."""
    master, bars, coverage, update = found["master"], found["bars"], found["coverage"], found["last_update"]
    lines = [("database", f"{found['database']['url']} (PostgreSQL {found['database']['server']})")]
    if master["listed"]:
        listed = (
            f"{master['listed']:,} listed, {master['delisted']:,} delisted, list of {master['list_date']}"
        )
        lines.append(("master", listed))
    else:
        lines.append(("master", "none yet; run `miraikakaku master update`"))
    if update and update["error_message"]:
        lines.append(("", f"last update {update['status']}: {update['error_message']}"))
    if bars["symbols"]:
        span = f"{bars['first']:%Y-%m-%d} to {bars['last']:%Y-%m-%d}"
        lines.append(("bars", f"{bars['total']:,} daily bars of {bars['symbols']:,} symbols, {span}"))
        due = f"{found['fresh_symbols']:,} of {master['listed']:,} listed symbols"
        lines.append(("fresh", f"{due} have the bar of {found['due_session']}, the newest that is due"))
    if coverage:
        lines.append(("coverage", f"{percent(coverage['coverage'])} of {coverage['denominator']}"))
    return lines
