"""The clock of a drill: the machine's, moved on by what was not waited for."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from miraikakaku_assets.application.ports import Clock  # its package brings Polars


class DrillClock:
    """A clock that can be moved on.

    Args:
        clock: The machine's.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ahead = timedelta(0)

    def __call__(self) -> datetime:
        """The drill's time (UTC)."""
        return self._clock() + self._ahead

    def advance(self, span: timedelta) -> None:
        """Moves it on."""
        self._ahead += span
