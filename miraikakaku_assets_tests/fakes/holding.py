"""Answers that are held back."""

import threading


def hold_back(closing: threading.Event, delay: float, after: threading.Event | None) -> None:
    """Returns after so many seconds and an event, or when the server closes.

    Args:
        closing: Set when the server closes.
        delay: Seconds.
        after: Event to wait for; None for nothing.
    """
    closing.wait(delay)
    while after is not None and not closing.is_set() and not after.wait(0.02):
        pass
