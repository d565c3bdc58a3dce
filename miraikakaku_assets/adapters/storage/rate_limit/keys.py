"""How many requests a key may send: the generic cell rate algorithm on a row of ``rate_limits`` per key.

All processes of the API share the rows. A process takes a second's worth of requests at once and hands them out during
that second, so that a high limit does not cost a statement for each request; none is handed out twice. All processes
together never grant more than the limit; what a process has taken and not handed out, at most a second's worth, is
forfeited.
"""

import asyncio
import time
from dataclasses import dataclass
from typing import Any
from weakref import WeakValueDictionary

from miraikakaku_assets.adapters.storage.async_database import AsyncDatabase
from miraikakaku_assets.application.ports.serving import Allowance

KEY_PREFIX = "api:"
"""Beginning of the names of the rows of keys; the others are those of sources."""
_MINUTE = 60
_LEASE_SECONDS = 1.0
# $1 row, $2 seconds between two requests, $3 requests in a row, $4 how many are wanted. `next_free` is the theoretical
# arrival time: what is granted moves it on, and it may be no further ahead than a whole burst. The commit does not wait
# for the disk, which takes a fifth of a second beside a collection: every request of the key would wait with it. So a
# crash of PostgreSQL itself may forget what was granted in its last second.
_TAKE = """
INSERT INTO miraikakaku.rate_limits AS held (name, next_free, leaves_at, answer)
SELECT $1::text, clock_timestamp() + make_interval(secs => $2::float8 * $4::float8), clock_timestamp(), 'granted'
FROM (SELECT set_config('synchronous_commit', 'off', true) OFFSET 0) AS of_this_transaction
ON CONFLICT (name) DO UPDATE SET (next_free, answer) = (
    SELECT CASE WHEN fits THEN wanted ELSE held.next_free END, CASE WHEN fits THEN 'granted' ELSE 'refused' END
    FROM (
        SELECT wanted, wanted <= moment + make_interval(secs => $2::float8 * $3::float8) AS fits
        FROM (
            SELECT moment, greatest(held.next_free, moment) + make_interval(secs => $2::float8 * $4::float8) AS wanted
            FROM (SELECT clock_timestamp() AS moment OFFSET 0) AS clock OFFSET 0
        ) AS asked OFFSET 0
    ) AS judged
)
RETURNING answer, extract(epoch FROM next_free - clock_timestamp())::float8 AS ahead
"""


@dataclass
class _Lease:
    """Requests that were taken and not handed out.

    Attributes:
        left: How many.
        until: Monotonic second at which they are forfeited.
        ahead: Seconds until the key would have all its requests again, when they were taken.
    """

    left: int
    until: float
    ahead: float


class PostgresKeyLimits:
    """Implements the port `RequestLimits`.

    Args:
        database: Where the rows live.
        per_minute: Requests a minute of every key, which may also come at once.
    """

    def __init__(self, database: AsyncDatabase, per_minute: int) -> None:
        self._database = database
        self.per_minute = per_minute
        self._gap = _MINUTE / per_minute
        self._at_once = max(1, per_minute // _MINUTE)
        self._leases: dict[str, _Lease] = {}
        self._taking: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def take(self, key: str) -> Allowance:
        """Takes one request of a key.

        Raises:
            DependencyUnavailableError: The database cannot be reached.
        """
        handed = self._handed(key)
        if handed is not None:
            return handed
        if self._at_once == 1:
            return await self._taken(key)
        # One at a time: each of those who wait would take a second's worth, and all but the last would be forfeited.
        lock = self._taking.setdefault(key, asyncio.Lock())
        async with lock:
            return self._handed(key) or await self._taken(key)

    def _handed(self, key: str) -> Allowance | None:
        """One of those that were taken earlier, None where none is left."""
        lease = self._leases.get(key)
        if lease is None or not lease.left or time.monotonic() >= lease.until:
            return None
        lease.left -= 1
        return self._allowance(lease.ahead, granted=True, spare=lease.left)

    async def _taken(self, key: str) -> Allowance:
        wanted = self._at_once
        row = await self._row(key, wanted)
        if row["answer"] != "granted" and wanted > 1:  # the rest of a minute, one by one
            wanted = 1
            row = await self._row(key, wanted)
        granted = row["answer"] == "granted"
        if granted and wanted > 1:
            self._leases[key] = _Lease(wanted - 1, time.monotonic() + _LEASE_SECONDS, row["ahead"])
        return self._allowance(row["ahead"], granted=granted, spare=wanted - 1 if granted else 0)

    async def _row(self, key: str, wanted: int) -> Any:
        return await self._database.row(_TAKE, f"{KEY_PREFIX}{key}", self._gap, self.per_minute, wanted)

    def _allowance(self, ahead: float, *, granted: bool, spare: int) -> Allowance:
        left = int((_MINUTE - ahead) / self._gap + 1e-6) + spare  # of 60 seconds' worth, what is not used up
        wait = 0.0 if granted else max(ahead + self._gap - _MINUTE, 0.0)
        return Allowance(granted, max(left, 0), max(ahead, 0.0), wait)
