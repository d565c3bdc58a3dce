"""Takes the next item of an iterator in the background while the current one is worked on."""

import threading
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def one_ahead(items: Generator[T, None, None] | Iterator[T]) -> Generator[T, None, None]:
    """Yields the items in order, each prepared in a thread while its predecessor is in use.

    At most one item waits. Errors of the iterator are raised where its item would have been; when the
    caller stops early, the item being prepared is waited for and the iterator is closed.

    Args:
        items: Where the items come from; it is only ever used by one thread at a time.
    """
    end = object()
    in_use = threading.Lock()

    def prepared() -> object:
        with in_use:
            return next(items, end)

    with ThreadPoolExecutor(1, thread_name_prefix="one-ahead") as background:
        try:
            waiting = background.submit(prepared)
            while (item := waiting.result()) is not end:
                waiting = background.submit(prepared)
                yield item  # type: ignore[misc] # it is not the end, so it is a T
        finally:
            background.shutdown(cancel_futures=True)
            with in_use:  # a Ctrl-C while the thread starts leaves one that the executor does not know of
                if isinstance(items, Generator):
                    items.close()
