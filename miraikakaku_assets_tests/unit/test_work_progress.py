"""How far the work of a process is, and how long the rest takes."""

import pytest

from miraikakaku_assets.application.work_progress import WorkProgress, WorkReading


class Watch:
    """A clock that is advanced by hand."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def work(watch: Watch) -> WorkProgress:
    return WorkProgress(watch)


def reading(work: WorkProgress) -> WorkReading:
    progress = work.read()
    assert progress is not None
    return progress


def test_nothing_is_shown_before_anything_was_said(work: WorkProgress) -> None:
    assert work.read() is None


def test_equal_steps_have_a_rate_and_an_end(work: WorkProgress, watch: Watch) -> None:
    work.count(0, 400)
    assert reading(work) == WorkReading(400, 0, 0, None, None)
    watch.seconds += 30
    work.count(100, 400, failed=3)
    assert reading(work) == WorkReading(400, 100, 3, 200.0, 90.0)


def test_steps_with_an_expected_time_have_an_end_before_the_first_is_done(
    work: WorkProgress, watch: Watch
) -> None:
    work.plan({"training theta": 1.0, "training lstm": 158.0, "training arima": 24.0})
    assert reading(work).seconds_left == 183.0
    work.start("training theta")
    watch.seconds += 1
    work.finish("training theta")
    work.start("training lstm")
    watch.seconds += 58
    assert reading(work) == WorkReading(3, 1, 0, None, 124.0, "training lstm")


def test_what_steps_took_so_far_corrects_what_was_expected(work: WorkProgress, watch: Watch) -> None:
    work.plan({"one": 10.0, "two": 10.0})
    work.start("one")
    watch.seconds += 30
    work.finish("one", failed=True)
    assert reading(work) == WorkReading(2, 1, 1, None, 30.0)


def test_a_step_that_is_overdue_does_not_end_in_a_moment(work: WorkProgress, watch: Watch) -> None:
    work.plan({"one": 10.0})
    work.start("one")
    watch.seconds += 100
    assert reading(work).seconds_left == 10.0


def test_a_new_beginning_forgets_the_work_before(work: WorkProgress) -> None:
    work.plan({"one": 10.0})
    work.begin()
    assert work.read() is None
