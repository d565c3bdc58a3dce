"""Several writers of the same forecasts, writers that are killed, and a database from before there were forecasts."""

import subprocess
import sys
import textwrap
from datetime import date
from hashlib import md5
from pathlib import Path

import polars as pl
import pytest
from alembic import command
from sqlalchemy import text

from miraikakaku_assets.adapters.storage import migrate
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.domain.market.instruments import JP
from miraikakaku_assets_tests.support.at_once import together
from miraikakaku_assets_tests.support.bars.raw_bars import closes
from miraikakaku_assets_tests.support.forecasts.stored_forecasts import (
    DAYS,
    LATER,
    MADE,
    forecasts,
    outcomes,
    store,
    stored,
)
from miraikakaku_assets_tests.support.markets.stored_market import contents, listed, rows_of, write

pytestmark = pytest.mark.slow

CODES = ("9984", "1301", "7203", "130A", "4502", "2593", "6758", "1306")
SYMBOLS = [f"{code}.T" for code in CODES]
ORIGINS = DAYS[:6]


def shuffled(frame: pl.DataFrame, seed: int) -> pl.DataFrame:
    return frame.sample(fraction=1, shuffle=True, seed=seed)


def test_writers_of_the_same_forecasts_and_outcomes_store_each_once(database: Database) -> None:
    listed(database, *CODES)
    made = forecasts(SYMBOLS, ("lstm", "theta"), ORIGINS)
    came = outcomes(SYMBOLS, ORIGINS)
    for _ in range(3):
        with database.engine.begin() as connection:
            connection.execute(
                text("TRUNCATE miraikakaku.daily_predictions, miraikakaku.prediction_outcomes")
            )
        written, new = [], []

        def forecast(seed: int, part: pl.DataFrame) -> None:
            written.append(store(database).save_predictions(JP, shuffled(part, seed), MADE))  # noqa: B023

        def score(seed: int, part: pl.DataFrame) -> None:
            new.append(store(database).save_outcomes(JP, shuffled(part, seed), LATER))  # noqa: B023

        together(
            lambda: forecast(1, made),
            lambda: forecast(2, made),
            lambda: forecast(3, made.filter(pl.col("model") == "lstm")),
            lambda: forecast(4, made.filter(pl.col("symbol").is_in(SYMBOLS[3:]))),
            lambda: score(5, came),
            lambda: score(6, came.filter(pl.col("as_of") > ORIGINS[2])),
        )
        assert sum(written) == made.height
        assert sum(new) == came.height
        predictions = store(database).predictions(JP, ORIGINS[0], ORIGINS[-1])
        assert predictions.drop("made_at").equals(made.sort("symbol", "model", "as_of", "horizon"))
        assert len(rows_of(database, "prediction_outcomes")) == came.height
        assert store(database).unscored(JP, DAYS[-1]).is_empty()  # whoever came first


def test_of_many_reasons_and_forecasts_at_once_a_forecast_stays(database: Database) -> None:
    listed(database, *CODES)
    versions = [forecasts(SYMBOLS, seed=seed) for seed in range(3)]
    missing = forecasts(SYMBOLS, missing=SYMBOLS)
    together(
        *(
            lambda table=table: store(database).save_predictions(JP, table, MADE)
            for table in [*versions, missing, missing]
        )
    )
    predictions = store(database).predictions(JP, ORIGINS[0], ORIGINS[0]).drop("made_at")
    assert any(
        predictions.equals(version.sort("symbol", "model", "as_of", "horizon")) for version in versions
    )


# It halts after the first statement of its transaction, inside of it.
HALTED = textwrap.dedent("""
    import sys
    import polars as pl
    from miraikakaku_assets.adapters.storage.forecasts import store as forecasts
    from miraikakaku_assets.adapters.storage.engine import Database
    from miraikakaku_assets.domain.market.instruments import JP
    from miraikakaku_assets_tests.support.forecasts.stored_forecasts import LATER

    counted = forecasts._count

    def halt(cursor, query):
        print(counted(cursor, query), flush=True)
        sys.stdin.readline()

    forecasts._count = halt
    store = forecasts.PostgresForecasts(Database(sys.argv[1]))
    getattr(store, sys.argv[2])(JP, pl.read_parquet(sys.argv[3]), LATER)
""")


@pytest.mark.parametrize("what", ["save_predictions", "save_outcomes"])
def test_killed_between_two_statements_it_has_written_nothing(
    database: Database, tmp_path: Path, what: str
) -> None:
    listed(database, *CODES)
    made, came = forecasts(SYMBOLS, origins=ORIGINS), outcomes(SYMBOLS, ORIGINS)
    if what == "save_outcomes":
        store(database).save_predictions(JP, made, MADE)
    delivery, file = (made if what == "save_predictions" else came), tmp_path / "delivery.parquet"
    delivery.write_parquet(file)
    before = stored(database)
    process = subprocess.Popen(
        [sys.executable, "-c", HALTED, database.url, what, str(file)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == f"{delivery.height}\n"
        assert stored(database) == before
    finally:
        process.kill()
        process.communicate()
    assert stored(database) == before
    # Its lock is gone with it: the same delivery is stored whole.
    assert getattr(store(database), what)(JP, delivery, LATER) == delivery.height
    after = stored(database)
    assert len(after["awaited"]) == (made.height if what == "save_predictions" else 0)
    assert len(after["outcomes"]) == (0 if what == "save_predictions" else came.height)


def test_database_from_before_forecasts_gets_their_tables_and_keeps_its_own(database_url: str) -> None:
    database = Database(database_url)
    migrate.upgrade(database)
    with database.engine.begin() as connection:
        command.downgrade(migrate.alembic_config(connection), "0005")
    assert tables(database).isdisjoint(FORECASTS)
    write(database, listed(database, "7203"), closes(10.0, 11.0, 12.0))
    before = contents(database)
    assert len(before["price_bars"]) == 3

    assert migrate.upgrade(database)[0] == "0005"
    assert tables(database) >= FORECASTS
    assert contents(database) == before
    assert store(database).save_predictions(JP, forecasts(["7203.T"]), MADE) == 5

    with database.engine.begin() as connection:
        command.downgrade(migrate.alembic_config(connection), "0005")
    assert tables(database).isdisjoint(FORECASTS)
    assert contents(database) == before
    migrate.upgrade(database)
    assert store(database).predictions(JP, DAYS[0], DAYS[-1]).is_empty()
    with database.engine.connect() as connection:
        command.check(migrate.alembic_config(connection))
    database.close()


FORECASTS = {
    "forecast_models", "daily_predictions", "prediction_outcomes", "awaited_outcomes", "prediction_performance",
    "forecast_decisions",
}  # fmt: skip


def tables(database: Database) -> set[str]:
    with database.engine.connect() as connection:
        query = text("SELECT tablename FROM pg_tables WHERE schemaname = 'miraikakaku'")
        return set(connection.scalars(query))


def test_rows_of_a_sample_lie_side_by_side(database: Database) -> None:
    codes = [str(code) for code in range(1301, 1401)]
    listed(database, *codes)
    symbols = [f"{code}.T" for code in codes]
    store(database).save_predictions(JP, forecasts(symbols, ("theta",), DAYS[:2]), MADE)
    placed = rows_of(
        database,
        "daily_predictions p JOIN miraikakaku.instruments i ON i.id = p.instrument_id",
        "p.as_of, i.symbol",
        "p.ctid",
    )
    by_digest = sorted(symbols, key=lambda symbol: md5(symbol.encode()).hexdigest())  # noqa: S324
    assert list(dict.fromkeys(placed)) == [(day, symbol) for day in DAYS[:2] for symbol in by_digest]


def test_days_of_the_tests_are_sessions() -> None:
    assert DAYS[0] == date(2025, 1, 6)
    assert len(DAYS) > 40
