"""Takes the next item of an iterator in the background while the current one is worked on."""

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
    with ThreadPoolExecutor(1, thread_name_prefix="one-ahead") as background:
        try:
            waiting = background.submit(next, items, end)
            while (item := waiting.result()) is not end:
                waiting = background.submit(next, items, end)
                yield item  # type: ignore[misc] # it is not the end, so it is a T
        finally:
            background.shutdown()
            if isinstance(items, Generator):
                items.close()
