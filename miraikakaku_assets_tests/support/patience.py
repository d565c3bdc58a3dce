"""How long tests wait for what has to come: so long that only what hangs is given up, on however slow a machine."""

import time
from collections.abc import Callable
from typing import TypeVar

PATIENCE = 600.0
"""Seconds."""

Found = TypeVar("Found")


def until(look: Callable[[], Found], what: str = "it has not come", pause: float = 0.02) -> Found:
    """Looks again and again until there is something to see.

    Args:
        look: Answers with something true once it has come; what it answers is returned.
        what: What is missing when patience ends.
        pause: Seconds between two looks.
    """
    deadline = time.monotonic() + PATIENCE
    while not (answer := look()):
        assert time.monotonic() < deadline, what
        time.sleep(pause)
    return answer
