"""Scores of forecasts, and what was decided from them, in PostgreSQL."""

import json
from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from miraikakaku_assets.adapters.storage.adbc import bulk_cursor, plain_array, read_frame, stage
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.forecasts import statements
from miraikakaku_assets.adapters.storage.forecasts.frames import performance_rows
from miraikakaku_assets.adapters.storage.forecasts.tables import forecast_decisions
from miraikakaku_assets.application.ports.forecasts import PERFORMANCE, Decision
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.forecasting.timing.clocks import ForecastClock
from miraikakaku_assets.domain.market.instruments import Universe

_ALWAYS = date(1, 1, 1)


class PostgresScoreboard:
    """The part of the port `ForecastStore` that is about scores and decisions."""

    def __init__(self, database: Database, clock: ForecastClock = ForecastClock.EVENING) -> None:
        self._database = database
        self._clock = clock

    @property
    def clock(self) -> ForecastClock:
        """Whose forecasts, scores and decisions it holds."""
        return self._clock

    def days_to_score(self, universe: Universe, until: date) -> dict[date, int]:
        """Days up to a session whose scores are not those of what is stored, ascending, each with its mark."""
        with bulk_cursor(self._database) as cursor:
            cursor.execute(statements.DAYS_TO_SCORE, (universe.name, str(until), self._clock.value))
            return dict(cursor.fetchall())

    def save_performance(
        self, universe: Universe, performance: pl.DataFrame, done: Mapping[date, int] | None = None
    ) -> int:
        """Stores scores, and takes the marks of the days that are scored by them away, in one transaction.

        The same segment, model, horizon, window and day is replaced.

        Raises:
            ConfigurationError: A score is NaN or infinite, or there twice.
        """
        rows = performance_rows(performance)
        with bulk_cursor(self._database) as cursor:
            if not rows.is_empty():
                stage(cursor, "made_scores", rows)
                cursor.execute(statements.SAVE_PERFORMANCE, (universe.name, self._clock.value))
            if done:
                marks = plain_array(done.values())
                cursor.execute(
                    statements.SCORED_DAYS, (universe.name, plain_array(done), marks, self._clock.value)
                )
        return rows.height

    def performance(
        self, universe: Universe, window: int, since: date | None = None, segment_kind: str = "universe"
    ) -> pl.DataFrame:
        """Stored scores, schema `PERFORMANCE`, sorted by segment, model, horizon, until."""
        parameters = (universe.name, segment_kind, window, str(since or _ALWAYS), self._clock.value)
        with bulk_cursor(self._database) as cursor:
            scores = read_frame(cursor, statements.PERFORMANCE, parameters).rename(
                {"window_origins": "window"}
            )
        return scores.select(pl.col(name).cast(kind) for name, kind in PERFORMANCE.items())

    def record_decisions(self, decisions: Sequence[Decision]) -> None:
        """Stores decisions in one transaction; one of the same universe, kind, origin and horizon stays as it was.

        Raises:
            ConfigurationError: One holds what JSON does not know, such as NaN.
        """
        rows = [
            {
                "universe": decision.universe,
                "clock": self._clock.value,
                "kind": decision.kind,
                "as_of": decision.as_of,
                "horizon": decision.horizon,
                "outcome": plain(decision.outcome, f"the {decision.kind} from {decision.as_of} on"),
                "evidence": plain(decision.evidence, f"the {decision.kind} from {decision.as_of} on"),
            }
            for decision in sorted(
                decisions,
                key=lambda decision: (decision.universe, decision.kind, decision.as_of, decision.horizon),
            )
        ]
        if rows:
            with self._database.engine.begin() as connection:
                connection.execute(insert(forecast_decisions).on_conflict_do_nothing(), rows)

    def decisions(self, universe: Universe, kind: str, until: date) -> list[Decision]:
        """The newest decision per horizon that held at an origin, by horizon."""
        table = forecast_decisions.c
        query = (
            select(table.universe, table.kind, table.as_of, table.horizon, table.outcome, table.evidence)
            .where(
                table.universe == universe.name,
                table.clock == self._clock.value,
                table.kind == kind,
                table.as_of <= until,
            )
            .distinct(table.horizon)
            .order_by(table.horizon, table.as_of.desc())
        )
        with self._database.engine.connect() as connection:
            return [Decision(*row) for row in connection.execute(query)]


def plain(content: Mapping[str, object], of: str) -> dict[str, object]:
    """A mapping as JSON can say it.

    Raises:
        ConfigurationError: It holds NaN, an infinity, or an object that JSON does not know.
    """
    try:
        document: dict[str, object] = json.loads(json.dumps(dict(content), allow_nan=False))
    except (ValueError, TypeError) as error:
        raise ConfigurationError(
            f"What is to be stored of {of} cannot be written as JSON ({error}); give finite numbers, text and lists"
        ) from error
    return document
