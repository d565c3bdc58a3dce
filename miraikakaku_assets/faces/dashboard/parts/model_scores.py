"""Scores of models, and how each model is named and drawn."""

from typing import Any

from miraikakaku_assets.application.reading.judgements import newest_scores
from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.market.instruments import universe
from miraikakaku_assets.faces.dashboard.language import Texts
from miraikakaku_assets.faces.dashboard.page import View
from miraikakaku_assets.faces.dashboard.parts.forecast_card import ENSEMBLE, NO_CHANGE
from miraikakaku_assets.faces.dashboard.reads import cached
from miraikakaku_assets.faces.dashboard.theme import BLUE, GREEN, ORANGE, PURPLE, SERIES, SKY, VERMILION

_DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x", "star", "cross", "hexagon", "pentagon")
TEXTS = Texts(
    {
        "ensemble": ("アンサンブル", "Ensemble"),
        "random_walk": ("変化なし", "No change"),
    }
)


@cached(120)
def scores_of(use: Ports, market: str, window: int) -> list[dict[str, Any]]:
    """The newest scores of every model and horizon over a whole market."""
    return newest_scores(universe(market), window, "universe", None, use.forecasting.forecasts)


def model_name(view: View, model: str) -> str:
    """What a model is called."""
    if model in (ENSEMBLE, NO_CHANGE):
        return view.texts(TEXTS)(model)
    return model.replace("_", " ")


def model_styles(view: View, models: list[str]) -> dict[str, tuple[str, str, str]]:
    """Model → colour, dash and symbol: told apart without colours, too; the same on every figure."""
    own = SKY if view.theme.is_dark else BLUE
    others = [colour for colour in (ORANGE, GREEN, PURPLE, VERMILION, *SERIES) if colour != own]
    styles = {}
    for place, model in enumerate(sorted(set(models) - {ENSEMBLE, NO_CHANGE})):
        styles[model] = (
            others[place % len(others)],
            _DASHES[(place + 1) % len(_DASHES)],
            _SYMBOLS[(place + 1) % len(_SYMBOLS)],
        )
    flat = {NO_CHANGE: (view.theme.muted, _DASHES[1], "line-ns")}
    return {ENSEMBLE: (own, _DASHES[0], _SYMBOLS[0])} | styles | flat
