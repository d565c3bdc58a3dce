"""What forecasts from other markets were worth on a part of the evidence: the tables of decision 18.

`python -m benchmarks.known_at tuned_on` takes four minutes and 3 GiB; so does `untouched`.
"""

import sys
from collections.abc import Iterator
from datetime import date
from typing import Any

import polars as pl

from benchmarks.forecasting import real_data
from miraikakaku_assets.adapters.sources.files.market_data_folder import evidence_in
from miraikakaku_assets.application.backtest.evidence_sets import EvidenceSet, evidence_set
from miraikakaku_assets.domain.forecasting.contract import Forecaster
from miraikakaku_assets.domain.forecasting.evaluation import outcomes
from miraikakaku_assets.domain.forecasting.judging.cuts import Part
from miraikakaku_assets.domain.forecasting.peers.lead_beta import LeadBeta
from miraikakaku_assets.domain.forecasting.peers.night_beta import NightBeta
from miraikakaku_assets.domain.forecasting.peers.night_market import NightMarket

CALL = 0.003
"""A forecast further from no change than this (log return) is a call."""

LIQUID = 1e9
"""Median value traded over sixty bars, in yen, of what counts as a large issue."""

_WARM_UP = {"lme_3m": date(2010, 1, 1), "lme_cash": date(2010, 1, 1), "jp_morning": date(2016, 12, 29)}
"""First origins that count: two years of the LME, sixty nights of Wall Street's file go before them."""

_MODELS: dict[str, tuple[Forecaster, ...]] = {
    "lme_3m": (LeadBeta(),),
    "lme_cash": (LeadBeta(),),
    "jp_morning": (NightBeta(), NightMarket()),
}


def figures(forecasts: pl.DataFrame) -> dict[str, float]:
    """Error to no change and directions of forecasts with outcomes; NaN where there is no call.

    Args:
        forecasts: ``as_of``, ``point`` and ``actual``.
    """
    made = forecasts.filter(pl.col("point").is_not_null(), pl.col("actual").is_not_null())
    called = made.filter(pl.col("point") != 0, pl.col("actual") != 0)
    far = called.filter(pl.col("point").abs() > CALL)
    hit = pl.col("point").sign() == pl.col("actual").sign()

    def share(rows: pl.DataFrame, what: pl.Expr) -> float:
        return float(rows.select(what.mean()).item()) if rows.height else float("nan")

    errors = made.select((pl.col("point") - pl.col("actual")).abs().sum() / pl.col("actual").abs().sum())
    return {
        "n": made.height,
        "days": made["as_of"].n_unique(),
        "mae_to_no_change": float(errors.item()),
        "direction": share(called, hit),
        "always_up": share(called, pl.col("actual") > 0),
        "direction_of_calls": share(far, hit),
        "always_up_of_calls": share(far, pl.col("actual") > 0),
    }


def measured(chosen: EvidenceSet, part: Part) -> Iterator[dict[str, Any]]:
    """A row per model, horizon and, where volumes are known, group of issues."""
    data, name = chosen.panel, chosen.cut.name
    origins = [origin for origin in chosen.origins(part) if origin >= _WARM_UP[name]]
    large = pl.DataFrame(schema={"symbol": pl.String, "as_of": pl.Date})
    if "volume" in data.bars.columns:
        value = (pl.col("close") * pl.col("volume")).rolling_median(60, min_samples=20).over("symbol")
        large = data.bars.with_columns(value=value).filter(pl.col("value") >= LIQUID)
        large = large.select("symbol", as_of="session")
    for model in _MODELS[name]:
        made = outcomes(model.fit(data, origins[0]).predict(data, origins), data)
        for horizon in chosen.cut.horizons:
            rows = made.filter(pl.col("horizon") == horizon)
            named = {"set": name, "model": model.name, "horizon": horizon}
            yield named | {"issues": "all"} | figures(rows)
            if not large.is_empty():
                yield (
                    named | {"issues": "1bn"} | figures(rows.join(large, on=["symbol", "as_of"], how="semi"))
                )


def main(part: Part) -> None:
    """Prints the rows of every set."""
    folder = real_data()
    if folder is None:
        raise SystemExit("There is no folder of real market data; name it in MIRAIKAKAKU_REAL_DATA")
    with evidence_in(folder) as evidence:
        rows = [row for name in _MODELS for row in measured(evidence_set(name, evidence), part)]
    with pl.Config(tbl_rows=-1, tbl_cols=-1, tbl_width_chars=160):
        print(pl.DataFrame(rows))


if __name__ == "__main__":
    main(Part(sys.argv[1] if len(sys.argv) > 1 else Part.UNTOUCHED))
