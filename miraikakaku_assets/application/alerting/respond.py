"""Use cases of whoever looks after alerts: take one on, declare it over, silence some, expect some."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from miraikakaku_assets.application.alerting.plan_notices import PlanningPorts, plan_notices
from miraikakaku_assets.application.ports.alert_states import AlertRecords, SilenceStore
from miraikakaku_assets.application.ports.notices import Alert
from miraikakaku_assets.domain.alerting.matchers import parse_matcher
from miraikakaku_assets.domain.alerting.silences import Silence, SilenceKind
from miraikakaku_assets.domain.errors import ConfigurationError, WorkFellShortError

LONGEST_SILENCE = timedelta(days=366)
"""A silence for ever is a rule that nobody needs."""


@dataclass(frozen=True)
class ResponsePorts:
    """What looking after alerts needs.

    Attributes:
        records: The alerts.
        silences: Silences and what is expected.
        planning: What is told changes at once.
    """

    records: AlertRecords
    silences: SilenceStore
    planning: PlanningPorts


def find_alert(name: str, ports: ResponsePorts) -> Alert:
    """The alert of a number, or the newest of a key.

    Raises:
        ConfigurationError: There is none.
    """
    alert = ports.records.find(name)
    if alert is None:
        raise ConfigurationError(f"there is no alert {name!r}; `miraikakaku alerts --all` lists them")
    return alert


def acknowledge(name: str, note: str, ports: ResponsePorts) -> Alert:
    """Notes that somebody takes an alert on: it escalates no further.

    Args:
        name: Number or key.
        note: In somebody's words.
        ports: What it needs.

    Raises:
        ConfigurationError: There is no such alert.
        WorkFellShortError: It is over.
    """
    alert = find_alert(name, ports)
    if not ports.records.acknowledge(alert.id, note, ports.planning.clock()):
        raise WorkFellShortError(f"alert {alert.id} ({alert.key}) is over; there is nothing to acknowledge")
    return _planned(alert, ports)


def resolve(name: str, ports: ResponsePorts) -> Alert:
    """Declares an alert over; if its condition still holds, the next check raises it anew.

    Args:
        name: Number or key.
        ports: What it needs.

    Raises:
        ConfigurationError: There is no such alert.
        WorkFellShortError: It is over.
    """
    alert = find_alert(name, ports)
    if not ports.records.resolve(alert.id, ports.planning.clock()):
        raise WorkFellShortError(f"alert {alert.id} ({alert.key}) is over already")
    return _planned(alert, ports)


def silence(matchers: Sequence[str], lasting: timedelta, note: str, ports: ResponsePorts) -> Silence:
    """Tells nobody of alerts that match, for a while.

    Args:
        matchers: As of `parse_matcher`; an alert has to meet all of them.
        lasting: From now on.
        note: Why.
        ports: What it needs.

    Raises:
        ConfigurationError: A matcher or the time is wrong.
    """
    now = ports.planning.clock()
    return _add(SilenceKind.SILENCE, matchers, (now, now + lasting), note, ports)


def expect(
    matchers: Sequence[str], period: tuple[datetime, datetime], note: str, ports: ResponsePorts
) -> Silence:
    """Notes that alerts that match are expected in a period: they are recorded so, and nobody is told.

    Args:
        matchers: As of `parse_matcher`; an alert has to meet all of them.
        period: First and last moment (UTC); the last is excluded.
        note: Why.
        ports: What it needs.

    Raises:
        ConfigurationError: A matcher or the period is wrong, or the note is missing.
    """
    if not note.strip():
        raise ConfigurationError("say why it is expected (--note): whoever reads it later was not there")
    return _add(SilenceKind.EXPECTED, matchers, period, note, ports)


def lift_silence(number: int, ports: ResponsePorts) -> Silence:
    """Ends a silence or an expectation now; alerts it covers that still stand are told.

    Raises:
        ConfigurationError: There is none of this number that is in force or to come.
    """
    lifted = ports.silences.lift(number, ports.planning.clock())
    if lifted is None:
        raise ConfigurationError(
            f"there is no silence {number} in force; `miraikakaku alerts silences` lists them"
        )
    plan_notices(ports.planning)
    return lifted


def _add(
    kind: SilenceKind,
    matchers: Sequence[str],
    period: tuple[datetime, datetime],
    note: str,
    ports: ResponsePorts,
) -> Silence:
    begins, ends = period
    if not timedelta(0) < ends - begins <= LONGEST_SILENCE:
        raise ConfigurationError(f"a silence has to end after it begins, within {LONGEST_SILENCE.days} days")
    added = ports.silences.add(kind, parse_matcher(matchers), period, note.strip(), ports.planning.clock())
    plan_notices(ports.planning)
    return added


def _planned(alert: Alert, ports: ResponsePorts) -> Alert:
    plan_notices(ports.planning)
    return find_alert(str(alert.id), ports)
