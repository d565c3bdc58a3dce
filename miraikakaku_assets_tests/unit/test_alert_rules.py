"""Every alert is in one table, says what to do, and the page of the operators prints it."""

import re
from fnmatch import fnmatchcase
from pathlib import Path

from miraikakaku_assets.application.alerting.rules import ALERTS, alert_table

PAGE = Path(__file__).resolve().parents[2] / "docs" / "alerts.md"


def test_the_page_prints_the_tables() -> None:
    assert alert_table() in PAGE.read_text(encoding="utf-8"), f"put this into {PAGE.name}:\n{alert_table()}"


def test_a_key_names_its_labels_in_angle_brackets() -> None:
    for kind in ALERTS:
        assert re.fullmatch(r"\w+(/(<\w+>|\w+|…))+", kind.key)
        assert kind.severities
        assert not kind.when.endswith(".")
        assert not kind.over.endswith(".")


def test_every_kind_says_what_to_do_in_a_sentence_that_fits_a_table() -> None:
    for kind in ALERTS:
        assert re.fullmatch(r"[A-Z`][^|\n]+\.", kind.remedy), kind.key


def test_no_alert_keeps_itself_quiet_and_none_is_named_that_is_not_there() -> None:
    labels = {
        "universe": "jp",
        "source": "yahoo",
        "name": "n",
        "schedule": "jp_daily",
        "service": "daemon",
        "list": "jp",
    }
    for kind in ALERTS:
        for pattern in (_filled(inhibited, labels) for inhibited in kind.inhibits):
            assert not fnmatchcase(_filled(kind.key, labels), pattern), (kind.key, pattern)
            assert any(_may_match(other.key, pattern) for other in ALERTS), (kind.key, pattern)


def test_what_an_alert_keeps_quiet_is_named_by_its_own_labels() -> None:
    for kind in ALERTS:
        own = set(re.findall(r"<\w+>", kind.key))
        assert {label for pattern in kind.inhibits for label in re.findall(r"<\w+>", pattern)} <= own, (
            kind.key
        )


def _filled(key: str, labels: dict[str, str]) -> str:
    for label, value in labels.items():
        key = key.replace(f"<{label}>", value)
    return key


def _may_match(key: str, pattern: str) -> bool:
    """Whether some key of that kind fits: both begin with the same kind and end with the same word."""
    kind, _, rest = pattern.partition("/")
    last = rest.rpartition("/")[2]
    return key.partition("/")[0] == kind and fnmatchcase(key.rpartition("/")[2], last)
