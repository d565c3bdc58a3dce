"""Processes that end with the one that has started them, however it ends."""

import ctypes
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1  # <sys/prctl.h>


def end_with_parent(number: signal.Signals) -> Callable[[], None] | None:
    """What a child does before it becomes another program, so that the kernel signals it when its parent is gone.

    Args:
        number: The signal; it also comes when the parent was ended by SIGKILL.

    Returns:
        For ``preexec_fn``; None where the kernel cannot do that.
    """
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl

    def ask_the_kernel() -> None:
        prctl(_PR_SET_PDEATHSIG, number)

    return ask_the_kernel
