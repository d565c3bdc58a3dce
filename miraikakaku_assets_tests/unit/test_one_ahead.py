"""Preparing the next item in the background changes when it is made, and nothing else."""

import threading
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miraikakaku_assets.application.collection.prefetch import one_ahead
from miraikakaku_assets_tests.support.patience import PATIENCE


@given(st.lists(st.integers() | st.none()))
def test_items_come_in_order_and_none_is_lost(items: list[int | None]):
    assert list(one_ahead(iter(items))) == items


def test_the_next_item_is_made_while_the_current_one_is_in_use():
    made = threading.Event()

    def items() -> Generator[int, None, None]:
        yield 1
        made.set()
        yield 2

    ahead = one_ahead(items())
    assert next(ahead) == 1
    assert made.wait(PATIENCE)
    assert list(ahead) == [2]


def test_an_error_is_raised_where_its_item_would_have_been():
    def items() -> Generator[int, None, None]:
        yield 1
        raise LookupError("second")

    ahead = one_ahead(items())
    assert next(ahead) == 1
    with pytest.raises(LookupError, match="second"):
        next(ahead)


def test_stopping_early_closes_the_source():
    closed = []

    def items() -> Generator[int, None, None]:
        try:
            yield from range(100)
        finally:
            closed.append(True)

    ahead = one_ahead(items())
    assert next(ahead) == 0
    ahead.close()
    assert closed == [True]


def test_a_ctrl_c_while_the_thread_starts_is_still_one(monkeypatch: pytest.MonkeyPatch):
    """`Thread.start` waits for its thread; until it returns, the executor does not know that there is one."""
    at_work, start = threading.Event(), ThreadPoolExecutor._adjust_thread_count

    def interrupted(executor: ThreadPoolExecutor) -> None:
        start(executor)
        executor._threads = set()
        assert at_work.wait(PATIENCE)
        raise KeyboardInterrupt

    closed = []

    def items() -> Generator[int, None, None]:
        at_work.set()
        try:
            time.sleep(0.05)
            yield 1
        finally:
            closed.append(True)

    monkeypatch.setattr(ThreadPoolExecutor, "_adjust_thread_count", interrupted)
    with pytest.raises(KeyboardInterrupt):
        next(one_ahead(items()))
    assert closed == [True]
