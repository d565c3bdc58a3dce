"""The frame of a drill: what nobody notices, or what is told twice, makes it fail."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miraikakaku_assets.application.drill.frame import STEP, Damage, Outcome, Told, run_drill

BEGIN = datetime(2026, 11, 20, 3, tzinfo=UTC)
KEY = "tick/x/failed"


@dataclass
class ScriptedSite:
    """Tells of a damage some minutes after it was done, and so often.

    Attributes:
        after: Minutes until it is told; None for never.
        times: How often it is told.
        also: Another alert that is told with it.
        mends: Whether the repair helps.
    """

    after: int | None = 1
    times: int = 1
    also: str = ""
    mends: bool = True
    clock: datetime = BEGIN
    arrived: list[Told] = field(default_factory=list)
    damaged_at: datetime | None = None
    is_told: bool = False

    def now(self) -> datetime:
        return self.clock

    def step(self) -> None:
        self.clock += STEP
        if self.damaged_at is None or self.after is None or self.is_told:
            return
        if self.clock - self.damaged_at >= self.after * STEP:
            self.is_told = True
            self.arrived += [Told(KEY, self.clock)] * self.times
            self.arrived += [Told(self.also, self.clock)] if self.also else []

    def told(self) -> Sequence[Told]:
        return self.arrived

    def standing(self) -> Sequence[str]:
        return [KEY] if self.damaged_at is not None else []

    def damage(self) -> None:
        self.damaged_at = self.clock

    def repair(self) -> None:
        if not self.mends:
            return
        self.damaged_at = None
        keys = [KEY, *([self.also] if self.also else [])] if self.is_told else []
        self.arrived += [Told(key, self.clock, is_over=True) for key in keys]
        self.is_told = False


def exercised(site: ScriptedSite, clock: timedelta = 5 * STEP) -> Outcome:
    damage = Damage[ScriptedSite](
        "one", "one thing", clock, (KEY,), ScriptedSite.damage, ScriptedSite.repair, "mend it"
    )
    (outcome,) = run_drill([damage], site)
    return outcome


@given(st.integers(1, 10), st.integers(1, 10))
def test_it_has_to_be_told_within_its_clock(after: int, clock: int) -> None:
    outcome = exercised(ScriptedSite(after), clock * STEP)
    if after <= clock:
        assert outcome.problems == []
        assert outcome.noticed == after * STEP
        assert outcome.alerts == (KEY,)
    else:
        assert outcome.noticed is None
        assert any("not told within its clock" in problem for problem in outcome.problems)


@pytest.mark.parametrize(
    ("site", "problem"),
    [
        (ScriptedSite(None), "not told within its clock"),
        (ScriptedSite(times=2), "told 2 times that it stands: tick/x/failed"),
        (ScriptedSite(also="run/x/failed"), "told of run/x/failed, too"),
        (ScriptedSite(mends=False), "not over after the repair"),
        (ScriptedSite(damaged_at=BEGIN, after=None), "not healthy before: tick/x/failed"),
    ],
)
def test_what_has_to_make_a_drill_fail(site: ScriptedSite, problem: str) -> None:
    assert any(problem in found for found in exercised(site).problems)


def test_the_wait_for_the_next_look_is_counted_whole() -> None:
    looks = list[datetime]()
    damage = Damage[ScriptedSite](
        "one",
        "one thing",
        6 * timedelta(hours=1) + 5 * STEP,
        (KEY,),
        ScriptedSite.damage,
        ScriptedSite.repair,
        "mend it",
        look=lambda site: looks.append(site.now()),
        every=timedelta(hours=6),
    )
    (outcome,) = run_drill([damage], ScriptedSite(2))
    assert outcome.problems == []
    assert outcome.noticed == timedelta(hours=6) + 2 * STEP
    assert len(looks) == 2, "once after the damage, once after the repair"


def test_a_damage_that_breaks_off_fails_and_the_next_one_is_done() -> None:
    def breaks(_: ScriptedSite) -> None:
        raise ValueError("no such file")

    broken = Damage[ScriptedSite]("one", "one", STEP, (KEY,), breaks, ScriptedSite.repair, "mend it")
    good = Damage[ScriptedSite](
        "two", "two", 5 * STEP, (KEY,), ScriptedSite.damage, ScriptedSite.repair, "mend it"
    )
    first, second = run_drill([broken, good], ScriptedSite())
    assert first.problems == ["broke off: ValueError: no such file"]
    assert second.problems == []
