"""The table of all alerts: docs/operations.md#alerts prints it, and a test compares the two."""

from miraikakaku_assets.application.alerting.alert_rule import AlertKind
from miraikakaku_assets.application.alerting.cycle_alerts import CYCLE_RULES, RUNNING_CYCLE_RULES
from miraikakaku_assets.application.alerting.forecast_alerts import SCORE_RULES, TRAINING_RULES
from miraikakaku_assets.application.alerting.security_alerts import FINDING_RULES, SCAN_RULES
from miraikakaku_assets.application.ports.notices import PATTERN, WITHDRAWN, Severity

EVENTS = (
    AlertKind(
        key=f"{PATTERN}/<symbol>/…",
        severities=(Severity.INFO,),
        when="a new signal",
        over="a day later, or when a recomputation no longer finds it",
    ),
    AlertKind(
        key=f"{WITHDRAWN}/<timeframe>/<symbol>/…",
        severities=(Severity.WARNING, Severity.INFO),
        when="a delivery showed that stored bars are wrong; it names them",
        over="a day later",
    ),
)
"""Alerts that are raised with the rows they are about, in one transaction: no rule watches for them."""

ALERTS: tuple[AlertKind, ...] = (
    *CYCLE_RULES,
    *RUNNING_CYCLE_RULES,
    *SCORE_RULES,
    *TRAINING_RULES,
    *FINDING_RULES,
    *SCAN_RULES,
    *EVENTS,
)
"""Every kind of alert there is."""


def alert_table() -> str:
    """All alerts as a Markdown table."""
    rows = [
        f"| `{kind.key}` | {' or '.join(kind.severities)} | {kind.when} | {kind.over} |" for kind in ALERTS
    ]
    return "\n".join(["| alert | severity | when | over when |", "|---|---|---|---|", *rows])
