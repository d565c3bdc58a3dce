"""The clock of the simulated exchanges."""

import time
from datetime import UTC, datetime


class SimulatedClock:
    """Either the real clock or one that stands still until it is moved.

    Args:
        fixed: Instant to stand at, time zone aware; ``None`` follows the real clock.
    """

    def __init__(self, fixed: datetime | None) -> None:
        self._fixed = None if fixed is None else int(fixed.timestamp())

    @property
    def is_fixed(self) -> bool:
        """Whether it stands still."""
        return self._fixed is not None

    def now(self) -> int:
        """Return the instant in UTC seconds."""
        return int(time.time()) if self._fixed is None else self._fixed

    def stand_at(self, second: int | None) -> None:
        """Stand at an instant in UTC seconds; ``None`` follows the real clock again."""
        self._fixed = second

    def isoformat(self) -> str:
        """Return the instant as ISO 8601 in UTC."""
        return datetime.fromtimestamp(self.now(), UTC).isoformat()
