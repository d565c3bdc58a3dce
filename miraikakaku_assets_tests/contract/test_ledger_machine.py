"""Any sequence of collections, kills, pauses, new lists, restatements and splits, beside a model made of dictionaries.

A kill is an error at a fault point after which the process records nothing any more: what its transaction had written
is rolled back, as PostgreSQL does with that of a process that is gone.
"""

import sys
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any, ClassVar

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import text

from miraikakaku_assets.adapters.storage.bars.store import PostgresBars
from miraikakaku_assets.adapters.storage.collection.claims import PostgresClaims
from miraikakaku_assets.adapters.storage.collection.ledger import PostgresLedger
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.application.collection.collect_prices import collect_prices
from miraikakaku_assets.application.collection.request import CollectionPorts
from miraikakaku_assets.application.ports import BatchEnd
from miraikakaku_assets.domain.errors import SourcePausedError
from miraikakaku_assets.domain.market.instruments import JP, Timeframe
from miraikakaku_assets.domain.market.sessions import sessions_between
from miraikakaku_assets.fault_points import Faults, Order, arm
from miraikakaku_assets_tests.fakes.exchange import Exchange
from miraikakaku_assets_tests.support.bars.raw_bars import bar
from miraikakaku_assets_tests.support.markets.collecting import requested
from miraikakaku_assets_tests.support.markets.stored_market import listed, rows_of

pytestmark = pytest.mark.slow
DAYS = sessions_between(JP.calendar, date(2024, 11, 1), date(2025, 2, 28))
FIRST_DAYS = 25
CODES = ("1301", "6758", "7203", "9984")
SYMBOLS = tuple(f"{code}.T" for code in CODES)
RATIO = 5.0
KILLED_AT = (
    *("ledger.after_begin", "ledger.before_commit", "ledger.after_commit", "ledger.before_end"),
    *("bars.after_copy", "bars.before_commit", "bars.after_commit"),
)
ACCOUNT = "status, processed_stocks, total_stocks"
MINUTE = "UPDATE miraikakaku.batch_executions SET updated_at = updated_at - interval '1 minute'"
EMPTIED = """
    TRUNCATE miraikakaku.instruments, miraikakaku.stock_master, miraikakaku.stock_master_updates,
        miraikakaku.batch_executions, miraikakaku.batch_execution_details, miraikakaku.price_bars,
        miraikakaku.corporate_actions, miraikakaku.quarantined_bars, miraikakaku.restatements,
        miraikakaku.collection_state, miraikakaku.analysis_state RESTART IDENTITY CASCADE"""


class KilledError(BaseException):
    """The process is gone: no `except Exception` of its code runs any more."""


class DyingLedger(PostgresLedger):
    """The account as a process keeps it: one that was killed does not close its batch."""

    def end(self, batch: int, end: BatchEnd) -> None:
        if isinstance(sys.exception(), KilledError):
            raise RuntimeError("nobody is there to record it")  # noqa: TRY004 - it is no argument that is wrong
        super().end(batch, end)


@dataclass
class Batch:
    """A collection in the model."""

    status: str
    processed: int
    total: int
    done: frozenset[str] = frozenset()
    since: int = 0


class LedgerMachine(RuleBasedStateMachine):
    """The store and the account, beside dictionaries that say what they hold."""

    database: ClassVar[Database]
    folder: ClassVar[Path]

    @initialize()
    def begin(self) -> None:
        with self.database.engine.begin() as connection:
            connection.execute(text(EMPTIED))
        self.today = FIRST_DAYS
        self.source = Exchange({symbol: self.history(symbol) for symbol in SYMBOLS})
        self.issues = frozenset(SYMBOLS)
        self.lists = 0
        self.stored: dict[str, dict[date, float]] = {}
        self.split: dict[str, date] = {}
        self.known_splits: set[tuple[str, date]] = set()
        self.batches: list[Batch] = []
        self.kills = 0
        self.evening = 0
        self.begun = self.clock_of_database()
        listed(self.database, *CODES)

    def history(self, symbol: str) -> list[dict[str, Any]]:
        return [self.row(symbol, number) for number in range(FIRST_DAYS + 1)]

    def row(self, symbol: str, number: int, ratio: float = 1.0) -> dict[str, Any]:
        close = (3_000.0 + 100 * SYMBOLS.index(symbol) + number % 7) / ratio
        return bar(DAYS[number], close, symbol=symbol, volume=1_000.0 * ratio)

    def clock_of_database(self) -> datetime:
        with self.database.engine.connect() as connection:
            moment: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
        return moment

    def let_a_minute_pass(self) -> None:
        """A batch that was written a moment ago counts as at work, whatever became of its process."""
        with self.database.engine.begin() as connection:
            connection.execute(text(MINUTE))

    def next_evening(self) -> None:
        """What was collected until now is of another evening, and nothing of it is reused."""
        self.evening += 1
        self.begun = self.clock_of_database()

    @rule()
    def trade(self) -> None:
        """A session comes."""
        self.today += 1
        for symbol, rows in self.source.rows.items():
            rows.append(self.row(symbol, self.today, RATIO if symbol in self.split else 1.0))
        self.next_evening()

    @rule(symbol=st.sampled_from(SYMBOLS), back=st.integers(0, 4))
    def restate(self, symbol: str, back: int) -> None:
        """The source says something else of one of the newest sessions."""
        row = self.source.rows[symbol][-1 - back]
        for price in ("open", "high", "low", "close"):
            row[price] *= 1.001
        self.next_evening()

    @rule(symbol=st.sampled_from(SYMBOLS))
    def split_shares(self, symbol: str) -> None:
        """A session comes with a split: the source shows the whole history on the new scale."""
        if symbol in self.split:
            return
        for row in self.source.rows[symbol]:
            row.update({price: row[price] / RATIO for price in ("open", "high", "low", "close")})
            row["volume"] *= RATIO
        self.split[symbol] = DAYS[self.today + 1]
        self.source.actions.append((symbol, DAYS[self.today + 1], "split", RATIO))
        self.trade()

    @rule(symbols=st.sets(st.sampled_from(SYMBOLS), min_size=1))
    def relist(self, symbols: set[str]) -> None:
        """The exchange publishes another list."""
        self.lists += 1
        self.issues = frozenset(symbols)
        codes = sorted(symbol.removesuffix(".T") for symbol in symbols)
        listed(self.database, *codes, day=DAYS[self.lists % len(DAYS)])

    @rule()
    def collect(self) -> None:
        """A collection comes to its end."""
        self.work()

    @rule(point=st.sampled_from(KILLED_AT), passage=st.integers(1, 4))
    def collect_and_be_killed(self, point: str, passage: int) -> None:
        """A collection is killed where it passes a point; one that does not pass it so often comes to its end."""
        self.work(kill=Order(point, "raise", passage))

    @rule(place=st.integers(0, 3))
    def collect_and_pause(self, place: int) -> None:
        """The source refuses before a symbol; what it has served before is stored."""
        wanted = sorted(self.issues - self.reused())
        if place < len(wanted):
            self.work(refused=wanted[place])

    def work(self, kill: Order | None = None, refused: str | None = None) -> None:
        """Collects, and says in the model what has to come of it."""
        self.let_a_minute_pass()
        reused = self.reused() & self.issues
        wanted = sorted(self.issues - reused)
        ledger = DyingLedger(self.database)
        done = ledger.done_before(
            requested(self.database, self.source, history_start=DAYS[0]).new_batch("exchange"), self.begun
        )
        assert done == self.reused()
        request = requested(self.database, self.source, done=done, history_start=DAYS[0])
        ports = CollectionPorts(
            self.source, PostgresBars(self.database), ledger, self.now, PostgresClaims(self.database)
        )
        self.source.breaks_before = refused
        self.source.trouble = SourcePausedError("exchange", self.begun, "too many requests")
        self.expect(reused, wanted, kill, refused)
        self.kills += 1
        arm(None if kill is None else Faults((kill,), self.folder / f"{id(self)}-{self.kills}", KilledError))
        try:
            report = collect_prices(request, ports, lambda _: None)
        except KilledError:
            assert self.batches[-1].status == "running"
        except SourcePausedError:
            assert self.batches[-1].status == "paused"
        else:
            assert self.batches[-1].status == "completed"
            assert report.balanced
        finally:
            arm(None)

    def now(self) -> datetime:
        return datetime.combine(DAYS[self.today], time(12), UTC)

    def expect(
        self, reused: frozenset[str], wanted: list[str], kill: Order | None, refused: str | None
    ) -> None:
        """What a collection of these symbols leaves in the model."""
        for batch in self.batches:  # of processes that are gone
            batch.status = "failed" if batch.status == "running" else batch.status
        first = (
            1 if reused else 0
        )  # what is reused comes into the account as a whole, before anything is fetched
        served = len(wanted) if refused is None else wanted.index(refused)
        stored, added, status = served, first + served, "completed" if refused is None else "paused"
        if kill is not None and kill.passage <= self.passages(kill.point, first, len(wanted)):
            stored, added, status = (*self.before(kill, first, len(wanted)), "running")
        for symbol in wanted[:stored]:
            self.stored[symbol] = {row["session"]: row["close"] for row in self.source.rows[symbol]}
            if symbol in self.split:
                self.known_splits.add((symbol, self.split[symbol]))
        fetched = wanted[: max(added - first, 0)]
        accounted = frozenset(fetched) | (reused if added else frozenset())
        self.batches.append(Batch(status, len(accounted), len(reused) + len(wanted), accounted, self.evening))

    @staticmethod
    def passages(point: str, first: int, wanted: int) -> int:
        """How often a collection passes a point that comes to its end."""
        if point in {"ledger.after_begin", "ledger.before_end"}:
            return 1
        return wanted if point.startswith("bars.") else first + wanted

    @staticmethod
    def before(kill: Order, first: int, wanted: int) -> tuple[int, int]:
        """Deliveries that are stored, and additions to the account, when a process is killed there."""
        passed = kill.passage
        return {
            "ledger.after_begin": (0, 0),
            "bars.after_copy": (passed - 1, first + passed - 1),
            "bars.before_commit": (passed - 1, first + passed - 1),
            "bars.after_commit": (passed, first + passed - 1),
            "ledger.before_commit": (passed - first, passed - 1),
            "ledger.after_commit": (passed - first, passed),
            "ledger.before_end": (wanted, first + wanted),
        }[kill.point]

    def reused(self) -> frozenset[str]:
        """Symbols that an attempt of this evening has collected without coming to its end."""
        newest: dict[str, str] = {}
        for batch in self.batches:
            if batch.since == self.evening:
                newest |= dict.fromkeys(batch.done, batch.status)
        return frozenset(symbol for symbol, status in newest.items() if status != "completed")

    @invariant()
    def the_store_holds_what_was_delivered(self) -> None:
        bars = PostgresBars(self.database).read(JP, Timeframe.D1)
        held: dict[str, dict[date, float]] = {}
        for symbol, session, close in bars.select("symbol", "session", "close").iter_rows():
            held.setdefault(symbol, {})[session] = close
        assert held == self.stored
        splits = rows_of(
            self.database,
            "corporate_actions a JOIN miraikakaku.instruments i ON i.id = a.instrument_id",
            "symbol, ex_date",
        )
        assert set(splits) == self.known_splits

    @invariant()
    def the_account_says_what_was_done(self) -> None:
        assert rows_of(self.database, "batch_executions", ACCOUNT, "id") == [
            (batch.status, batch.processed, batch.total) for batch in self.batches
        ]
        assert self.details() == [sorted(batch.done) for batch in self.batches]

    def details(self) -> list[list[str]]:
        """Symbols of each collection, in their order."""
        query = """
            SELECT coalesce(array_agg(d.symbol ORDER BY d.symbol) FILTER (WHERE d.symbol IS NOT NULL), '{}')
            FROM miraikakaku.batch_executions b
            LEFT JOIN miraikakaku.batch_execution_details d ON d.batch_execution_id = b.id
            GROUP BY b.id ORDER BY b.id"""
        with self.database.engine.connect() as connection:
            return [list(symbols) for symbols in connection.scalars(text(query))]


def test_store_and_account_do_what_the_model_does(database: Database, tmp_path: Path) -> None:
    LedgerMachine.database = database
    LedgerMachine.folder = tmp_path
    run_state_machine_as_test(
        LedgerMachine,
        settings=settings(
            max_examples=10,
            stateful_step_count=12,
            deadline=None,
            derandomize=True,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
