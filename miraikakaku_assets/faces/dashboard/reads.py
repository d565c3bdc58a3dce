"""What pages read: answers of use cases, kept for some seconds for everybody, so that a click asks nothing again.

Frames are kept as Arrow. What may be kept for longer is asked with a stamp that changes with the rows, e.g. the moment
of the check that they are of.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from functools import cache, wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

import streamlit as st

from miraikakaku_assets.bootstrap import Ports

P = ParamSpec("P")
T = TypeVar("T")
_ENTRIES = 64
_WAIT_SECONDS = 40.0
_beginning = threading.Lock()


def cached(
    seconds: float, entries: int = _ENTRIES
) -> Callable[[Callable[Concatenate[Ports, P], T]], Callable[Concatenate[Ports, P], T]]:
    """Keeps what a function reads from an installation: ``@cached(15)``.

    Its further arguments are the key, so they have to be plain values: names, days, numbers, tuples of them. Readers
    get a copy each. A failure is not kept.

    Args:
        seconds: How long.
        entries: How many answers at most, the oldest are dropped.
    """

    def decorate(read: Callable[Concatenate[Ports, P], T]) -> Callable[Concatenate[Ports, P], T]:
        def ask(_use: Ports, home: str, *args: Any, **kwargs: Any) -> Any:  # noqa: ARG001 - a part of the key
            return read(_use, *args, **kwargs)

        ask.__qualname__ = f"{read.__module__}.{read.__qualname__}"
        kept = st.cache_data(ttl=seconds, max_entries=entries, show_spinner=False)(ask)

        @wraps(read)
        def reading(use: Ports, /, *args: P.args, **kwargs: P.kwargs) -> T:
            answer: T = kept(use, use.opened.shown, *args, **kwargs)
            return answer

        reading.clear = kept.clear  # type: ignore[attr-defined]
        return reading

    return decorate


def forget(*reads: Callable[..., Any]) -> None:
    """Drops what is kept of functions made by `cached`, after something was changed."""
    for read in reads:
        read.clear()  # type: ignore[attr-defined]


def awaited(work: Coroutine[Any, Any, T]) -> T:
    """What a coroutine of the ports for one event loop returns; pages themselves run in threads."""
    with _beginning:  # two first questions at once would begin two loops, and connections are one loop's
        loop = _loop()
    return asyncio.run_coroutine_threadsafe(work, loop).result(_WAIT_SECONDS)


@cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="dashboard-loop", daemon=True).start()
    return loop
