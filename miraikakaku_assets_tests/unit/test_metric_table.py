"""The page of the operators lists every metric with its labels and meaning, and none that is not there."""

import re
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from miraikakaku_assets.application.monitoring.metrics import metric_families
from miraikakaku_assets.application.ports.operations.metrics import StoredFigures
from miraikakaku_assets.application.ports.operations.system import Sample, ServiceState
from miraikakaku_assets.application.ports.rate_limit import Breaker, LimitState
from miraikakaku_assets.domain.operations.thresholds import THRESHOLDS, Level

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 11, 20, 6, tzinfo=UTC)
API = ROOT / "miraikakaku_assets" / "faces" / "api" / "health.py"


def rows() -> list[str]:
    """A row for every metric of an installation in which everything has a value."""
    values: dict[str, Any] = {
        field.name: 1.0 if field.name == "event_log_bytes" else {("a", "b", "c"): 1.0}
        for field in fields(StoredFigures)
    }
    figures = StoredFigures(**values)
    samples = [
        Sample(NOW, threshold.resource, 1.0, threshold.unit, Level.NORMAL)
        for threshold in THRESHOLDS.values()
    ]
    families = metric_families(
        figures,
        samples,
        [ServiceState("daemon", "here", 1, started_at=NOW, silent_seconds=1.0)],
        LimitState("yahoo", 5.0, 5.0, None, Breaker.CLOSED, None, 0, None),
        NOW,
        NOW,
    )
    text = API.read_text(encoding="utf-8")  # what a server of the API counts itself
    own = [
        (name, tuple(re.findall(rf"{name}\{{\{{(\w+)=", text)), meaning)
        for name, meaning in re.findall(r'"# HELP (\w+) ([^"]+)"', text)
    ]
    stored = [(family.name, family.labels, family.documentation) for family in families]
    return [
        f"| `{name.removeprefix('miraikakaku_')}` | {', '.join(f'`{label}`' for label in labels) or '–'} "
        f"| {meaning.removesuffix('.')} |"
        for name, labels, meaning in sorted(stored + own)
    ]


def test_the_page_prints_the_table() -> None:
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    table = "\n".join(["| metric | labels | value |", "|---|---|---|", *rows()])

    assert f"\n{table}\n\n" in page, f"put this into operations.md:\n{table}"
