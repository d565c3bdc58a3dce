"""Reports of stages inside a step. Put here: what hands them on. Keep out: what they say."""

from datetime import date
from typing import Any

import dagster as dg

from miraikakaku_assets.application.reference.unknown_symbols import nothing_done, sort_out_unknown
from miraikakaku_assets.application.stage_reports import (
    AnalysisTotals,
    CoverageTotals,
    PredictionTotals,
    PriceTotals,
    QualityTotals,
    RepairTotals,
    ScoreTotals,
    StageReport,
    figures,
)
from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.errors import WorkFellShortError
from miraikakaku_assets.domain.market.instruments import UNIVERSES, Universe
from miraikakaku_assets.orchestration.failures import failure

_PLOTTED = {"listed": "dagster/row_count"}
"""Field of a report → metadata key under which the web UI draws it over time."""
_PAGES: dict[type, str] = {
    PriceTotals: "coverage",
    CoverageTotals: "coverage",
    RepairTotals: "coverage",
    QualityTotals: "coverage",
    AnalysisTotals: "patterns",
    PredictionTotals: "forecasts",
    ScoreTotals: "models",
}
"""Report → page of the dashboard."""
Context = dg.AssetExecutionContext | dg.OpExecutionContext


def hand_back(context: Context, ports: Ports, universe: Universe, report: StageReport) -> dict[str, Any]:
    """Stores the report under the id of the run, for whoever has started it.

    Returns:
        The same as metadata for the web UI.
    """
    ports.stores.stage_reports.save(context.run.run_id, universe, report)
    return as_metadata(report) | _view(ports, universe, report)


def _view(ports: Ports, universe: Universe, report: StageReport) -> dict[str, Any]:
    """Where the dashboard shows what a report is about."""
    page = _PAGES.get(type(report))
    if page is None:
        return {}
    query = f"?universe={universe.name}" if universe.name in UNIVERSES else ""
    address = f"{ports.settings.dashboard_url.rstrip('/')}/{page}{query}"
    return {"dashboard": dg.MetadataValue.url(address)}


def as_metadata(report: StageReport) -> dict[str, Any]:
    """A report as metadata for the web UI."""
    return {
        _PLOTTED.get(key, key): str(value) if isinstance(value, date) else value
        for key, value in figures(report).items()
    }


def known_in_run(
    ports: Ports, universe: Universe, symbols: list[str] | None, done: str
) -> tuple[list[str] | None, dg.Failure | None]:
    """The symbols that somebody knows, None for all there are, and why the step has to fail for the others.

    Args:
        ports: The installation.
        universe: Where they should belong.
        symbols: Yahoo symbols; None stands for all there are.
        done: Participle of what the step does, e.g. ``analysed``.
    """
    named = ports.settings.named_symbols(universe.name)
    known, unknown = sort_out_unknown(universe, symbols, ports.stores.masters, named)
    if not unknown:
        return known, None
    return known, failure(WorkFellShortError(nothing_done(universe, unknown, done)))
