"""The rules as tables for people: docs/validation.md prints them, and a test compares the two."""

from miraikakaku_assets.domain.market.instruments import UNIVERSES
from miraikakaku_assets.domain.percent import percent
from miraikakaku_assets.domain.quality.seasons import LAST, REBALANCES
from miraikakaku_assets.domain.quality.series_rules import SERIES_RULES, SeriesRule
from miraikakaku_assets.domain.quality.suites import SUITES
from miraikakaku_assets.domain.quality.usual_days import MEASURES

_ORDINALS = {LAST: "last session", 2: "second Friday", 3: "third Friday", 4: "fourth Friday"}


def suites_table() -> str:
    """Every rule of every suite as a Markdown table."""
    rows = [
        f"| `{suite.name}` | `{suite.asset}` | `{rule.name}` | {rule.sentence} |"
        for suite in SUITES
        for rule in suite.rules
    ]
    return "\n".join(["| suite | asset | rule | holds when |", "|---|---|---|---|", *rows])


def batches_table() -> str:
    """What each suite reads as a Markdown table."""
    rows = [f"| `{suite.name}` | {suite.batch} |" for suite in SUITES]
    return "\n".join(["| suite | reads |", "|---|---|", *rows])


def series_table() -> str:
    """The rules over series with their parameters by universe as a Markdown table."""
    names = list(UNIVERSES)
    rows = [
        f"| `{rule.name}` | {rule.sentence} | {rule.unit} | {' | '.join(_limits(rule, name) for name in names)} |"
        for rule in SERIES_RULES
    ]
    head = f"| rule | holds when | limit | {' | '.join(names)} |"
    return "\n".join([head, "|---" * (3 + len(names)) + "|", *rows])


def measures_table() -> str:
    """What is learnt of days as a Markdown table."""
    rows = [
        f"| `{measure.name}` | {measure.sentence} | {measure.limit:g} | {percent(measure.least_spread, 1)} |"
        for measure in MEASURES
    ]
    return "\n".join(["| rule | holds when | spreads | least spread |", "|---|---|---:|---:|", *rows])


def rebalances_table() -> str:
    """When indexes are rebalanced as a Markdown table."""
    rows = [
        f"| {event.of} | {', '.join(event.universes)} | {', '.join(map(str, event.months))} | {_ORDINALS[event.week]} |"
        for event in REBALANCES
    ]
    return "\n".join(["| event | universes | months | day |", "|---|---|---|---|", *rows])


def _limits(rule: SeriesRule, name: str) -> str:
    if not rule.applies(UNIVERSES[name]):
        return "–"
    limits = rule.limits(UNIVERSES[name])
    return f"{limits.limit:g} ({limits.tolerated:g})"
