"""Command ``status``: freshness, coverage and the last runs on one screen."""

from typing import Annotated, Any

import typer

from miraikakaku_assets.application.show_status import show_status
from miraikakaku_assets.bootstrap import ports, utc_now
from miraikakaku_assets.domain.market.instruments import Timeframe, universe
from miraikakaku_assets.faces.cli.output import JSON_OPTION, console, percent, print_json, table


def add_commands(app: typer.Typer) -> None:
    """Adds the command to the application."""

    @app.command()
    def status(
        universe_name: Annotated[str, typer.Option("--universe", help="Which universe; available: jp.")] = "jp",
        *,
        as_json: bool = JSON_OPTION,
    ) -> None:
        """Freshness, coverage, quarantine and last runs, on one screen."""
        chosen = universe(universe_name)
        found = show_status(chosen, Timeframe.D1, store=ports().status, clock=utc_now)
        if as_json:
            print_json(found)
        else:
            _show(chosen.name, found)


def _show(name: str, found: dict[str, Any]) -> None:
    master, bars, coverage = found["master"], found["bars"], found["coverage"]
    update = found["last_update"]
    console.print(f"[bold]{name}[/]  database {found['database']['url']} (PostgreSQL {found['database']['server']})")
    if not master["listed"]:
        console.print("no stock master yet: run [bold]miraikakaku master update[/]")
    else:
        refused = f", last update {update['status']}: {update['error_message']}" if update["error_message"] else ""
        console.print(
            f"master    {master['listed']:,} listed, {master['delisted']:,} delisted, "
            f"list of {master['list_date']}{refused}"
        )
    if bars["symbols"]:
        console.print(
            f"bars      {bars['total']:,} daily bars of {bars['symbols']:,} symbols, "
            f"{bars['first']:%Y-%m-%d} to {bars['last']:%Y-%m-%d}"
        )
        console.print(
            f"fresh     {found['fresh_symbols']:,} of {master['listed']:,} symbols have the bar of {found['due_session']}"
        )
    if coverage:
        console.print(f"coverage  {percent(coverage['coverage'])} of {coverage['denominator']}")
    if found["quarantine"]:
        rows = [(row["rule"], row["rows"]) for row in found["quarantine"]]
        console.print(table("quarantine", ("rule", "rows"), rows))
    if found["batches"]:
        columns = ("id", "type", "status", "universe", "source", "symbols", "failed", "rows read", "started")
        names = (
            "id", "batch_type", "status", "universe", "source", "total_stocks", "failed_stocks", "rows_read", "start_time",
        )  # fmt: skip
        console.print(table("last collections", columns, [[_cell(batch[key]) for key in names] for batch in found["batches"]]))


def _cell(value: Any) -> Any:
    return value.strftime("%Y-%m-%d %H:%M UTC") if hasattr(value, "strftime") else value
