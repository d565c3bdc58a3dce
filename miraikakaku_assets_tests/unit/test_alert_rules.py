"""Every alert is in one table, and the page of the operators prints it."""

import re
from pathlib import Path

from miraikakaku_assets.application.alerting.rules import ALERTS, alert_table

PAGE = Path(__file__).resolve().parents[2] / "docs" / "operations.md"


def test_the_page_prints_the_table() -> None:
    section = PAGE.read_text(encoding="utf-8").partition("\n## Alerts\n")[2].partition("\n## ")[0]
    assert alert_table() in section, f"put this table into {PAGE.name}#alerts:\n{alert_table()}"


def test_a_key_names_its_labels_in_angle_brackets() -> None:
    for kind in ALERTS:
        assert re.fullmatch(r"\w+(/(<\w+>|\w+|…))+", kind.key)
        assert kind.severities
        assert not kind.when.endswith(".")
        assert not kind.over.endswith(".")
