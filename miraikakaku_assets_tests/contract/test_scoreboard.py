"""The scoreboard through real tables: what it reads from them is what the domain says without them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from pydantic import SecretStr
from sqlalchemy import text

from miraikakaku_assets.adapters.sources.files.market_data_folder import evidence_in
from miraikakaku_assets.application.backtest.load_datasets import DatasetPorts, require_clean
from miraikakaku_assets.application.backtest.make_scoreboard import Scoreboard, make_scoreboard
from miraikakaku_assets.application.backtest.page import as_markdown
from miraikakaku_assets.application.backtest.scoreboard import QUICK, BacktestPorts, Size, in_sample_order
from miraikakaku_assets.application.backtest.tables import scores_of
from miraikakaku_assets.application.forecasting.predict import ENSEMBLE, PredictionPorts
from miraikakaku_assets.bootstrap import Ports, utc_now
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.forecasting.bands import conformal_bands
from miraikakaku_assets.domain.forecasting.baselines import Drift, RandomWalk
from miraikakaku_assets.domain.forecasting.contract import Profile
from miraikakaku_assets.domain.forecasting.evaluation import outcomes, rolling_origins, walk_forward
from miraikakaku_assets.domain.forecasting.panel import panel
from miraikakaku_assets.domain.market.instruments import COPPER, US
from miraikakaku_assets.domain.market.sessions import session_table
from miraikakaku_assets.settings import load_settings
from miraikakaku_assets_tests.support.forecasts.evidence_files import (
    ISSUES,
    UNLISTED,
    bars,
    days_of,
    evidence_folder,
)

pytestmark = pytest.mark.slow

SIZE = replace(
    QUICK,
    origins=dict.fromkeys(QUICK.origins, 45),
    refit_every=dict.fromkeys(QUICK.origins, 40),
    instruments={"us": 12},
    market={},
    single_share=0.5,
)


@dataclass(frozen=True)
class SlowDrift(Drift):
    """A drift of which a scoreboard takes some series only."""

    profile = Profile(scoreboard_series=6)


class Installation:
    """A database of its own, the evidence, and two models."""

    def __init__(self, url: str, home: Path, data: Path) -> None:
        settings = load_settings().model_copy(
            update={"miraikakaku_home": home, "database_url": SecretStr(url)}
        )
        self.ports, self.data = Ports(settings), data
        self.steps: list[tuple[str, str, int, int]] = []

    def make(self, sets: list[str], size: Size = SIZE) -> Scoreboard:
        use = self.ports
        models = PredictionPorts(
            use.forecasting.forecasts, use.forecasting.models, utc_now, (RandomWalk(), SlowDrift())
        )
        with evidence_in(self.data) as evidence:
            taking = DatasetPorts(
                evidence,
                use.sources.master_source,
                use.stores.masters,
                use.stores.files,
                use.stores.bars,
                use.stores.ledger,
                utc_now,
            )
            steps = self.steps
            return make_scoreboard(
                sets,
                size,
                taking,
                BacktestPorts(use.forecasting.market_bars, use.forecasting.training, models),
                lambda *step: steps.append(step),
            )

    def count(self, query: str) -> object:
        with self.ports.database.engine.connect() as connection:
            return connection.scalar(text(query))


@pytest.fixture
def installation(installed_url: str, tmp_path: Path) -> Iterator[Installation]:
    made = Installation(installed_url, tmp_path / "home", evidence_folder(tmp_path / "data"))
    yield made
    made.ports.database.close()


def test_the_figures_are_those_of_the_domain(installation: Installation) -> None:
    board = installation.make(["copper"]).boards["copper"]
    sessions = session_table(COPPER.calendar_of("HG=F"))["session"]
    days = pl.Series(days_of(COPPER))
    closes = bars(COPPER, 2, 3).select(symbol=pl.lit("HG=F"), session="Date", close="Close")
    data = panel(closes, sessions)
    origins = list(rolling_origins(days, days[-5 - 45], days[-1 - 5], 40))
    assert (board.origins, board.first, board.last) == (45, days[-5 - 45], days[-1 - 5])
    for model in (RandomWalk(), Drift()):
        rows = outcomes(conformal_bands(walk_forward(model, data, origins), data), data)
        golden = scores_of(rows).drop("mae_price", "rmse_price")  # of prices on another basis, perhaps
        scores = board.scores.filter(pl.col("model") == model.name).drop("p_holm", "mae_price", "rmse_price")
        assert_frame_equal(scores.select(golden.columns), golden, check_exact=False, rel_tol=1e-9)
    assert board.champions == dict.fromkeys(range(1, 6), "random_walk")


def test_every_row_of_the_evidence_is_accounted_for(installation: Installation) -> None:
    made = installation.make(["us"])
    taken = made.taken["us"]
    assert taken.rows == 25 * len(days_of(COPPER))
    assert taken.stored + sum(taken.quarantined.values()) == taken.rows
    assert taken.unlisted == (UNLISTED,)
    assert taken.quarantined == {"not_in_master": len(days_of(COPPER))}
    assert f"not forecast: {UNLISTED}" in as_markdown(made)


def test_all_are_trained_on_and_a_sample_is_forecast(installation: Installation) -> None:
    board = installation.make(["us"]).boards["us"]
    assert (board.market, board.instruments, dict(board.few)) == (24, 12, {"drift": 3})
    sample = in_sample_order(ISSUES)[:12]
    stored = installation.ports.forecasting.forecasts.predictions(US, board.first, board.last)
    held = {model: set(part["symbol"]) for (model,), part in stored.group_by("model")}
    assert held == {"random_walk": set(sample), "drift": set(sample[:3]), ENSEMBLE: set(sample)}
    origins = stored.filter(pl.col("model") == ENSEMBLE)["as_of"].n_unique()
    assert origins == board.origins == 45


def test_done_again_it_says_the_same_and_makes_nothing_anew(installation: Installation) -> None:
    first = as_markdown(installation.make(["fx", "copper"]))
    rows = installation.count("SELECT count(*) FROM miraikakaku.daily_predictions")
    trained = installation.count("SELECT count(*) FROM miraikakaku.forecast_models")
    installation.steps.clear()
    second = as_markdown(installation.make(["fx", "copper"]))
    assert second == first
    assert installation.count("SELECT count(*) FROM miraikakaku.daily_predictions") == rows
    assert installation.count("SELECT count(*) FROM miraikakaku.forecast_models") == trained
    assert {what for _, what, _, _ in installation.steps} == {"import"}
    # Two folds of 40 and 5 origins with their own trainings, in two universes, of two models.
    assert trained == 2 * 2 * 2


def test_progress_ends_where_it_said(installation: Installation) -> None:
    installation.make(["copper"])
    steps = [(done, of) for name, _, done, of in installation.steps if name == "copper" and of]
    assert steps == [(place, 9) for place in range(9)]  # three folds of a month, two models and the ensemble


def test_a_database_with_anything_in_it_is_refused(installation: Installation) -> None:
    require_clean(installation.ports.stores.status.table_sizes())
    installation.make(["copper"])
    with pytest.raises(ConfigurationError, match="rows in price_bars"):
        require_clean(installation.ports.stores.status.table_sizes())
