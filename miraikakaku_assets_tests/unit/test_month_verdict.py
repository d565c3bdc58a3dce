"""What a month of simulated operation calls missed and false."""

from datetime import timedelta

from benchmarks.month import BEGINS, PLANTED, High, judged

MONTH = BEGINS + timedelta(days=30)
PERFECT = [High(fault.alert, fault.since + timedelta(minutes=15)) for fault in PLANTED]


def test_all_in_time_and_nothing_else() -> None:
    verdict = judged(PERFECT, MONTH)
    assert verdict.missed == ()
    assert verdict.false == ()


def test_nothing_told_is_all_missed() -> None:
    assert judged([], MONTH).missed == PLANTED


def test_too_late_is_missed_and_unexplained() -> None:
    first = PLANTED[0]
    late = High(first.alert, first.since + timedelta(hours=first.within, minutes=1))
    verdict = judged([late, *PERFECT[1:]], MONTH)
    assert verdict.missed == (first,)
    assert verdict.false == (late,)


def test_told_twice_is_false_once() -> None:
    assert judged([*PERFECT, PERFECT[0]], MONTH).false == ()  # the same row is the same alert
    again = High(PERFECT[0].key, PERFECT[0].told_at + timedelta(minutes=15))
    assert judged([*PERFECT, again], MONTH).false == (again,)


def test_a_fault_that_is_still_to_come_is_not_missed() -> None:
    assert judged([], BEGINS + timedelta(hours=1)).missed == ()
