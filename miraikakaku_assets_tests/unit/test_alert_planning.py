"""The state machine of alerts over any course of events: told once, over only where told, never what is suppressed."""

from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta

from hypothesis import given
from hypothesis import strategies as st

from miraikakaku_assets.domain.alerting.alert_state import (
    AlertState,
    Notice,
    NoticeKind,
    NoticePolicy,
    Surroundings,
)
from miraikakaku_assets.domain.alerting.inhibition import Root, root_of
from miraikakaku_assets.domain.alerting.levels import LAST_ESCALATION, RESPOND_WITHIN, Level
from miraikakaku_assets.domain.alerting.matchers import Matcher
from miraikakaku_assets.domain.alerting.planning import next_digest, plan
from miraikakaku_assets.domain.alerting.routes import parse_routes
from miraikakaku_assets.domain.alerting.silences import Silence, SilenceKind, covering

NOON = datetime.fromisoformat("2026-11-20T03:00:00+00:00")
POLICY = NoticePolicy(parse_routes("L2=email L3=email", ("discord", "email")))
LEVELS = {"source/x": Level.HIGH, "cycle/a": Level.MEDIUM, "cycle/b": Level.HIGH, "cycle/low": Level.LOW}
ROOT = "source/x"


@dataclass
class World:
    """Everything a plan is made of, kept as the database keeps it."""

    now: datetime = NOON
    states: dict[int, AlertState] = field(default_factory=dict)
    silences: list[Silence] = field(default_factory=list)
    waiting: list[Notice] = field(default_factory=list)
    delivered: list[Notice] = field(default_factory=list)
    queued: list[Notice] = field(default_factory=list)
    is_up: bool = True

    def standing(self, key: str) -> AlertState | None:
        return next((state for state in self.states.values() if state.key == key and not state.over_at), None)

    def toggle(self, key: str) -> None:
        state = self.standing(key)
        if state is None:
            number, level = len(self.states) + 1, LEVELS[key]
            kind = key.partition("/")[0]
            self.states[number] = AlertState(
                number, key, kind, level, None, None, self.now, RESPOND_WITHIN[level], due_at=self.now
            )
        elif state.quiet_since is None:
            self.states[state.id] = replace(state, quiet_since=self.now, due_at=self.now)
        else:
            self.states[state.id] = replace(state, quiet_since=None, flaps=state.flaps + 1, due_at=self.now)

    def silence(self, key: str) -> None:
        number = len(self.silences) + 1
        end = self.now + timedelta(minutes=20)
        made = Silence(number, SilenceKind.SILENCE, Matcher(key), self.now, end, "", self.now)
        self.silences.append(made)
        self.states = {
            number: state if state.over_at else replace(state, due_at=self.now)
            for number, state in self.states.items()
        }

    def told_on(self) -> dict[int, frozenset[str]]:
        channels: dict[int, frozenset[str]] = {}
        for notice in self.delivered:
            for member in notice.members:
                if not member.is_over:
                    channels[member.id] = channels.get(member.id, frozenset()) | {notice.channel}
        return channels

    def roots(self) -> list[Root]:
        state = self.standing(ROOT)
        return [] if state is None else [root_of(state.id, ROOT, {}, ["cycle/a"])]

    def plan(self) -> None:
        due = [
            state
            for state in self.states.values()
            if state.due_at is not None
            and (state.due_at <= self.now or (state.told_at is None and not state.suppression))
        ]
        around = Surroundings(self.silences, self.roots(), self.told_on())
        made = plan(due, around, POLICY, self.now)
        for notice in made.notices:
            for member in notice.members:
                alert = self.states[member.id]
                if notice.kind is not NoticeKind.DIGEST or not member.is_over:
                    assert covering(self.silences, alert, self.now) is None
                if not member.is_over:
                    assert not any(root.explains(alert.key) for root in self.roots())
        self.states |= {state.id: state for state in made.states}
        self.queued += made.notices
        self.waiting += made.notices
        if made.closed:
            self.waiting = [notice for notice in self.waiting if any(map(self.is_news, notice.members))]
            for state in self.states.values():
                if state.suppressed_by in made.closed and not state.over_at:
                    released = replace(state, suppression=None, suppressed_by=None, due_at=self.now)
                    self.states[state.id] = replace(released, waiting_since=self.now)
        if self.is_up:
            self.delivered += self.waiting
            self.waiting = []

    def is_news(self, member: object) -> bool:
        return member.is_over or not self.states[member.id].over_at  # type: ignore[attr-defined]


STEPS = st.one_of(
    st.tuples(st.just("toggle"), st.sampled_from(sorted(LEVELS))),
    st.tuples(st.just("silence"), st.sampled_from(["cycle/*", "cycle/a", "source/x"])),
    st.tuples(st.just("pass"), st.sampled_from([1, 20, 40, 130, 600, 3700, 90_000])),
    st.tuples(st.just("channels"), st.booleans()),
)


def after(steps: list[tuple[str, object]]) -> World:
    world = World()
    for word, what in [*steps, ("channels", True), ("pass", 1), ("pass", 90_000), ("pass", 60)]:
        if word == "toggle":
            world.toggle(str(what))
        elif word == "silence":
            world.silence(str(what))
        elif word == "channels":
            world.is_up = bool(what)
        else:
            world.now += timedelta(seconds=float(str(what)))
        world.plan()
    return world


@given(st.lists(STEPS, max_size=40))
def test_nobody_is_told_twice_and_nobody_hears_of_the_end_of_what_they_were_not_told(
    steps: list[tuple[str, object]],
) -> None:
    world = after(steps)
    for number in world.states:
        for channel in ("discord", "email"):
            messages = [
                (notice.kind, notice.escalation, member.is_over)
                for notice in world.delivered
                if notice.channel == channel
                for member in notice.members
                if member.id == number
            ]
            assert len(messages) == len(set(messages))
            ends = [place for place, (_, _, is_over) in enumerate(messages) if is_over]
            assert len(ends) <= 1
            assert ends in ([], [len(messages) - 1])
            assert not ends or len(messages) > 1


@given(st.lists(STEPS, max_size=40))
def test_what_stands_and_is_not_suppressed_is_told_in_the_end(steps: list[tuple[str, object]]) -> None:
    world = after(steps)
    for state in world.states.values():
        if state.over_at is None and state.quiet_since is None and state.suppression is None:
            assert state.told_at is not None
        if state.quiet_since is not None:
            assert state.over_at is not None  # a day of quiet closes the noisiest
        assert state.escalation <= LAST_ESCALATION


def test_a_quiet_time_doubles_with_each_return_up_to_an_hour() -> None:
    minutes = [POLICY.quiet_time(flaps) / timedelta(minutes=1) for flaps in (0, 1, 2, 4, 5, 1000)]
    assert minutes == [2, 4, 8, 32, 60, 60]


def test_the_digest_is_at_its_hour_in_tokyo() -> None:
    policy = replace(POLICY, digest_time=time(9, 30))
    assert next_digest(NOON, policy).isoformat() == "2026-11-21T00:30:00+00:00"
    assert next_digest(next_digest(NOON, policy), policy).isoformat() == "2026-11-22T00:30:00+00:00"


def test_labels_fill_the_patterns_of_what_a_root_explains() -> None:
    root = root_of(1, "source/USDJPY=X/down", {"source": "a[b]"}, ["cycle/<source>/*", "run/<job>/failed"])
    assert root.explains("cycle/a[b]/slow")
    assert not root.explains("cycle/ab/slow")
    assert root.explains("run/anything/failed")
    assert not root.explains("source/USDJPY=X/down")
