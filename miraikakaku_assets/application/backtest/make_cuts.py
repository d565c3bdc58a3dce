"""Use case: every set of evidence, judged on one of its parts, as tables and as plain values."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

import polars as pl

from miraikakaku_assets.application.backtest.cells import NOTHING, chance, hits, ratio, table
from miraikakaku_assets.application.backtest.cut_scores import EVERYTHING, CutScores
from miraikakaku_assets.application.backtest.evidence_sets import evidence_set
from miraikakaku_assets.application.backtest.walk_cut import CutSize, walk_cut
from miraikakaku_assets.application.forecasting.predict import ENSEMBLE
from miraikakaku_assets.application.ports.evidence import EvaluationDatasets
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.forecasting.contract import Forecaster
from miraikakaku_assets.domain.forecasting.judging.cuts import EVALUATION_SETS, Part
from miraikakaku_assets.domain.percent import percent
from miraikakaku_assets.domain.words import named_in

CutProgress = Callable[[str, str, date], None]
"""Called with the set at work, the model at work and the first origin of its fold."""

_SHOWN = (1, 5)


@dataclass(frozen=True)
class CutFigure:
    """A figure that is watched over time.

    Attributes:
        name: As in the benchmarks.
        value: None where the run has none.
    """

    name: str
    value: float | None


def named_cuts(text: str) -> list[str]:
    """The sets of a list with commas, in the order of the tables; all of them if it is empty.

    Raises:
        ConfigurationError: There is no such set.
    """
    every, named = [cut.name for cut in EVALUATION_SETS], set(named_in(text))
    if unknown := sorted(named - set(every)):
        raise ConfigurationError(
            f"There is no evidence called {unknown[0]!r}; choose from: {', '.join(every)}"
        )
    return [name for name in every if not named or name in named]


def named_part(text: str) -> Part:
    """The part of a name.

    Raises:
        ConfigurationError: There is none.
    """
    if text not in set(Part):
        raise ConfigurationError(f"There is no part called {text!r}; choose from: {', '.join(Part)}")
    return Part(text)


def make_cuts(
    names: Sequence[str],
    part: Part,
    size: CutSize,
    evidence: EvaluationDatasets,
    forecasters: Sequence[Forecaster],
    progress: CutProgress,
) -> list[CutScores]:
    """Walks through a part of every set.

    Args:
        names: Of `EVALUATION_SETS`.
        part: Which part.
        size: How much.
        evidence: The files.
        forecasters: Models, no change among them.
        progress: Called before each model.

    Raises:
        ConfigurationError: The folder of the evidence lacks a file.
        InputFileError: A file is not readable.
        WorkFellShortError: The evidence does not reach the part.
    """
    made = []
    for name in names:
        read = evidence_set(name, evidence)

        def step(model: str, origin: date, name: str = name) -> None:
            progress(name, model, origin)

        made.append(walk_cut(read, part, size, forecasters, step))
    return made


def plain_cuts(size: CutSize, cuts: Sequence[CutScores]) -> dict[str, Any]:
    """Numbers as they are, tables as lists of rows; dates stay dates."""
    return {
        "size": size.name,
        "figures": {figure.name: figure.value for figure in figures(cuts)},
        "sets": {cut.cut.name: _plain(cut) for cut in cuts},
    }


def _plain(scores: CutScores) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for field in fields(scores):
        value = getattr(scores, field.name)
        if field.name == "cut":
            values["cut"] = str(value)
            values["looked_at"] = value.looked_at
            values["densities_looked_at"] = value.densities_looked_at
            values["caveat"] = value.caveat
        else:
            values[field.name] = value.to_dicts() if isinstance(value, pl.DataFrame) else value
    return values


def figures(cuts: Sequence[CutScores]) -> list[CutFigure]:
    """What is watched over time, of the sets that were walked through."""
    of = {cut.cut.name: cut for cut in cuts}
    figures = []
    for market, name in (("jp", "jp_evening"), ("us", "us")):
        if name in of:
            figures.append(CutFigure(f"forecast_crps_vs_best_peer_{market}", _density(of[name], 1)))
            figures += [CutFigure(f"rank_ic_{market}_h{h}", _rank(of[name], h)) for h in _SHOWN]
    if "lme_3m" in of:
        figures.append(CutFigure("lme_3m_mae_vs_no_change", _point(of["lme_3m"], "mae_to_no_change")))
        figures.append(CutFigure("lme_3m_direction", _point(of["lme_3m"], "hit_rate")))
    if "jp_morning" in of:
        figures.append(CutFigure("jp_morning_mae_vs_no_change", _point(of["jp_morning"], "mae_to_no_change")))
    return figures


def _own(rows: pl.DataFrame, horizon: int) -> Mapping[str, Any] | None:
    chosen = rows.filter(pl.col("model") == ENSEMBLE, pl.col("horizon") == horizon)
    return chosen.row(0, named=True) if chosen.height else None


def _density(scores: CutScores, horizon: int) -> float | None:
    row = _own(scores.densities, horizon)
    return None if row is None else row["to_best_peer"]


def _rank(scores: CutScores, horizon: int) -> float | None:
    row = _own(scores.ranks.filter(pl.col("floor") == EVERYTHING), horizon)
    return None if row is None else row["ic"]


def _point(scores: CutScores, name: str) -> float | None:
    row = _own(scores.points, 1)
    return None if row is None else row[name]


def cuts_markdown(cuts: Sequence[CutScores]) -> str:
    """The tables of a part; the same results give the same text."""
    return "\n\n".join(_section(cut) for cut in cuts) + "\n"


def _section(scores: CutScores) -> str:
    seen = _seen(scores)
    caveat = f" Not told: {scores.cut.caveat}." if scores.cut.caveat else ""
    failed = "".join(f" **{model} failed: {why}.**" for model, why in scores.failed.items())
    about = (
        f"{scores.origins} origins, {scores.first} to {scores.last}, {scores.instruments:,} instruments, "
        f"{scores.part.value.replace('_', ' ')}.{seen}{caveat}{failed}"
    )
    parts = [f"### {scores.cut.name}\n{about}", _points(scores), _densities(scores), _calibration(scores)]
    if scores.ranks["ic"].drop_nulls().len():
        parts.append(_ranks(scores))
    if scores.calls.height:
        parts.append(_calls(scores))
    return "\n\n".join(parts)


def _seen(scores: CutScores) -> str:
    """What a reader of the tables of an untouched part has to know of it."""
    if scores.part is Part.TUNED_ON:
        return ""
    if scores.cut.looked_at:
        return " This part was looked at before it was cut off."
    if scores.cut.densities_looked_at:
        return " A rule of the densities was chosen in view of this part: CRPS and coverage here are not untouched."
    return ""


def _shown(rows: pl.DataFrame) -> list[dict[str, Any]]:
    return rows.filter(pl.col("horizon").is_in(_SHOWN)).to_dicts()


def _points(scores: CutScores) -> str:
    rows = [
        (
            row["model"],
            str(row["horizon"]),
            f"{row['n']:,}",
            ratio(row["mae_to_no_change"], 4),
            chance(row["p_holm"]),
            hits(row),
            percent(row["always_up"], 1),
            percent(row["coverage_80"], 1),
            percent(row["coverage_95"], 1),
        )
        for row in _shown(scores.points.sort("horizon", "model"))
    ]
    names = (
        "model",
        "h",
        "n",
        "MAE to no change",
        "p",
        "direction right",
        "always up",
        "80 % band",
        "95 % band",
    )
    return table(names, rows)


def _densities(scores: CutScores) -> str:
    rows = [
        (
            row["model"],
            str(row["horizon"]),
            _small(row["crps"]),
            ratio(row["to_best_peer"], 4),
            chance(row["p_better"]),
            _small(row["interval_80"]),
            _small(row["interval_95"]),
            NOTHING if row["in_set"] is None else "yes" if row["in_set"] else "no",
        )
        for row in _shown(scores.densities)
    ]
    names = (
        "density",
        "h",
        "CRPS, %",
        "to the best peer",
        "p",
        "80 % score, %",
        "95 % score, %",
        "may be best (90 %)",
    )
    return table(names, rows)


def _small(value: float | None) -> str:
    return NOTHING if value is None else f"{100 * value:.3f}"


def _calibration(scores: CutScores) -> str:
    rows = [
        (
            row["segment"].replace("_", " "),
            str(row["horizon"]),
            f"{row['n']:,}",
            *(percent(row[f"coverage_{band}"], 1) for band in ("80", "95")),
        )
        for row in _shown(scores.calibration)
    ]
    return table(("volatility of the issues", "h", "n", "80 % band", "95 % band"), rows)


def _ranks(scores: CutScores) -> str:
    rows = [
        (
            row["model"],
            str(row["horizon"]),
            "all" if row["floor"] == EVERYTHING else f"≥ {row['floor']:,.0f}",
            ratio(row["ic"], 4),
            ratio(row["t"], 1),
            ratio(row["icir"], 2),
            ratio(row["cost"], 1),
        )
        for row in _shown(scores.ranks)
        if row["ic"] is not None
    ]
    names = ("model", "h", "median turnover", "rank IC", "t", "ICIR", "break-even, bp a trade (gross)")
    return table(names, rows)


def _calls(scores: CutScores) -> str:
    rows = [
        (
            str(row["horizon"]),
            percent(row["share"], 0),
            f"{row['calls']:,}",
            hits(row),
            percent(row["always_up"], 1),
        )
        for row in _shown(scores.calls)
    ]
    return table(("h", "surest calls", "calls", "direction right", "always up"), rows)
