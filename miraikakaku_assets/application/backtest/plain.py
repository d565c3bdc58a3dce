"""The scoreboard as plain values, for scripts."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

import polars as pl

from miraikakaku_assets.application.backtest.goals import reached
from miraikakaku_assets.application.backtest.make_scoreboard import Scoreboard
from miraikakaku_assets.application.backtest.published_results import PUBLISHED
from miraikakaku_assets.application.backtest.tables import BacktestResult


def plain(scoreboard: Scoreboard) -> dict[str, Any]:
    """Numbers as they are, tables as lists of rows; dates stay dates."""
    return {
        "size": scoreboard.size.name,
        "models": dict(scoreboard.models),
        "evidence": {name: asdict(evidence) for name, evidence in scoreboard.taken.items()},
        "sets": {name: _board(board) for name, board in scoreboard.boards.items()},
        "exchange_rate": {
            "here": [asdict(paper) for paper in scoreboard.papers],
            "published": [asdict(result) for result in PUBLISHED] if scoreboard.papers else [],
        },
    }


def _board(board: BacktestResult) -> dict[str, Any]:
    values = {field.name: _value(getattr(board, field.name)) for field in fields(board)}
    return values | {"reached": reached(board)}


def _value(value: Any) -> Any:
    if isinstance(value, pl.DataFrame):
        return value.to_dicts()
    return dict(value) if isinstance(value, Mapping) else value
