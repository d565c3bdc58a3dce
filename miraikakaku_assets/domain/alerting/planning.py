"""The state machine of alerts: from their states and the time to messages and new states.

Each alert is told once when it stands, once more if it becomes graver, once if it comes and goes, once per level of
escalation, and once when it is over, there where it was told. A clock that jumps back delays nothing: a moment that
lies ahead counts as now.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from miraikakaku_assets.domain.alerting.alert_state import (
    AlertState,
    Member,
    Notice,
    NoticeKind,
    NoticePolicy,
    Plan,
    Suppression,
    Surroundings,
)
from miraikakaku_assets.domain.alerting.inhibition import root_behind
from miraikakaku_assets.domain.alerting.levels import LAST_ESCALATION
from miraikakaku_assets.domain.alerting.silences import SilenceKind, covering
from miraikakaku_assets.domain.tokyo_time import TOKYO

SENDING_PAUSE = timedelta(seconds=10)
"""After which an alert whose message is being sent is looked at again."""


def plan(states: Sequence[AlertState], around: Surroundings, policy: NoticePolicy, now: datetime) -> Plan:
    """Decides what is told now.

    Args:
        states: Alerts that are due, and those of which nobody was told yet: they join a message of their group.
        around: Silences, roots and what was delivered.
        policy: How people are told.
        now: Now (UTC).
    """
    planner = _Planner(around, policy, now)
    looked_at = {state.id: planner.look_at(state) for state in states}
    planner.flush_groups(looked_at)
    before = {state.id: state for state in states}
    changed = tuple(state for number, state in looked_at.items() if state != before[number])
    closed = frozenset(state.key for state in changed if state.over_at and not before[state.id].over_at)
    return Plan(planner.notices(looked_at), changed, closed)


def next_digest(after: datetime, policy: NoticePolicy) -> datetime:
    """The first moment of a digest after a moment (UTC)."""
    local = after.astimezone(TOKYO)
    at = datetime.combine(local.date(), policy.digest_time, TOKYO)
    if at <= local:
        at += timedelta(days=1)
    return at.astimezone(after.tzinfo)


class _Planner:
    """One plan in the making."""

    def __init__(self, around: Surroundings, policy: NoticePolicy, now: datetime) -> None:
        self._around = around
        self._policy = policy
        self._now = now
        self._members: dict[tuple[NoticeKind, str, int, tuple[str, str | None] | None], list[Member]] = (
            defaultdict(list)
        )
        self._flushed: set[tuple[str, str | None]] = set()

    def look_at(self, state: AlertState) -> AlertState:
        """The alert's new state; what is told of it alone is noted, what is told in a group follows."""
        if state.over_at is not None:
            return self._in_digest_as_over(state)
        state = self._not_ahead(state)
        if state.quiet_since is not None:
            return self._quiet(state, state.quiet_since)
        suppressed = self._suppressed(state)
        if suppressed is not None:
            return suppressed
        state = replace(state, suppression=None, suppressed_by=None)
        return self._untold(state) if state.is_untold else self._told(state)

    def flush_groups(self, states: dict[int, AlertState]) -> None:
        """Tells groups of which one has waited long enough, with all their members."""
        for number, state in states.items():
            if self._waits_in_group(state) and state.group in self._flushed:
                states[number] = self._tell(state, NoticeKind.RAISED)

    def notices(self, states: dict[int, AlertState]) -> tuple[Notice, ...]:
        """The messages, those that say what is over first, so that a new one is read last."""

        def gravity(member: Member) -> tuple[int, int]:
            return -states[member.id].level.rank, member.id

        return tuple(
            Notice(kind, channel, tuple(sorted(members, key=gravity)), escalation)
            for (kind, channel, escalation, _), members in sorted(
                self._members.items(), key=lambda item: item[0][0] is not NoticeKind.RECOVERED
            )
        )

    def _quiet(self, state: AlertState, since: datetime) -> AlertState:
        """The condition holds no more: the alert is held for its quiet time, then it is over."""
        quiet_time = timedelta(0) if state.ended_by_hand else self._policy.quiet_time(state.flaps)
        until = since + quiet_time
        if until > self._now:
            if self._suppressed(state) is None and self._flaps_untold(state):
                state = self._tell(state, NoticeKind.FLAPPING)
            return replace(state, due_at=until)
        if state.id in self._around.being_sent:
            return replace(state, due_at=self._now + SENDING_PAUSE)
        ended = replace(state, over_at=since, due_at=None, suppression=None, suppressed_by=None)
        if self._covered(state, self._now) or self._covered(state, since):
            return ended
        channels = self._around.told_on.get(state.id, frozenset())
        if self._is_in_digest(state) and channels:
            return replace(ended, due_at=next_digest(self._now, self._policy))
        self._note(NoticeKind.RECOVERED, channels, state, group=state.group, is_over=True)
        return ended

    def _in_digest_as_over(self, state: AlertState) -> AlertState:
        if state.due_at is not None and state.due_at <= self._now:
            channels = self._around.told_on.get(state.id, frozenset())
            self._note(NoticeKind.DIGEST, channels, state, is_over=True)
            return replace(state, due_at=None)
        return state

    def _suppressed(self, state: AlertState) -> AlertState | None:
        """The state of an alert of which nobody is told; None of one that may be told."""
        silence = covering(self._around.silences, state, self._now)
        if silence is not None:
            expected = silence.kind is SilenceKind.EXPECTED
            why = Suppression.EXPECTED if expected else Suppression.SILENCED
            return replace(state, suppression=why, suppressed_by=str(silence.id), due_at=silence.ends_at)
        root = root_behind(state.id, state.key, self._around.roots)
        if root is not None:
            return replace(state, suppression=Suppression.INHIBITED, suppressed_by=root.key, due_at=None)
        return None

    def _untold(self, state: AlertState) -> AlertState:
        if self._is_in_digest(state):
            at = next_digest(state.waiting_since, self._policy)
            return replace(state, due_at=at) if at > self._now else self._tell(state, NoticeKind.DIGEST)
        at = state.waiting_since + self._policy.group_wait
        if at <= self._now:
            self._flushed.add(state.group)
        return replace(state, due_at=at)

    def _told(self, state: AlertState) -> AlertState:
        if self._flaps_untold(state):
            state = self._tell(state, NoticeKind.FLAPPING)
        if state.acknowledged_at is not None or state.escalation >= LAST_ESCALATION:
            return replace(state, due_at=None)
        at = (state.escalated_at or state.told_at or self._now) + state.respond_within
        if at > self._now:
            return replace(state, due_at=at)
        level = state.escalation + 1
        channels = self._policy.routes.escalations.get(level, ())
        self._note(NoticeKind.ESCALATED, channels, state, escalation=level, group=state.group)
        due_at = None if level == LAST_ESCALATION else self._now + state.respond_within
        return replace(state, escalation=level, escalated_at=self._now, due_at=due_at)

    def _tell(self, state: AlertState, kind: NoticeKind) -> AlertState:
        """Tells that it stands, or that it comes and goes: whoever was told nothing yet learns both from that."""
        first = state.first_escalation
        escalation = 1 if kind is NoticeKind.DIGEST else max(first, state.escalation)
        group = None if kind is NoticeKind.DIGEST else state.group
        self._note(
            kind, self._policy.routes.channels(state.level, state.kind, escalation), state, group=group
        )
        if state.is_untold:
            state = replace(
                state,
                told_at=self._now,
                told_level=state.level,
                escalation=max(first, state.escalation),
                escalated_at=self._now,
                due_at=self._now + state.respond_within if first < LAST_ESCALATION else None,
            )
        return replace(state, flapping_told_at=self._now) if kind is NoticeKind.FLAPPING else state

    def _flaps_untold(self, state: AlertState) -> bool:
        return (
            state.flaps >= self._policy.flapping_after
            and state.flapping_told_at is None
            and not self._is_in_digest(state)
        )

    def _waits_in_group(self, state: AlertState) -> bool:
        return (
            state.over_at is None
            and state.quiet_since is None
            and state.suppression is None
            and state.is_untold
            and not self._is_in_digest(state)
        )

    def _is_in_digest(self, state: AlertState) -> bool:
        return self._policy.routes.is_in_digest(state.level, state.kind)

    def _covered(self, state: AlertState, moment: datetime) -> bool:
        return covering(self._around.silences, state, moment) is not None

    def _not_ahead(self, state: AlertState) -> AlertState:
        """The alert with no moment ahead of now: after a clock has jumped back, nothing waits for it to catch up."""
        return replace(
            state,
            waiting_since=min(state.waiting_since, self._now),
            quiet_since=self._capped(state.quiet_since),
            told_at=self._capped(state.told_at),
            escalated_at=self._capped(state.escalated_at),
        )

    def _capped(self, moment: datetime | None) -> datetime | None:
        return None if moment is None else min(moment, self._now)

    def _note(
        self,
        kind: NoticeKind,
        channels: Iterable[str],
        state: AlertState,
        *,
        escalation: int = 1,
        group: tuple[str, str | None] | None = None,
        is_over: bool = False,
    ) -> None:
        for channel in sorted(channels):
            self._members[kind, channel, escalation, group].append(Member(state.id, is_over))
