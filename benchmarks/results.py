"""Where results go. ``benchmarks/results.json`` holds one run of everything on one commit, never a mixture."""

import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.metrics import GOALS, Metric
from miraikakaku_assets.application.reporting.marked_page import put_between
from miraikakaku_assets.domain.errors import ConfigurationError

ROOT = Path(__file__).resolve().parents[1]
WHOLE = ROOT / "benchmarks" / "results.json"
PARTS = ROOT / ".cache" / "benchmarks.json"
"""Where a run of some metrics goes; ignored by git."""


def write(metrics: Mapping[str, Metric], *, quick: bool, whole: Path = WHOLE, parts: Path = PARTS) -> Path:
    """Writes what one run has measured: everything to the file that is published, anything less to the other.

    Returns:
        The file that was written.
    """
    target = whole if set(metrics) == set(GOALS) else parts
    results = {
        "machine": machine(),
        "commit": commit(),
        "quick": quick,
        "metrics": {name: asdict(metric) for name, metric in metrics.items()},
    }
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return target


def machine() -> dict[str, Any]:
    """What the figures depend on."""
    return {"python": platform.python_version(), "system": platform.system(), "cores": os.cpu_count()}


def commit() -> str:
    """The commit in force, with a remark where the working tree differs from it; ``unknown`` outside git."""
    head = _git("rev-parse", "HEAD")
    # The results themselves are written by the run.
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!benchmarks/results.json")
    return f"{head} with uncommitted changes" if head and changed else head or "unknown"


def _git(*words: str) -> str:
    answer = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    return answer.stdout.strip()


def on_page(page: str, begin: str, end: str, lines: Sequence[str]) -> str:
    """A page with the lines of a measurement between its marks.

    Raises:
        ValueError: The page has no place for them.
    """
    try:
        return put_between(page, begin, end, "\n".join(lines))
    except ConfigurationError as error:
        raise ValueError(f"the page has no place for the figures between {begin} and {end}") from error


def show(metrics: Mapping[str, Metric]) -> None:
    """Prints the table; times and speeds have no verdict."""
    table = Table(box=None, header_style="dim", pad_edge=False)
    for name in ("metric", "value", "goal", "", "beside it"):
        table.add_column(name, overflow="fold")
    verdicts = {True: "[green]holds[/]", False: "[red]missed[/]", None: "[dim]not judged[/]"}
    for name, metric in metrics.items():
        sign = "≤" if metric.better == "lower" else "≥"
        floor = f"{metric.floor:.3g} " if metric.floor is not None else ""
        most = GOALS[name].most
        table.add_row(
            name,
            f"{metric.value:.3g} {metric.unit}",
            f"{sign} {metric.goal:g}{f', ≤ {most:g}' if most else ''}",
            verdicts[metric.holds],
            f"{floor}{metric.floor_is}",
        )
    Console().print(table)
