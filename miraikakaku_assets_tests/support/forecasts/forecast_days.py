"""A small market of Tokyo whose bars come day by day, forecast and scored by the use cases themselves."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from math import exp, log
from pathlib import Path
from typing import Any

from miraikakaku_assets.adapters.files.state_folders import FolderModelStore
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.forecasts.market import PostgresMarketBars
from miraikakaku_assets.application.forecasting.daily import ForecastPorts, score_universe
from miraikakaku_assets.application.forecasting.inputs import forecast_inputs
from miraikakaku_assets.application.forecasting.predict import (
    PredictionPorts,
    PredictionReport,
    make_predictions,
)
from miraikakaku_assets.application.forecasting.score import ScoreReport
from miraikakaku_assets.application.forecasting.train import TrainingPorts, train_models
from miraikakaku_assets.domain.forecasting.baselines import Drift, RandomWalk
from miraikakaku_assets.domain.forecasting.contract import Forecaster
from miraikakaku_assets.domain.market.instruments import JP, Timeframe
from miraikakaku_assets_tests.support.forecasts.stored_forecasts import DAYS, store
from miraikakaku_assets_tests.support.markets.analysed_market import Market, tokyo
from miraikakaku_assets_tests.support.markets.stored_market import rows_of

RATES = {"1301.T": 1.01, "7203.T": 0.99, "9984.T": 1.005}
"""What a close is of the one before, until the origin: σ is the size of the log of it, and so is the drift."""

AT = 30
ORIGIN = DAYS[AT]
NEXT_OPEN = datetime(2025, 2, 20, 0, 0, tzinfo=UTC)
"""9:00 in Tokyo on the session after 2025-02-19."""

BOTH = (RandomWalk(), Drift())


def evening(day: date) -> datetime:
    """21:00 in Tokyo: the bar of the day is final, the next session has not begun."""
    return datetime.combine(day, time(12), UTC)


def close_at(symbol: str, session: int) -> float:
    """The close of a symbol on a session (its number in `DAYS`), until the origin."""
    return 1_000.0 * RATES[symbol] ** session


def bar(symbol: str, day: date, close: float) -> dict[str, Any]:
    """A daily bar, stamped by the open of its session at 9:00 in Tokyo."""
    opens = datetime.combine(day, time(0), UTC)
    prices = dict.fromkeys(("open", "high", "low", "close"), close)
    return {
        "symbol": symbol,
        "session": day,
        "stamp": opens,
        "ts": opens,
        "row": 0,
        "volume": 100.0,
        **prices,
    }


@dataclass
class Days:
    """A market with a clock, forecast by two baselines that stand for all models.

    Attributes:
        database: Where everything is.
        home: State folder.
        market: Its bars and the time.
    """

    database: Database
    home: Path
    market: Market = field(init=False)

    def __post_init__(self) -> None:
        codes = [symbol.removesuffix(".T") for symbol in RATES]
        self.market = tokyo(self.database, JP, *codes, "1306", now=evening(ORIGIN))

    def deliver(self, bars: Iterable[dict[str, Any]]) -> None:
        """Stores bars as a collection would that ends now."""
        self.market.deliver(Timeframe.D1, list(bars))

    def deliver_history(self, *without: str) -> None:
        """Every bar until the origin; of the symbols named, that of the origin has not come."""
        for symbol in RATES:
            last = AT - 1 if symbol in without else AT
            self.deliver(bar(symbol, day, close_at(symbol, n)) for n, day in enumerate(DAYS[: last + 1]))

    def comes(self, session: int, moves: Mapping[str, float]) -> None:
        """The evening of a session on which so much came of some symbols since the origin (log returns)."""
        self.market.now = evening(DAYS[session])
        self.deliver(late(session, moves))

    def ports(self, forecasters: Sequence[Forecaster] = BOTH) -> ForecastPorts:
        """Everything real but the clock."""

        def clock() -> datetime:
            return self.market.now

        kept, shelf = store(self.database), FolderModelStore(self.home)
        training = TrainingPorts(kept, shelf, clock, "test")
        prediction = PredictionPorts(kept, shelf, clock, forecasters)
        return ForecastPorts(PostgresMarketBars(self.database), training, prediction, clock)

    def train(self, forecasters: Sequence[Forecaster] = BOTH) -> None:
        """Trains on the bars of a session before the origin."""
        ports, until = self.ports(), DAYS[AT - 1]
        inputs = forecast_inputs(JP, until, until, ports.bars)
        assert not train_models(inputs, until, forecasters, ports.training).failed

    def predict(
        self, forecasters: Sequence[Forecaster] = BOTH, now: datetime | None = None
    ) -> PredictionReport:
        """Forecasts from the origin with the bars that there are."""
        self.market.now = now or self.market.now
        ports = self.ports(forecasters)
        return make_predictions(forecast_inputs(JP, ORIGIN, ORIGIN, ports.bars), ORIGIN, ports.prediction)

    def score(self) -> ScoreReport:
        """Scores what has ended by now."""
        return score_universe(JP, self.ports())

    def outcomes(self) -> dict[tuple[str, int], float | None]:
        """Symbol and horizon → actual log return."""
        table = "prediction_outcomes o JOIN miraikakaku.instruments i ON i.id = o.instrument_id"
        return {
            (symbol, horizon): actual
            for symbol, horizon, actual in rows_of(self.database, table, "i.symbol, o.horizon, o.actual")
        }

    def everything_scored(self) -> dict[str, list[tuple[Any, ...]]]:
        """Outcomes and scores, bit for bit, with the moments at which they were stored."""
        return {
            "prediction_outcomes": rows_of(self.database, "prediction_outcomes", order="1, 2, 3, 4"),
            "prediction_performance": rows_of(
                self.database,
                "prediction_performance",
                order="universe, segment_kind, segment, model, horizon, window_origins, until",
            ),
        }


def late(session: int, moves: Mapping[str, float]) -> list[dict[str, Any]]:
    """Bars of a session, each so far from the close at the origin (log returns)."""
    return [bar(symbol, DAYS[session], close_at(symbol, AT) * exp(move)) for symbol, move in moves.items()]


def slope(symbol: str) -> float:
    """Log return of each session until the origin."""
    return log(RATES[symbol])
