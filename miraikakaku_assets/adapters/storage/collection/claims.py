"""Which collection at work fetches which symbol.

A collection holds an advisory lock of a connection of its own for as long as it works: whoever is killed, or loses the
database, has lost it, and what it had claimed is free at once. No clock is asked, and nothing has to be cleaned up.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from sqlalchemy import text

from miraikakaku_assets.adapters.storage.collection.liveness import ALIVE, HELD
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.application.ports import WITHOUT_BARS, Share
from miraikakaku_assets.fault_points import fault_point

_SHARING = 20251131  # advisory lock while symbols are shared out
_LOOK_AGAIN_SECONDS = 0.5

# Symbols that other batches of the same request have claimed and are not done with. What a process that is gone has
# claimed has no lock, whatever the status of its batch says.
_UNDERWAY = text(f"""
SELECT wanted.symbol, theirs.id
FROM miraikakaku.batch_executions AS own
JOIN miraikakaku.batch_executions AS theirs
  ON (theirs.universe, theirs.timeframe, theirs.source) = (own.universe, own.timeframe, own.source)
 AND theirs.since IS NOT DISTINCT FROM own.since AND theirs.until IS NOT DISTINCT FROM own.until
 AND theirs.status = 'running' AND theirs.id <> own.id
JOIN miraikakaku.run_progress AS progress ON progress.batch_execution_id = theirs.id
CROSS JOIN LATERAL unnest(progress.claimed) AS wanted (symbol)
WHERE own.id = :batch AND wanted.symbol = ANY(CAST(:symbols AS text[])) AND {HELD.format(batch="theirs.id")}
  AND NOT EXISTS (
    SELECT FROM miraikakaku.batch_execution_details AS detail
    WHERE detail.batch_execution_id = theirs.id AND detail.symbol = wanted.symbol
  )
""")
_DONE = text("""
SELECT symbol, verdict FROM miraikakaku.batch_execution_details
WHERE batch_execution_id = ANY(:others) AND symbol = ANY(CAST(:symbols AS text[]))
  AND status = 'completed' AND verdict <> 'underway'
ORDER BY batch_execution_id
""")
_CLAIM = text("""
UPDATE miraikakaku.run_progress SET claimed = claimed || CAST(:symbols AS text[]) WHERE batch_execution_id = :batch
""")
_GIVE_BACK = text("UPDATE miraikakaku.run_progress SET claimed = '{}' WHERE batch_execution_id = :batch")


class PostgresClaims:
    """Implements the port `Claims`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def opened(self, batch: int) -> Iterator["BatchClaims"]:
        """What a batch may claim, until it has ended."""
        lock = {"class": ALIVE, "batch": batch}
        with self._database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("SELECT pg_advisory_lock(:class, :batch)"), lock)
            try:
                yield BatchClaims(self._database, batch)
            finally:
                # With the database gone the lock is, too; what came first is what has to be said.
                with suppress(Exception):
                    connection.execute(_GIVE_BACK, {"batch": batch})
                    connection.execute(text("SELECT pg_advisory_unlock(:class, :batch)"), lock)


class BatchClaims:
    """Implements the port `OwnClaims`."""

    def __init__(self, database: Database, batch: int) -> None:
        self._database = database
        self._batch = batch
        self._others = set[int]()

    def share_out(self, symbols: Sequence[str], *, wait: bool) -> Share:
        """Claims what nobody else fetches; says what others have done meanwhile and what they still fetch."""
        while True:
            share = self._share_out(symbols)
            if share.mine or share.done or not wait:
                return share
            time.sleep(_LOOK_AGAIN_SECONDS)

    def _share_out(self, symbols: Sequence[str]) -> Share:
        with self._database.engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:class, 0)"), {"class": _SHARING})
            sought = {"batch": self._batch, "symbols": list(symbols)}
            underway = dict(connection.execute(_UNDERWAY, sought).tuples().all())
            finished = {"others": list(self._others), "symbols": list(symbols)}
            done = dict(connection.execute(_DONE, finished).tuples().all()) if self._others else {}
            mine = [symbol for symbol in symbols if symbol not in underway and symbol not in done]
            if mine:
                connection.execute(_CLAIM, {"batch": self._batch, "symbols": mine})
        fault_point("claims.after_commit")
        self._others.update(underway.values())
        # The other batch may have finished a symbol between the two statements: then it is done.
        left = frozenset(underway.keys() - done.keys())
        reused = {
            symbol: verdict if verdict in WITHOUT_BARS else "reused" for symbol, verdict in done.items()
        }
        return Share(tuple(mine), reused, left)
