"""Alert rules, and the reconciler that raises and resolves what they say.

A rule is a condition on subjects of one kind (a cycle, the scores of a model): while it holds of a subject, its alert
stands. Whoever watches reads the subjects from their ports, has the rules evaluate them and hands the outcome over.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Generic, NamedTuple, Protocol, TypeVar

from miraikakaku_assets.application.ports import Clock
from miraikakaku_assets.application.ports.alert_states import ConditionStore
from miraikakaku_assets.application.ports.notices import NewAlert, Severity


class Subject(Protocol):
    """What a rule looks at."""

    @property
    def labels(self) -> Mapping[str, str]:
        """Fill the key of a rule, e.g. ``{"universe": "jp"}``; ``universe`` and ``symbol`` are kept with the alert."""


@dataclass(frozen=True)
class Finding:
    """What people are told of a subject of which a rule holds.

    Attributes:
        title: One line.
        lines: The facts, plain text.
        details: JSON values behind the text.
        severity: One of the rule's; None for its first.
    """

    title: str
    lines: Iterable[str]
    details: Mapping[str, object] = field(default_factory=dict)
    severity: Severity | None = None


@dataclass(frozen=True)
class AlertKind:
    """A kind of alerts, as docs/alerts.md lists them.

    Attributes:
        key: Key of its alerts, with the labels of the subject in angle brackets: ``cycle/<universe>/slow``. Its first
            part is the kind that is stored.
        severities: Those its alerts may have, the usual one first.
        when: When they are raised.
        over: When they are over.
        remedy: What to do about it, one sentence for people.
        inhibits: Patterns of the keys (`fnmatch.fnmatchcase`, with labels in angle brackets) of alerts that follow from
            this one: nobody is told of them while it stands.
        respond_within: How soon somebody should look; None for the usual time of the severity.
        escalates_from: Level of escalation at which it begins: 1, 2 where the whole system is concerned, 3 where data
            is lost or somebody has broken in.
    """

    key: str
    severities: tuple[Severity, ...]
    when: str
    over: str
    remedy: str = field(default="", kw_only=True)
    inhibits: tuple[str, ...] = field(default=(), kw_only=True)
    respond_within: timedelta | None = field(default=None, kw_only=True)
    escalates_from: int = field(default=1, kw_only=True)


class Evaluation(NamedTuple):
    """What a rule says of a subject.

    Attributes:
        key: Of the alert.
        alert: None if it does not stand, or not any more.
    """

    key: str
    alert: NewAlert | None


SubjectT = TypeVar("SubjectT", bound=Subject)


@dataclass(frozen=True)
class AlertRule(AlertKind, Generic[SubjectT]):
    """A condition that people should know of for as long as it holds.

    Attributes:
        find: What to say of a subject of which it holds, None of any other.
        judges: Whether it can be said at all; alerts of subjects that are not judged are left as they are.
    """

    find: Callable[[SubjectT], Finding | None]
    judges: Callable[[SubjectT], bool] = lambda _: True

    def evaluate(self, subject: SubjectT) -> Iterator[Evaluation]:
        """Whether its alert about a subject stands; nothing if the subject is not judged."""
        if not self.judges(subject):
            return
        key, labels = self.key, subject.labels
        for label, value in labels.items():
            key = key.replace(f"<{label}>", value)
        finding = self.find(subject)
        alert = (
            None
            if finding is None
            else NewAlert(
                key=key,
                severity=finding.severity or self.severities[0],
                kind=self.key.partition("/")[0],
                title=finding.title,
                message="\n".join(finding.lines),
                universe=labels.get("universe"),
                symbol=labels.get("symbol"),
                details=finding.details,
            )
        )
        yield Evaluation(key, alert)


@dataclass(frozen=True)
class AlertPorts:
    """What watching needs besides what it watches.

    Attributes:
        alerts: Where alerts are raised.
        clock: Where the time comes from.
    """

    alerts: ConditionStore
    clock: Clock


@dataclass(frozen=True)
class AlertChanges:
    """What a watch has changed.

    Attributes:
        standing: What is wrong now, each as one line.
        raised: Keys of alerts that did not stand before.
        resolved: Keys of alerts that are over.
    """

    standing: tuple[str, ...] = ()
    raised: frozenset[str] = frozenset()
    resolved: frozenset[str] = frozenset()

    def with_(self, others: "AlertChanges") -> "AlertChanges":
        """These and others."""
        return AlertChanges(
            (*self.standing, *others.standing), self.raised | others.raised, self.resolved | others.resolved
        )


def evaluate(rules: Iterable[AlertRule[SubjectT]], subjects: Iterable[SubjectT]) -> list[Evaluation]:
    """Evaluates each rule of each subject."""
    rules = tuple(rules)
    return [evaluation for each in subjects for rule in rules for evaluation in rule.evaluate(each)]


def reconcile(evaluations: Iterable[Evaluation], ports: AlertPorts) -> AlertChanges:
    """Raises the alerts that stand and ends those that were judged and do not stand any more; a plan tells people.

    Args:
        evaluations: Of any rules. An alert stands if any of them says so under its key.
        ports: What it needs.
    """
    judged, standing = set(), list[NewAlert]()
    for key, alert in evaluations:
        judged.add(key)
        if alert is not None:
            standing.append(alert)
    over = judged - {alert.key for alert in standing}
    now = ports.clock()
    raised = ports.alerts.raise_conditions(standing, now)
    return AlertChanges(
        tuple(alert.title for alert in standing), raised, ports.alerts.end_conditions(over, now)
    )
