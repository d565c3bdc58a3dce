"""The scoreboard as Markdown. The same results give the same text, to the letter; no figure of it is typed by hand."""

import polars as pl

from miraikakaku_assets.application.backtest.cells import (
    LEVEL,
    NOTHING,
    SCORE_NAMES,
    ratio,
    score_cells,
    table,
)
from miraikakaku_assets.application.backtest.goals import goals, spec_lines
from miraikakaku_assets.application.backtest.load_datasets import Taken
from miraikakaku_assets.application.backtest.make_scoreboard import CURRENCIES, METAL, Scoreboard
from miraikakaku_assets.application.backtest.published_results import PUBLISHED, STEPS
from miraikakaku_assets.application.backtest.tables import (
    FAIR,
    FEWEST_OUTCOMES,
    MAPE_LINE,
    POOLED,
    BacktestResult,
)
from miraikakaku_assets.application.reporting.marked_page import put_between
from miraikakaku_assets.domain.forecasting.contract import HORIZONS
from miraikakaku_assets.domain.percent import percent

BEGIN, END = "<!-- scoreboard:begin -->", "<!-- scoreboard:end -->"

_TITLES = {
    "jp": "Tokyo (`jp`)",
    "us": "S&P 500 (`us`)",
    "fx": "USD/JPY (`fx`)",
    "copper": "COMEX copper, HG=F (`copper`)",
    METAL: "LME copper, cash and three months (`lme`)",
    CURRENCIES: "Eight currencies (`exchange_rate`)",
}
SHOWN = (1, 5)
"""Horizons of the large tables."""
_TOLD = 0.005  # a weight below it is 0.00


def put_into(text: str, generated: str) -> str:
    """A page with what was generated between its marks; the rest stays.

    Raises:
        ConfigurationError: The page does not have one pair of marks.
    """
    return put_between(text, BEGIN, END, generated)


def as_markdown(scoreboard: Scoreboard) -> str:
    """Everything between the marks."""
    parts = [_head(scoreboard), goals(scoreboard.boards), spec_lines(scoreboard.boards, SHOWN)]
    parts += [_section(board, scoreboard.taken.get(name)) for name, board in scoreboard.boards.items()]
    if scoreboard.papers:
        parts.append(_papers(scoreboard))
    if scoreboard.taken:
        parts.append(_evidence(scoreboard.taken))
    return "\n\n".join(parts) + "\n"


def _head(scoreboard: Scoreboard) -> str:
    models = ", ".join(f"{name} {version}" for name, version in scoreboard.models.items())
    lines = [
        f"Written by `miraikakaku scoreboard`; whatever is typed here is lost. Models and versions: {models}."
    ]
    if scoreboard.size.name != "full":
        lines.insert(0, f"**Size {scoreboard.size.name}: too few days to tell anything.**\n")
    return "\n".join(lines)


def _section(board: BacktestResult, taken: Taken | None) -> str:
    parts = [f"### {_TITLES[board.name]}\n{_about(board, taken)}"]
    parts += [f"h = {horizon}\n\n{_scores(board, horizon)}" for horizon in SHOWN]
    parts.append(
        f"MAE to no change (\\* p < {LEVEL}) and coverage of the 80 % band, by horizon\n\n{_horizons(board)}"
    )
    if board.spread.height:
        parts.append(
            f"Instruments with {FEWEST_OUTCOMES} outcomes of a horizon: coverage of the 80 % band, and MAE to no "
            "change, below which a tenth, half and nine tenths of them lie\n\n" + _spread(board.spread)
        )
    if board.sectors.height:
        parts.append(f"Sectors: the ensemble, h = 1\n\n{_sectors(board.sectors)}")
    parts.append(_decided(board))
    return "\n\n".join(part for part in parts if part)


def _about(board: BacktestResult, taken: Taken | None) -> str:
    cadence = (
        "one training before the first"
        if board.refit_every is None
        else f"trained anew every {board.refit_every}"
    )
    origins = f"{board.origins} origins, {board.first} to {board.last}, {cadence}."
    if board.name == CURRENCIES:
        origins = f"{board.origins} origins, the test days of the papers, {cadence}."
    sentences = [
        origins,
        f"{board.instruments:,} of {board.market:,} instruments are forecast, all are trained on.",
    ]
    sentences += [f"{model} forecasts {count:,} of them." for model, count in board.few.items()]
    sentences += [f"**{model} failed: {why}.**" for model, why in board.failed.items()]
    reasons = [f"{model} {reason} {count:,}" for model, reason, count in board.missing.rows()]
    if reasons:
        sentences.append(f"Forecasts not made, of all horizons: {', '.join(reasons)}.")
    if taken is not None and taken.unlisted:
        sentences.append(f"In no list, and not forecast: {', '.join(taken.unlisted)}.")
    return " ".join(sentences)


def _scores(board: BacktestResult, horizon: int) -> str:
    names = ("model", "n", "days", "missing", *SCORE_NAMES, "width 80", "width 95", "by errors")
    rows = [
        (
            row["model"],
            f"{row['n']:,}",
            str(row["days"]),
            f"{row['missing']:,}",
            *score_cells(row),
            percent(row["width_80"], 2),
            percent(row["width_95"], 2),
            percent(row["calibrated"], 0),
        )
        for row in board.scores.filter(pl.col("horizon") == horizon).iter_rows(named=True)
    ]
    return table(names, rows)


def _horizons(board: BacktestResult) -> str:
    names = ("model", *(f"h = {h}" for h in HORIZONS), *(f"80 %, h = {h}" for h in HORIZONS))
    rows = []
    for (model,), part in board.scores.group_by("model", maintain_order=True):
        own = {row["horizon"]: row for row in part.iter_rows(named=True)}
        ratios = [
            ratio(own[h]["mae_to_no_change"]) + ("\\*" if _better(own[h]["p_holm"]) else "") for h in HORIZONS
        ]
        rows.append((str(model), *ratios, *(percent(own[h]["coverage_80"], 1) for h in HORIZONS)))
    return table(names, rows)


def _better(p_value: float | None) -> bool:
    return p_value is not None and p_value < LEVEL


def _spread(spread: pl.DataFrame) -> str:
    names = (
        *(
            "model",
            "h",
            "instruments",
            "too few",
            f"within {100 * FAIR[0]:g}–{percent(FAIR[1], 0)}",
            "80 % band",
        ),
        *("MAE to no change", "better than no change", "優位性なし", f"MAPE < {percent(MAPE_LINE, 0)}"),
    )
    rows = [
        (
            row["model"],
            "all" if row["horizon"] == POOLED else str(row["horizon"]),
            f"{row['instruments']:,}",
            f"{row['too_few']:,}",
            percent(row["fair"], 1),
            " · ".join(percent(row[f"coverage_{word}"], 1) for word in ("low", "middle", "high")),
            " · ".join(ratio(row[f"ratio_{word}"]) for word in ("low", "middle", "high")),
            percent(row["better"], 1),
            percent(row["no_edge"], 1),
            percent(row["mape_met"], 1),
        )
        for row in spread.iter_rows(named=True)
    ]
    return table(names, rows)


def _sectors(sectors: pl.DataFrame) -> str:
    rows = [
        (row["sector"], f"{row['instruments']:,}", f"{row['n']:,}", *score_cells(row))
        for row in sectors.iter_rows(named=True)
    ]
    return table(("sector", "instruments", "n", *SCORE_NAMES), rows)


def _decided(board: BacktestResult) -> str:
    sentences = []
    if board.weights:
        shares = [f"h = {h} {_shares(board.weights[h])}" for h in sorted(board.weights)]
        sentences.append(f"Weights after the last origin: {'; '.join(shares)}.")
    if board.champions:
        named = [f"h = {h} {model}" for h, model in sorted(board.champions.items())]
        sentences.append(f"Champions: {', '.join(named)}.")
    return " ".join(sentences)


def _shares(weights: object) -> str:
    assert isinstance(weights, dict)  # noqa: S101 - as `BacktestResult` says
    ordered = sorted(weights.items(), key=lambda pair: (-pair[1], pair[0]))
    return ", ".join(f"{model} {weight:.2f}" for model, weight in ordered if weight >= _TOLD)


def _papers(scoreboard: Scoreboard) -> str:
    names = ("method", "from", *(f"RSE {step}" for step in STEPS), *(f"CORR {step}" for step in STEPS))
    ours = [(paper.method, "here", paper.rse, paper.corr) for paper in scoreboard.papers]
    theirs = [(result.method, result.paper, result.rse, result.corr) for result in PUBLISHED]
    rows = [
        (
            method,
            whose,
            *(
                f"{measured[step]:.4f}" if step in measured else NOTHING
                for measured in (rse, corr)
                for step in STEPS
            ),
        )
        for method, whose, rse, corr in (*ours, *theirs)
    ]
    filled = [f"{paper.method} {paper.filled:,}" for paper in scoreboard.papers if paper.filled]
    beside = (
        f"\n\nForecasts not made, for which the last value stands: {', '.join(filled)}." if filled else ""
    )
    return f"### The papers on `exchange_rate`, days ahead\n\n{table(names, rows)}{beside}"


def _evidence(taken: dict[str, Taken]) -> str:
    names = ("set", "symbols", "rows of the file", "stored", "in quarantine, by rule", "lists", "days")
    rows = [
        (
            name,
            f"{evidence.symbols:,}",
            f"{evidence.rows:,}",
            f"{evidence.stored:,}",
            ", ".join(f"{rule} {count:,}" for rule, count in sorted(evidence.quarantined.items())) or NOTHING,
            str(evidence.lists) if evidence.lists else NOTHING,
            f"{evidence.first} to {evidence.last}",
        )
        for name, evidence in sorted(taken.items())
    ]
    return f"### The evidence as it was imported\n\n{table(names, rows)}"
