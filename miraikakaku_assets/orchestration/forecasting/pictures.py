"""Pictures of forecasts and of how they came out, for run metadata."""

from datetime import date
from typing import Any

import dagster as dg
import polars as pl

from miraikakaku_assets.application.forecasting.inputs import ForecastInputs
from miraikakaku_assets.application.forecasting.score import WINDOWS
from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.market.instruments import Universe
from miraikakaku_assets.domain.percent import percent

_CLOSES = 60


def fan_chart_of(
    ports: Ports, inputs: ForecastInputs, symbol: str, as_of: date, edge: str | None
) -> dg.MarkdownMetadataValue:
    """The newest closes of a symbol and what every model makes of them; `edge` is said of its direction, or None."""
    from miraikakaku_assets.adapters.charts.forecasts import fan_chart
    from miraikakaku_assets.adapters.charts.png import as_markdown

    universe = inputs.universe
    forecasts = ports.forecasting.forecasts.predictions(universe, as_of, as_of, [symbol])
    own = inputs.raw.filter(pl.col("symbol") == symbol, pl.col("session") <= as_of)
    closes = own.select("session", "close").tail(_CLOSES)
    picture = fan_chart(
        closes, forecasts, symbol, universe.currency or "", edge=edge, looks=ports.forecasting.looks
    )
    return dg.MetadataValue.md(as_markdown(picture, f"{symbol}, forecasts from {as_of}"))


def score_charts_of(ports: Ports, universe: Universe) -> dict[str, Any]:
    """Calibration, leaders over time and the table of the last year; nothing before the first score."""
    from miraikakaku_assets.adapters.charts.forecasts import calibration_chart, leaderboard_chart
    from miraikakaku_assets.adapters.charts.png import as_markdown

    month, year = (ports.forecasting.forecasts.performance(universe, window) for window in WINDOWS)
    if year.is_empty():
        return {}
    newest = year.filter(pl.col("until") == pl.col("until").max().over("model", "horizon"))
    calibration = calibration_chart(
        newest, f"{universe.name}: coverage of the bands", looks=ports.forecasting.looks
    )
    leaders = leaderboard_chart(
        month, f"{universe.name}: error against no change", looks=ports.forecasting.looks
    )
    return {
        "calibration": dg.MetadataValue.md(as_markdown(calibration, "Coverage of the bands")),
        "leaderboard": dg.MetadataValue.md(as_markdown(leaders, "Error against no change")),
        "scores": dg.MetadataValue.table(records=[_record(row) for row in newest.iter_rows(named=True)]),
    }


def _record(row: dict[str, Any]) -> dg.TableRecord:
    shares = ("mape", "hit_rate", "hit_low", "hit_high", "always_up", "coverage_80", "coverage_95")
    shown = {name: percent(row[name]) for name in shares}
    ratio = row["mae_to_no_change"]
    return dg.TableRecord(
        {
            "model": row["model"],
            "horizon": row["horizon"],
            "n": row["n"],
            "days": row["days"],
            "mae_to_no_change": "–" if ratio is None else f"{ratio:.4f}",
            **shown,
        }
    )
