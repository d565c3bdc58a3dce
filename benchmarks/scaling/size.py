"""One size, measured in a process of its own: every stage over as many issues with as many sessions each.

Costs are processor seconds of this process, of the programs it starts and of PostgreSQL: they hold on a machine that is
busy with something else, which wall time does not.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import psutil
from sqlalchemy import text

from benchmarks import market, quality
from benchmarks.coverage import peak_mib
from benchmarks.ingest import collect, put_in_force
from benchmarks.processor import postgres_seconds, processor_seconds
from miraikakaku_assets.adapters.storage import migrate
from miraikakaku_assets.adapters.storage.analysis.store import PostgresAnalysis
from miraikakaku_assets.adapters.storage.backups.copies import PostgresCopies
from miraikakaku_assets.adapters.storage.coverage.store import PostgresCoverage
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.forecasts.store import PostgresForecasts
from miraikakaku_assets.application.analysis.analyze_bars import AnalysisPorts, analyze_bars
from miraikakaku_assets.application.ports.analysis import AnalysisRequest
from miraikakaku_assets.bootstrap import utc_now
from miraikakaku_assets.domain.coverage.report import find_coverage
from miraikakaku_assets.domain.market.instruments import JP, Timeframe
from miraikakaku_assets.domain.market.sessions import session_table

_ASKED_AGAIN = 10  # sessions that a night brings once more, `CollectionRequest.restatement_sessions`
_BYTES = """SELECT pg_total_relation_size('miraikakaku.price_bars'), pg_relation_size('miraikakaku.pk_price_bars'),
    pg_total_relation_size('miraikakaku.technical_indicators'),
    pg_total_relation_size('miraikakaku.daily_predictions')"""
_ROWS = """SELECT (SELECT count(*) FROM miraikakaku.price_bars WHERE built_from IS NULL),
    (SELECT count(*) FROM miraikakaku.price_bars WHERE built_from IS NOT NULL),
    (SELECT count(*) FROM miraikakaku.technical_indicators), (SELECT count(*) FROM miraikakaku.daily_predictions)"""


@dataclass(frozen=True)
class Stage:
    """What a stage took.

    Attributes:
        cpu_s: Processor seconds of this process, its children and PostgreSQL.
        wall_s: Seconds.
        peak_mib: Most memory of this process while it ran.
        transactions: Transaction ids that it used up.
    """

    cpu_s: float
    wall_s: float
    peak_mib: float
    transactions: int


@dataclass(frozen=True)
class Size:
    """What a size took.

    Attributes:
        symbols: Issues.
        sessions: Bars of each of them.
        stages: By name.
        rows: By what they are.
        sizes: Bytes on disk with indexes, by what they are of; ``backup`` are those of its files.
    """

    symbols: int
    sessions: int
    stages: dict[str, Stage] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)

    @property
    def bars(self) -> int:
        """Collected ones."""
        return self.symbols * self.sessions


def measure(database: Database, symbols: int, sessions: int, folder: Path) -> Size:
    """Goes through all stages once, then through a night that brings a bar of every issue."""
    migrate.upgrade(database)
    with database.engine.begin() as connection:
        connection.exec_driver_sql("CREATE SCHEMA IF NOT EXISTS dagster")
    size = Size(symbols, sessions)
    history = market.synthetic(symbols, sessions + 1)
    newest = pl.col("date") == pl.col("date").max()
    bars = market.cut(history.filter(~newest), folder / "bars.parquet", "histories")
    days = history["date"].unique().sort()
    night = market.cut(
        history.filter(pl.col("date") >= days[-1 - _ASKED_AGAIN]),
        folder / "night.parquet",
        "one more session",
    )
    put_in_force(database, bars)
    stages: dict[str, Callable[[], object]] = {
        "collect": lambda: collect(database, bars),
        "analyze": lambda: _analyze(database),
        "forecasts": lambda: _forecasts(database, bars),
        "coverage": lambda: _coverage(database, bars),
        "vacuum": lambda: _alone(database, "VACUUM (FREEZE, ANALYZE) miraikakaku.price_bars"),
        "backup": lambda: PostgresCopies(database).dump(folder / "backup"),
    }
    for name, stage in stages.items():
        size.stages[name] = _measured(database, stage)
    _count(database, size)
    size.sizes["backup"] = sum(
        file.stat().st_size for file in (folder / "backup").rglob("*") if file.is_file()
    )
    _require_bars(database, bars.rows)
    _alone(database, "ANALYZE")
    size.stages["night_collect"] = _measured(database, lambda: collect(database, night))
    size.stages["night_analyze"] = _measured(database, lambda: _analyze(database))
    _require_bars(database, bars.rows + symbols)
    return size


def _measured(database: Database, stage: Callable[[], object]) -> Stage:
    _forget_peak()
    xid, cpu, begun = _next_transaction(database), _cpu(database), time.perf_counter()
    stage()
    wall, spent = time.perf_counter() - begun, _cpu(database) - cpu
    return Stage(spent, wall, peak_mib(), _next_transaction(database) - xid - 1)  # to ask takes one


def _cpu(database: Database) -> float:
    return processor_seconds(psutil.Process()) + postgres_seconds(database)


def _forget_peak() -> None:
    """Lets the peak of memory begin anew, where the system can."""
    references = Path("/proc/self/clear_refs")
    if references.exists():
        references.write_text("5")


def _next_transaction(database: Database) -> int:
    with database.engine.connect() as connection:
        return int(connection.exec_driver_sql("SELECT pg_current_xact_id()::text").scalar_one())


def _analyze(database: Database) -> None:
    ports = AnalysisPorts(PostgresAnalysis(database), utc_now)
    report = analyze_bars(AnalysisRequest(JP, Timeframe.D1), ports, lambda _outcomes: None)
    if report.failures or set(report.verdicts) != {"ok"}:
        raise RuntimeError(f"not every symbol was analysed: {report.verdicts}")


def _forecasts(database: Database, bars: market.Year) -> None:
    symbols = pl.read_parquet(bars.file, columns=["symbol"])["symbol"].unique().sort()
    made = quality.forecasts_of(symbols, bars.last)
    if PostgresForecasts(database).save_predictions(JP, made, datetime.now(UTC)) != made.height:
        raise RuntimeError("not every forecast was stored")


def _coverage(database: Database, bars: market.Year) -> None:
    store = PostgresCoverage(database)
    holdings = store.holdings(JP, Timeframe.D1, bars.first, bars.last)
    if holdings is None:
        raise RuntimeError("there is no master")
    store.save(
        find_coverage(bars.first, bars.last, holdings, checked_at=datetime.now(UTC), threshold=0.95), "made"
    )


def _alone(database: Database, statement: str) -> None:
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(statement)


def _require_bars(database: Database, expected: int) -> None:
    with database.engine.connect() as connection:
        stored = connection.exec_driver_sql(
            "SELECT count(*) FROM miraikakaku.price_bars WHERE built_from IS NULL"
        ).scalar_one()
    if stored != expected:
        raise RuntimeError(f"{stored:,} of {expected:,} bars are stored")


def _count(database: Database, size: Size) -> None:
    with database.engine.connect() as connection:
        for names, values, query in (
            (("bars", "built", "indicators", "forecasts"), size.rows, _ROWS),
            (("bars", "bars_key", "indicators", "forecasts"), size.sizes, _BYTES),
        ):
            values.update(zip(names, map(int, connection.execute(text(query)).one()), strict=True))


def read(document: dict[str, Any]) -> Size:
    """A size from its JSON."""
    stages = {name: Stage(**stage) for name, stage in document["stages"].items()}
    return Size(**{**document, "stages": stages})


def main() -> None:
    """Measures on an empty database, prints JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling.size", description=__doc__)
    parser.add_argument("url", help="libpq URL of an empty database")
    parser.add_argument("symbols", type=int)
    parser.add_argument("sessions", type=int)
    options = parser.parse_args()
    session_table(JP.calendar)  # a daemon has it already
    database = Database(options.url)
    with tempfile.TemporaryDirectory(prefix="scaling-") as folder:
        measured = measure(database, options.symbols, options.sessions, Path(folder))
    database.close()
    print(json.dumps(asdict(measured)))


if __name__ == "__main__":
    main()
