"""Trainings, forecasts and what came, in PostgreSQL.

A delivery is one transaction: it is staged, then put into the tables under a lock that keeps writers of the same
universe apart. A second run of the same delivery changes nothing; one that is killed has changed nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from math import isfinite
from typing import Any

import polars as pl
from sqlalchemy import Row, and_, func, or_, select
from sqlalchemy.dialects.postgresql import insert

from miraikakaku_assets.adapters.storage.adbc import bulk_cursor, plain_array, read_frame, stage, text_array
from miraikakaku_assets.adapters.storage.forecasts import statements
from miraikakaku_assets.adapters.storage.forecasts.frames import (
    in_reading_order,
    outcome_rows,
    prediction_rows,
)
from miraikakaku_assets.adapters.storage.forecasts.performance import PostgresScoreboard, plain
from miraikakaku_assets.adapters.storage.forecasts.tables import forecast_models
from miraikakaku_assets.application.ports.forecasts import PREDICTIONS, ModelRecord
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.forecasting.timing.clocks import ForecastClock
from miraikakaku_assets.domain.market.instruments import Universe
from miraikakaku_assets.fault_points import fault_point

_SCORED: dict[str, pl.DataType] = PREDICTIONS | {"actual": pl.Float64(), "naive": pl.Float64()}
_STORED: dict[str, pl.DataType] = PREDICTIONS | {"made_at": pl.Datetime("us", "UTC")}
_KEY = ("as_of", "instrument_id", "horizon")


@dataclass(frozen=True)
class _Sample:
    """Which instruments a sample is of: those with forecasts of a clock in a window of origins."""

    clock: ForecastClock
    since: date
    until: date
    most: int | None


class PostgresForecasts(PostgresScoreboard):
    """Implements the port `ForecastStore`."""

    def at(self, clock: ForecastClock) -> "PostgresForecasts":
        """The same store, of the forecasts that are made at another clock."""
        return self if clock is self._clock else PostgresForecasts(self._database, clock)

    def record_model(self, record: ModelRecord) -> ModelRecord:
        """Records a training once and returns what is stored of it, with its number.

        Raises:
            ConfigurationError: It has neither a file with its digest nor a reason, or both; or figures that are none.
        """
        named = f"{record.model} of {record.universe}, trained until {record.trained_until}"
        whole = record.file is not None and record.sha256 is not None
        if whole == (record.reason is not None) or (record.file is None) != (record.sha256 is None):
            raise ConfigurationError(
                f"{named} needs either a file with its digest or a reason why it has none"
            )
        if not isfinite(record.seconds):
            raise ConfigurationError(f"{named} took {record.seconds} seconds; measure it")
        values = asdict(record) | {"metrics": plain(record.metrics, named)}
        del values["id"]
        adding = insert(forecast_models).values(values)
        again = ("trained_at", "seconds", "file", "sha256", "metrics", "reason")
        writing = adding.on_conflict_do_update(
            constraint="uq_forecast_models_training",
            set_={name: adding.excluded[name] for name in again},
            where=and_(
                adding.excluded.reason.is_(None),
                or_(
                    forecast_models.c.reason.is_not(None), forecast_models.c.sha256 != adding.excluded.sha256
                ),
            ),
        )
        same = and_(*(forecast_models.c[name] == values[name] for name in values if name not in again))
        with self._database.engine.begin() as connection:
            row = connection.execute(writing.returning(forecast_models)).first()
            stored = _record(row or connection.execute(select(forecast_models).where(same)).one())
        fault_point("models.after_commit")
        return stored

    def models(self, universe: Universe, until: date) -> list[ModelRecord]:
        """The newest training of every model that came to something and saw nothing behind a session, by name."""
        known = forecast_models.c
        query = (
            select(forecast_models)
            .where(known.universe == universe.name, known.reason.is_(None), known.trained_until <= until)
            .distinct(known.model)
            .order_by(known.model, known.trained_until.desc(), known.trained_at.desc(), known.id.desc())
        )
        with self._database.engine.connect() as connection:
            return [_record(row) for row in connection.execute(query)]

    def trainings(self, universe: Universe, last: int | None) -> list[ModelRecord]:
        """The newest trainings of every model, all of them for None, failed ones included, newest first."""
        newest = [forecast_models.c[name].desc() for name in ("trained_until", "trained_at", "id")]
        place = func.row_number().over(partition_by=forecast_models.c.model, order_by=newest)
        ranked = (
            select(forecast_models.c.id, place.label("place"))
            .where(forecast_models.c.universe == universe.name)
            .subquery()
        )
        chosen = select(ranked.c.id)
        if last is not None:
            chosen = chosen.where(ranked.c.place <= last)
        query = select(forecast_models).where(forecast_models.c.id.in_(chosen)).order_by(*newest)
        with self._database.engine.connect() as connection:
            return [_record(row) for row in connection.execute(query)]

    def save_predictions(self, universe: Universe, predictions: pl.DataFrame, made_at: datetime) -> int:
        """Stores forecasts in one transaction, and returns how many were written; what is there stays.

        Raises:
            PermanentSymbolError: A forecast cannot be stored (NaN, an unknown symbol, …); then none of them is.
        """
        if predictions.is_empty():
            return 0
        with bulk_cursor(self._database) as cursor:
            rows = prediction_rows(predictions, _instruments(cursor, universe), made_at)
            rows = rows.with_columns(clock=pl.lit(self._clock.value))
            stage(cursor, "made_predictions", rows)
            _lock(cursor, universe)
            written = _count(cursor, statements.SAVE_PREDICTIONS)
            origins = (str(rows["as_of"].min()), str(rows["as_of"].max()))
            cursor.execute(statements.AWAIT, origins)
            if written:
                cursor.execute(statements.TO_BE_SCORED_AGAIN, (universe.name, *origins))
            fault_point("forecasts.before_commit")
        fault_point("forecasts.after_commit")
        return written

    def predicted(self, universe: Universe, as_of: date) -> Mapping[str, int]:
        """Model → symbols that have a forecast from that session, or a reason why not."""
        with bulk_cursor(self._database) as cursor:
            cursor.execute(statements.PREDICTED, (universe.name, str(as_of), self._clock.value))
            return dict(cursor.fetchall())

    def newest_origin(self, universe: Universe) -> date | None:
        """The newest session that anything was forecast from."""
        with bulk_cursor(self._database) as cursor:
            cursor.execute(statements.NEWEST_ORIGIN, (universe.name, self._clock.value))
            row = cursor.fetchone()
        return None if row is None else row[0]

    def predictions(
        self,
        universe: Universe,
        since: date,
        until: date,
        symbols: Sequence[str] | None = None,
        models: Sequence[str] | None = None,
    ) -> pl.DataFrame:
        """Forecasts of origins in a window, with ``made_at``, sorted by symbol, model, as_of, horizon."""
        with bulk_cursor(self._database) as cursor:
            instruments = _chosen(cursor, universe, symbols)
            return in_reading_order(
                _predictions(cursor, self._clock, since, until, instruments, models), instruments, _STORED
            )

    def unscored(self, universe: Universe, until: date) -> pl.DataFrame:
        """Targets up to a session that were forecast, by any model, and have no outcome; sorted by symbol, as_of."""
        with bulk_cursor(self._database) as cursor:
            return read_frame(cursor, statements.UNSCORED, (universe.name, str(until)))

    def save_outcomes(self, universe: Universe, outcomes: pl.DataFrame, scored_at: datetime) -> int:
        """Stores what came in one transaction, and returns how many were new; what is there stays.

        Raises:
            PermanentSymbolError: An outcome cannot be stored; then none of them is.
        """
        if outcomes.is_empty():
            return 0
        with bulk_cursor(self._database) as cursor:
            rows = outcome_rows(outcomes, _instruments(cursor, universe), scored_at)
            stage(cursor, "came_outcomes", rows)
            _lock(cursor, universe)
            written = _count(cursor, statements.SAVE_OUTCOMES)
            if written:
                cursor.execute(statements.TO_BE_SCORED, (universe.name,))
            cursor.execute(statements.AWAITED_NO_MORE)
            fault_point("scores.before_commit")
        fault_point("scores.after_commit")
        return written

    def scored(
        self,
        universe: Universe,
        since: date,
        until: date,
        symbols: Sequence[str] | None = None,
        models: Sequence[str] | None = None,
        sample: int | None = None,
    ) -> pl.DataFrame:
        """Forecasts of origins in a window with what came by `until`.

        A sample holds the symbols whose digests are the smallest, of those with forecasts in the window: a new issue
        changes it by one at most.
        """
        with bulk_cursor(self._database) as cursor:
            instruments = _chosen(cursor, universe, symbols, _Sample(self._clock, since, until, sample))
            if sample is not None:
                for statement in statements.SIDE_BY_SIDE:
                    cursor.execute(statement)
            made = _predictions(cursor, self._clock, since, until, instruments, models)
            came = _frame(cursor, _within(statements.OUTCOMES, since, until, instruments))
        return in_reading_order(made, instruments, _SCORED, came)

    def directions(
        self, universe: Universe, since: date, until: date, model: str, symbols: Sequence[str] | None = None
    ) -> pl.DataFrame:
        """Signs of what a model forecast from a window of origins, and of what came by `until`."""
        with bulk_cursor(self._database) as cursor:
            instruments = _chosen(cursor, universe, symbols)
            chosen = _of_models(cursor, [model])
            signs = _frame(
                cursor,
                _within(
                    statements.DIRECTIONS, since, until, instruments, chosen=chosen, clock=self._clock.value
                ),
            )
        symbol = pl.col("instrument_id").replace_strict(
            instruments["id"], instruments["symbol"], return_dtype=pl.String
        )
        return signs.select(
            *(symbol.alias("symbol"), pl.lit(model).alias("model")),
            *(pl.col("horizon").cast(pl.Int64), "as_of", pl.col("point", "actual").cast(pl.Int8)),
        )


def _record(row: Row[Any]) -> ModelRecord:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's documented way to a row's names
    return ModelRecord(**values | {"trained_at": values["trained_at"].astimezone(UTC)})


def _instruments(cursor: Any, universe: Universe) -> dict[str, int]:
    cursor.execute(statements.INSTRUMENTS, (universe.name,))
    return dict(cursor.fetchall())


def _chosen(
    cursor: Any,
    universe: Universe,
    symbols: Sequence[str] | None,
    sample: _Sample | None = None,
) -> pl.DataFrame:
    """Columns ``id`` and ``symbol`` of the instruments that are asked for."""
    chosen, parameters = "", [universe.name]
    if symbols is not None:
        chosen, parameters = "AND symbol = ANY ($2::text[])", [universe.name, text_array(symbols)]
    if sample is not None and sample.most is not None:
        names = ("since", "until", "sample", "clock")
        places = {name: len(parameters) + nth for nth, name in enumerate(names, 1)}
        chosen += statements.SAMPLED.format(**places)
        parameters += [str(sample.since), str(sample.until), str(sample.most), sample.clock.value]
    return read_frame(cursor, statements.CHOSEN.format(chosen=chosen), parameters)


def _predictions(
    cursor: Any,
    clock: ForecastClock,
    since: date,
    until: date,
    instruments: pl.DataFrame,
    models: Sequence[str] | None,
) -> pl.DataFrame:
    chosen = "" if models is None else _of_models(cursor, models)
    query = _within(statements.PREDICTIONS, since, until, instruments, chosen=chosen, clock=clock.value)
    return _frame(cursor, query)


def _of_models(cursor: Any, models: Sequence[str]) -> str:
    cursor.execute(statements.QUOTED, (text_array(models),))
    return statements.OF_MODELS.format(quoted=cursor.fetchone()[0])


def _within(query: str, since: date, until: date, instruments: pl.DataFrame, **further: str) -> str:
    return query.format(
        since=since.isoformat(), until=until.isoformat(), ids=plain_array(instruments["id"]), **further
    )


def _frame(cursor: Any, query: str) -> pl.DataFrame:
    """What a query without parameters finds; names as categories, which take a quarter of the memory of text."""
    cursor.execute(query)
    reader = cursor.fetch_record_batch()
    parts = [pl.DataFrame(reader.schema.empty_table()), *map(pl.DataFrame, reader)]
    return pl.concat(
        [part.with_columns(pl.col(pl.String).cast(pl.Categorical)) for part in parts], rechunk=True
    )


def _lock(cursor: Any, universe: Universe) -> None:
    cursor.execute(statements.LOCK, (universe.name,))
    cursor.fetchall()


def _count(cursor: Any, query: str) -> int:
    cursor.execute(query)
    return int(cursor.fetchone()[0])
