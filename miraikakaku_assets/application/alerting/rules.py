"""The table of all alerts: docs/alerts.md prints it, and a test compares the two."""

from collections.abc import Mapping
from datetime import timedelta

from miraikakaku_assets.application.alerting.alert_rule import AlertKind
from miraikakaku_assets.application.alerting.conditions.backup_alerts import BACKUP_RULES
from miraikakaku_assets.application.alerting.conditions.collection_alerts import (
    COLLECTION_RULES,
    NO_DATA_RULES,
    START_RULES,
)
from miraikakaku_assets.application.alerting.conditions.curve_alerts import SHAPE_RULES, SILENCE_RULES
from miraikakaku_assets.application.alerting.conditions.cycle_alerts import CYCLE_RULES, RUNNING_CYCLE_RULES
from miraikakaku_assets.application.alerting.conditions.database_alerts import (
    DATABASE_RULES,
    DISK_RULES,
    UNREACHABLE,
)
from miraikakaku_assets.application.alerting.conditions.forecast_alerts import SCORE_RULES, TRAINING_RULES
from miraikakaku_assets.application.alerting.conditions.market_alerts import (
    COVERAGE_AGE_RULES,
    COVERAGE_RULES,
    FORECAST_RULES,
    MASTER_RULES,
)
from miraikakaku_assets.application.alerting.conditions.run_alerts import CHECK_RULES, RUN_RULES, TICK_RULES
from miraikakaku_assets.application.alerting.conditions.schedule_alerts import SCHEDULE_RULES, SERVICE_RULES
from miraikakaku_assets.application.alerting.conditions.security_alerts import FINDING_RULES, SCAN_RULES
from miraikakaku_assets.application.alerting.conditions.source_alerts import CLOCK_RULES, SOURCE_RULES
from miraikakaku_assets.application.alerting.conditions.system_alerts import SYSTEM_RULES
from miraikakaku_assets.application.ports.notices import PATTERN, WITHDRAWN, Severity
from miraikakaku_assets.domain.alerting.levels import RESPOND_WITHIN

EVENTS = (
    AlertKind(
        key=f"{PATTERN}/<symbol>/…",
        severities=(Severity.INFO,),
        when="a new signal",
        over="a day later, or when a recomputation no longer finds it",
        remedy="Nothing is broken; the message has the evidence and the track record.",
    ),
    AlertKind(
        key=f"{WITHDRAWN}/<timeframe>/<symbol>/…",
        severities=(Severity.WARNING, Severity.INFO),
        when="a delivery showed that stored bars are wrong; it names them",
        over="a day later",
        remedy="Look at `quarantined_bars`; what was derived from the bars is computed anew by itself.",
    ),
)
"""Alerts that are raised with the rows they are about, in one transaction: no rule watches for them."""

TOPICS: Mapping[str, tuple[AlertKind, ...]] = {
    "Database and disk": (UNREACHABLE, *DATABASE_RULES, *DISK_RULES),
    "Backups": BACKUP_RULES,
    "Machine": SYSTEM_RULES,
    "Services, schedules and runs": (
        *SERVICE_RULES,
        *SCHEDULE_RULES,
        *TICK_RULES,
        *RUN_RULES,
        *CHECK_RULES,
    ),
    "Source of prices": (*SOURCE_RULES, *CLOCK_RULES),
    "Collections": (*START_RULES, *COLLECTION_RULES, *NO_DATA_RULES),
    "Cycles": (*CYCLE_RULES, *RUNNING_CYCLE_RULES),
    "Masters and coverage": (*MASTER_RULES, *COVERAGE_RULES, *COVERAGE_AGE_RULES),
    "Forecasts": (*FORECAST_RULES, *SCORE_RULES, *TRAINING_RULES),
    "Copper curve": (*SHAPE_RULES, *SILENCE_RULES),
    "Security": (*FINDING_RULES, *SCAN_RULES),
    "Events": EVENTS,
}
"""Every kind of alert there is, by what it is about."""

ALERTS: tuple[AlertKind, ...] = tuple(kind for kinds in TOPICS.values() for kind in kinds)
"""The same in one row."""


def alert_table() -> str:
    """All alerts as Markdown: a section per topic, a table of its conditions and a list of what to do."""
    return "\n\n".join(
        f"## {topic}\n\n{_conditions(kinds)}\n\n{_remedies(kinds)}" for topic, kinds in TOPICS.items()
    )


def _conditions(kinds: tuple[AlertKind, ...]) -> str:
    rows = [
        f"| `{kind.key}` | {' or '.join(kind.severities)} | {_span(kind)} | {kind.when} | {kind.over} |"
        for kind in kinds
    ]
    head = ["| alert | severity | respond within | when | over when |", "|---|---|---|---|---|"]
    return "\n".join([*head, *rows])


def _remedies(kinds: tuple[AlertKind, ...]) -> str:
    head = ["| alert | what to do | keeps quiet | level |", "|---|---|---|---|"]
    # One alert may be raised by two rules; what is to be done about it is said once.
    first = {kind.key: kind for kind in reversed(kinds)}
    rows = [
        f"| `{kind.key}` | {kind.remedy} | {', '.join(f'`{key}`' for key in kind.inhibits) or '–'} "
        f"| L{kind.escalates_from} |"
        for kind in reversed(first.values())
    ]
    return "\n".join([*head, *rows])


def _span(kind: AlertKind) -> str:
    usual = {RESPOND_WITHIN[severity.level] for severity in kind.severities}
    spans = usual if kind.respond_within is None else {kind.respond_within}
    return " or ".join(_in_words(span) for span in sorted(spans))


def _in_words(span: timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    if minutes == 0:
        return "at once"
    return f"{minutes // 60} h" if minutes >= 60 and minutes % 60 == 0 else f"{minutes} min"  # noqa: PLR2004
