"""Judging a source by its canaries: the same probes, the same judgement, whatever their order."""

from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miraikakaku_assets.domain.market.source_health import (
    PAUSED,
    UNSERVED,
    Health,
    Probe,
    SourceHealth,
    judge,
    verdict_of_series,
)

NOW = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
SYMBOLS = ("7203.T", "285A.T", "AAPL", "USDJPY=X", "HG=F")


def round_at(number: int, latency: float = 0.2, **verdicts: Any) -> list[Probe]:
    """A round so many quarters of an hour ago; verdicts by the position of the symbol, as ``s0="timeout"``."""
    given_verdicts = [verdicts.get(f"s{at}", "ok") for at in range(len(SYMBOLS))]
    return [
        Probe(
            NOW - timedelta(minutes=15 * number),
            "yahoo",
            symbol,
            verdict,
            None if verdict == PAUSED else latency,
            int(verdict != PAUSED),
            date(2026, 11, 19) if verdict == "ok" else None,
            5.0,
        )
        for symbol, verdict in zip(SYMBOLS, given_verdicts, strict=True)
    ]


def everything(verdict: str, number: int = 0) -> list[Probe]:
    return round_at(number, 0.2, **{f"s{at}": verdict for at in range(len(SYMBOLS))})


def judged(*rounds: list[Probe]) -> SourceHealth:
    health = judge([probe for probes in rounds for probe in probes])
    assert health is not None
    return health


def test_nothing_is_said_about_nothing() -> None:
    assert judge([]) is None


def test_all_good_is_healthy() -> None:
    source = judged(*(round_at(number) for number in range(4)))
    assert (source.health, source.success_share, source.latency, source.usual_latency) == (
        Health.HEALTHY, 1.0, 0.2, None,
    )  # fmt: skip


def first_turned_away(number: int) -> list[Probe]:
    """A round whose first question opened the circuit breaker, so that nothing else was asked."""
    return round_at(number, 0.2, s0="server_error", **{f"s{at}": PAUSED for at in range(1, len(SYMBOLS))})


def test_one_symbol_that_was_turned_away_before_the_pause_is_a_hiccup_until_the_next_round() -> None:
    assert judged(round_at(1), first_turned_away(0)).health is Health.DEGRADED
    assert judged(first_turned_away(1), round_at(0)).health is Health.RECOVERED


def test_one_symbol_turned_away_in_two_rounds_is_an_outage_paused_rounds_in_between_or_not() -> None:
    assert judged(round_at(2), first_turned_away(1), first_turned_away(0)).health is Health.DOWN
    assert judged(first_turned_away(2), everything(PAUSED, 1), first_turned_away(0)).health is Health.DOWN


@pytest.mark.parametrize("verdict", sorted(UNSERVED))
def test_a_source_that_turns_everyone_away_is_down_at_once(verdict: str) -> None:
    source = judged(round_at(2), round_at(1), everything(verdict))
    assert source.health is Health.DOWN
    assert all(f"{symbol} {verdict}" in source.reason for symbol in SYMBOLS)


@pytest.mark.parametrize("verdict", ["empty", "stale", "wrong_symbol", "unreadable_answer"])
def test_answers_of_no_use_are_no_outage(verdict: str) -> None:
    assert judged(everything(verdict)).health is Health.DEGRADED


def test_one_failing_symbol_is_its_own_trouble_and_two_are_the_sources() -> None:
    assert judged(round_at(0, s1="server_error")).health is Health.HEALTHY
    source = judged(round_at(0, s1="server_error", s4="timeout"))
    assert source.health is Health.DEGRADED
    assert source.reason == "2 of 5 symbols fail: 285A.T server_error, HG=F timeout"


def test_delisted_canaries_do_not_slow_anything_down() -> None:
    source = judged(round_at(0, s0="not_on_source", s1="not_on_source", s2="out_of_range"))
    assert source.health is Health.HEALTHY
    assert "7203.T not_on_source" in source.reason


def test_after_trouble_the_source_is_recovered_until_the_trend_forgets_it() -> None:
    earlier = everything("rate_limited", 1)
    assert judged(earlier, round_at(0)).health is Health.RECOVERED
    assert (
        judged(everything("timeout", 4), *(round_at(number) for number in range(4))).health is Health.HEALTHY
    )


def test_what_was_not_asked_is_no_failure() -> None:
    source = judged(round_at(1), everything(PAUSED))
    assert (source.health, source.success_share) == (Health.PAUSED, 1.0)


@pytest.mark.parametrize(
    ("usual", "now", "health"),
    [
        (0.2, 0.61, Health.DEGRADED),
        (0.2, 0.59, Health.HEALTHY),
        (0.02, 0.4, Health.HEALTHY),  # twenty times as long, and still fast
        (1.0, 2.9, Health.HEALTHY),
        (1.0, 3.1, Health.DEGRADED),
    ],
)
def test_slow_is_three_times_the_usual_latency(usual: float, now: float, health: Health) -> None:
    before = [round_at(number, usual) for number in range(4, 10)]
    source = judged(*before, *(round_at(number, now) for number in range(4)))
    assert source.health is health
    assert source.usual_latency == usual


def test_a_single_slow_round_is_nothing_and_three_of_four_are() -> None:
    before = [round_at(number, 0.2) for number in range(3, 12)]
    assert judged(*before, round_at(2, 0.2), round_at(1, 0.2), round_at(0, 5.0)).health is Health.HEALTHY
    source = judged(*before, round_at(2, 5.0), round_at(1, 5.0), round_at(0, 5.0))
    assert source.health is Health.DEGRADED


def test_usual_is_the_last_day_and_not_before() -> None:
    long_ago = [round_at(96 + number, 0.01) for number in range(1, 10)]
    assert judged(*long_ago, round_at(0, 2.0)).usual_latency is None
    yesterday = [round_at(96 - number, 1.5) for number in range(6)]
    assert judged(*long_ago, *yesterday, *(round_at(number, 2.0) for number in range(4))).usual_latency == 1.5


verdicts = st.sampled_from(["ok", "empty", "timeout", "rate_limited", "not_on_source", PAUSED])
histories = st.lists(st.lists(verdicts, min_size=5, max_size=5), min_size=1, max_size=12)


@given(histories, st.integers(0, 2**32))
def test_judgement_is_of_the_probes_and_not_of_their_order(history: list[list[str]], seed: int) -> None:
    probes = [
        probe
        for number, round_verdicts in enumerate(history)
        for probe in round_at(number, 0.2, **{f"s{at}": verdict for at, verdict in enumerate(round_verdicts)})
    ]
    source = judge(probes)
    assert source is not None
    assert 0 <= source.success_share <= 1
    assert (source.latency is None) == (not any(probe.verdict == "ok" for probe in probes[:20]))
    shuffled = list(probes)
    Random(seed).shuffle(shuffled)  # noqa: S311 - no secret
    again = judge(shuffled)
    assert again is not None
    assert (again.health, again.success_share, again.latency) == (
        source.health, source.success_share, source.latency,
    )  # fmt: skip
    newest = [probe.verdict for probe in probes[:5]]
    if "ok" in newest:
        assert source.health not in {Health.DOWN, Health.PAUSED}
    if source.health is Health.RECOVERED:
        assert set(newest) == {"ok", PAUSED} or set(newest) == {"ok"}


@pytest.mark.parametrize(
    ("newest", "verdict"),
    [
        (None, "empty"),
        (date(2026, 11, 20), "ok"),
        (date(2026, 11, 6), "ok"),  # Tokyo was closed for ten days in 2019
        (date(2026, 11, 5), "stale"),
    ],
)
def test_series_without_recent_prices_is_not_good(newest: date | None, verdict: str) -> None:
    assert verdict_of_series(newest, date(2026, 11, 20)) == verdict
