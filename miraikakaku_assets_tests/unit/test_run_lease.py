"""Leases of runs: two attempts are never at work at once, whoever is silent, and nothing waits for ever."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miraikakaku_assets.domain.operations.run_lease import LeaseRules, Order, RunState, Turn

RULES = st.floats(min_value=3, max_value=600).map(LeaseRules)
SECONDS = st.floats(min_value=0, max_value=10_000)
STATES = st.sampled_from(RunState)


@given(RULES, SECONDS, SECONDS, STATES)
def test_a_minder_has_killed_its_run_before_anybody_calls_it_lost(
    rules: LeaseRules, silent: float, late: float, state: RunState
) -> None:
    """Whoever judges sees the lease at least as fresh as its minder does, and the minder looks this often."""
    since_renewal = silent + late
    if rules.is_lost(silent):
        assert rules.order(state, since_renewal) is Order.KILL
        assert rules.order(state, since_renewal - rules.renew_every) is Order.KILL


@given(RULES, SECONDS | st.none(), STATES)
def test_only_a_run_that_waits_and_that_nobody_holds_is_begun(
    rules: LeaseRules, silent: float | None, state: RunState
) -> None:
    turn = rules.turn(state, silent)
    free = silent is None or rules.is_lost(silent)
    assert (turn is Turn.BEGIN) == (state is RunState.WAITING and free)
    assert (turn is Turn.LATER) == (state is RunState.WAITING and not free), (
        "a run may be lost before it began"
    )


@pytest.mark.parametrize(
    ("state", "order"),
    [
        (RunState.WAITING, Order.CARRY_ON),
        (RunState.AT_WORK, Order.CARRY_ON),
        (RunState.CANCELLING, Order.CANCEL),
        (RunState.SUCCEEDED, Order.CARRY_ON),
        (RunState.ENDED, Order.KILL),
    ],
)
def test_a_fresh_lease_leaves_the_order_to_the_state_of_the_run(state: RunState, order: Order) -> None:
    rules = LeaseRules(30.0)
    assert rules.order(state, rules.renew_every) is order
