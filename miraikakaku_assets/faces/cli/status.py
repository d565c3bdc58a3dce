"""Command ``status``: freshness, coverage, alerts, cycles, source health and the last runs on one screen."""

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from miraikakaku_assets.bootstrap import Ports, ports, price_vendor, utc_now
from miraikakaku_assets.domain.market.instruments import UNIVERSES, Timeframe, Universe, universe
from miraikakaku_assets.domain.percent import percent
from miraikakaku_assets.domain.words import counted
from miraikakaku_assets.faces.cli.output import JSON_OPTION, console, print_json, show_table, utc_minute
from miraikakaku_assets.faces.cli.pauses import LIFTED_BY, left, paused_for
from miraikakaku_assets.faces.cli.runner import AssetHealthReader
from miraikakaku_assets.faces.cli.tables.analysis_status import analysis_lines, read_analysis, show_analysis
from miraikakaku_assets.faces.cli.tables.asset_health import show_asset_health

if TYPE_CHECKING:
    from miraikakaku_assets.application.ports.rate_limit import LimitState
    from miraikakaku_assets.domain.market.source_health import SourceHealth

_URGENT = 5  # watched symbols that are named


def add_commands(app: typer.Typer, read_asset_health: AssetHealthReader) -> None:
    """Adds the command to the application.

    Args:
        app: The application.
        read_asset_health: Asks how the assets are.
    """

    @app.command(short_help="Freshness, coverage, alerts, source health, collections.")
    def status(
        universe_name: Annotated[
            str, typer.Option("--universe", help=f"Which universe; available: {', '.join(UNIVERSES)}.")
        ] = "jp",
        *,
        assets: Annotated[
            bool,
            typer.Option(
                "--assets",
                help="Instead: how every asset of the universe is, and why; Unknown, Healthy, Warning or Degraded.",
            ),
        ] = False,
        as_json: bool = JSON_OPTION,
    ) -> None:
        """Freshness, coverage, alerts, cycles, analysis, source health and last collections, on one screen."""
        chosen = universe(universe_name)
        if assets:
            show_asset_health(chosen, read_asset_health(ports()), as_json=as_json)
            return
        state = _read(chosen, ports())
        if as_json:
            print_json(state)
        else:
            _show(chosen, state)


def _read(chosen: Universe, use: Ports) -> dict[str, Any]:
    from miraikakaku_assets.application.forecasting.view import standing
    from miraikakaku_assets.application.monitoring.health_samples import newest_health
    from miraikakaku_assets.application.monitoring.status import show_status, source_status, watch_status

    stands = standing(chosen, use.forecasting.forecasts)
    rate, health = source_status(use.sources.rate_limiter, use.stores.probes, use.clock)
    return {
        **show_status(chosen, Timeframe.D1, store=use.stores.status, clock=use.clock),
        "source": {
            "rate": asdict(rate),
            "health": asdict(health) if health else None,
            "says": _source(rate, health, utc_now()),
        },
        "health": newest_health(use.operations.system_metrics, use.clock),
        "watched": watch_status(
            chosen,
            use.settings.watch_list(chosen.name),
            use.sources.vendor.lookback.get(Timeframe.M5),
            use.stores.bars,
            use.clock,
        ),
        "forecasts": asdict(stands) if stands else None,
        **read_analysis(use),
    }


def _show(chosen: Universe, state: dict[str, Any]) -> None:
    others = ", ".join(name for name in UNIVERSES if name != chosen.name)
    console.print(f"{chosen.name} (choose another with --universe {others})", soft_wrap=True)
    for label, sentence in _lines(chosen, state) + analysis_lines(state):
        console.print(f"[dim]{label:<9}[/] {escape(sentence)}", soft_wrap=True)
    show_analysis(state)
    if state["quarantine"]:
        rules = [(row["rule"], row["rows"]) for row in state["quarantine"]]
        show_table(f"{chosen.name} quarantine", ("rule", "rows"), rules)
    if state["watched"]:
        shown = ("symbol", "newest 5m bar (UTC)", "collect before (UTC)", "days left", "sessions lost")
        urgent = [
            (
                row["symbol"],
                utc_minute(row["newest"]),
                utc_minute(row["collect_by"]),
                row["days_left"],
                row["lost_sessions"],
            )
            for row in state["watched"][:_URGENT]
        ]
        more = len(state["watched"]) - len(urgent)
        title = f"five-minute bars: what falls off {price_vendor().title}'s edge next"
        show_table(f"{title}, and {more} more" if more else title, shown, urgent)
    if state["batches"]:
        columns = ("no.", "universe", "bars", "source", "symbols", "failed", "rows", "began (UTC)", "status")
        figures = ("id", "universe", "timeframe", "source", "total_stocks", "failed_stocks", "rows_read")
        newest = [
            (
                *(batch[key] for key in figures),
                f"{utc_minute(batch['start_time'], with_year=False)}",
                batch["status"],
            )
            for batch in state["batches"]
        ]
        show_table("last collections", columns, newest)


def _lines(chosen: Universe, state: dict[str, Any]) -> list[tuple[str, str]]:
    """What there is to say, label and sentence."""
    lines = [
        ("database", f"{state['database']['url']} (PostgreSQL {state['database']['server']})"),
        ("health", state["health"]["says"]),
        ("source", state["source"]["says"]),
        *_master_lines(chosen, state),
    ]
    bars, master, coverage = state["bars"], state["master"], state["coverage"]
    if bars["symbols"]:
        span = f"{bars['first']:%Y-%m-%d} to {bars['last']:%Y-%m-%d}"
        lines.append(
            ("bars", f"{counted(bars['total'], 'daily bar')} of {counted(bars['symbols'], 'symbol')}, {span}")
        )
        due = f"{state['fresh_symbols']:,} of {counted(master['listed'], 'listed symbol')}"
        verb = "has" if master["listed"] == 1 else "have"
        lines.append(("fresh", f"{due} {verb} the bar of {state['due_session']}, the newest that is due"))
    if coverage:
        lines.append(("coverage", f"{percent(coverage['coverage'])} of {coverage['denominator']}"))
    if state["forecasts"]:
        from miraikakaku_assets.application.forecasting.view import Standing, in_words

        stands = Standing(**state["forecasts"])
        symbols = f"{counted(stands.symbols, 'symbol')} from {stands.as_of}"
        lines.append(("forecasts", f"{symbols}; {in_words(stands)}"))
    lines += [("restated", _restated(row)) for row in state["restated"]]
    return lines + [(batch["status"], _progress(batch, utc_now())) for batch in state["running"]]


def _master_lines(chosen: Universe, state: dict[str, Any]) -> list[tuple[str, str]]:
    master, update = state["master"], state["last_update"]
    if not master["listed"]:
        first = (
            f"`miraikakaku master update --universe {chosen.name}`" if chosen.has_master else "a collection"
        )
        lines = [("master", f"none yet; run {first}")]
    else:
        counts = f"{master['listed']:,} listed, {master['delisted']:,} delisted"
        lines = [("master", f"{counts}, list of {master['list_date']}")]
    if update and update["error_message"]:
        lines.append(("", f"last update {update['status']}: {update['error_message']}"))
    return lines


def _source(rate: "LimitState", health: "SourceHealth | None", now: datetime) -> str:
    from miraikakaku_assets.application.monitoring.resume_source import is_paused

    facts = [f"{rate.name} at {rate.rate:.3g} of {rate.maximum:g} requests/s"]
    if is_paused(rate):
        facts.append(f"{paused_for(rate, now)} ({LIFTED_BY})")
    if rate.reason:
        facts.append(f"{counted(rate.refusals, 'refusal')} in a row, last: {rate.reason}")
    facts.append(f"canaries {health.health}: {health.reason}" if health else "canaries not asked yet")
    return "; ".join(facts)


def _progress(batch: dict[str, Any], now: datetime) -> str:
    done = f"{batch['universe']} {batch['timeframe']}: {batch['processed']:,} of {counted(batch['total'], 'symbol')}"
    if batch["status"] == "paused":
        due = batch["resume_at"]
        goes_on = f"goes on in {left(due, now)}" if due and due > now else "may go on: collect again"
        return f"{done}; {goes_on}; {batch['error_message']}"
    pace = f"{batch['symbols_per_minute'] or 0:,.0f} symbols/min, {batch['records_per_minute'] or 0:,.0f} rows/min"
    end = (
        f", done about {utc_minute(batch['estimated_completion'])} UTC"
        if batch["estimated_completion"]
        else ""
    )
    return f"{done} ({percent(batch['percentage'] / 100, 1)}), {batch['failed']:,} failed, {pace}{end}"


def _restated(row: dict[str, Any]) -> str:
    why = f"split on {row['ex_date']}" if row["ex_date"] else "all prices restated"
    closes = ""
    if row["old_close"] is not None:
        closes = f", close of {row['shown_session']} {row['old_close']:g} → {row['new_close']:g}"
    return f"{row['symbol']}: {why}{closes}; {counted(row['bars'], 'bar')} changed"
