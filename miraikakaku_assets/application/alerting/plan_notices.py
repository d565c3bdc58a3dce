"""Use case: decide what people are told of the alerts of conditions, and queue it.

A plan is one transaction: a process that is killed in it has done nothing, and the next one does all of it.
"""

from dataclasses import dataclass

from miraikakaku_assets.application.alerting.kinds import KindsByKey
from miraikakaku_assets.application.ports import Clock
from miraikakaku_assets.application.ports.alert_states import PlanStore
from miraikakaku_assets.domain.alerting.alert_state import NoticePolicy, Plan, Surroundings
from miraikakaku_assets.domain.alerting.planning import plan


@dataclass(frozen=True)
class PlanningPorts:
    """What a plan needs.

    Attributes:
        plans: Holds the states of alerts.
        policy: How people are told.
        kinds: What explains what, and how soon somebody should look.
        clock: Where the time comes from.
    """

    plans: PlanStore
    policy: NoticePolicy
    kinds: KindsByKey
    clock: Clock


def plan_notices(ports: PlanningPorts) -> Plan:
    """Queues what people are to be told now; to be called before each delivery.

    Args:
        ports: What it needs.

    Returns:
        What was stored; empty if nothing was due.
    """
    now = ports.clock()
    with ports.plans.planning(now, ports.kinds.response, ports.kinds.that_inhibit) as session:
        if session is None:
            return Plan()
        roots = [root for number, key in session.roots if (root := ports.kinds.root(number, key)) is not None]
        around = Surroundings(session.silences, roots, session.told_on, session.being_sent)
        made = plan(session.states, around, ports.policy, now)
        session.store(made)
        return made
