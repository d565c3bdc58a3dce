"""What the commands of the security scan print."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from miraikakaku_assets.domain.words import counted
from miraikakaku_assets.faces.cli.output import show_line, show_table

if TYPE_CHECKING:
    from miraikakaku_assets.application.ports.operations.security import CheckOutcome, StoredFinding
    from miraikakaku_assets.application.security.prepare_upgrade import UpgradeReport
    from miraikakaku_assets.application.security.scan import ScanReport


def show_scan(report: "ScanReport") -> None:
    """The checks, what stands, and what has changed."""
    checks = [(outcome.check.value, _result(outcome), outcome.used or "–") for outcome in report.outcomes]
    show_table("checks", ("check", "result", "made with"), checks)
    show_findings(report.standing, report.at)
    for outcome in report.failed:
        show_line(f"{outcome.check} was not checked: {outcome.trouble}")
    changes = f"{len(report.new)} new, {len(report.resolved)} mended"
    accepted = len(report.standing) - len(report.open)
    show_line(f"{counted(len(report.open), 'finding')} open, {accepted} accepted; {changes}")


def _result(outcome: "CheckOutcome") -> str:
    if outcome.trouble:
        return "not made"
    plural = "files and folders" if outcome.noun == "file or folder" else ""
    return f"{len(outcome.findings)} in {counted(outcome.examined, outcome.noun, plural)}"


def show_findings(stored: Sequence["StoredFinding"], now: datetime) -> None:
    """Each finding in two sentences: what it is and what to do."""
    if not stored:
        show_line("no finding")
        return
    rows = [
        (each.finding.level.value, each.finding.kind.value, each.id, each.finding.place, _state(each, now))
        for each in stored
    ]
    show_table("findings, worst first", ("level", "about", "id", "where", "state"), rows)
    for each in stored:
        if each.is_open(now):
            show_line(f"{each.id}  {each.finding.what}; {each.finding.fix}")


def _state(stored: "StoredFinding", now: datetime) -> str:
    if stored.resolved_at is not None:
        return f"mended {stored.resolved_at:%Y-%m-%d}"
    if stored.acceptance is not None and stored.is_accepted(now):
        return f"accepted to {stored.acceptance.until:%Y-%m-%d}"
    return f"since {stored.first_seen_at:%Y-%m-%d}"


def stored_as_json(stored: "StoredFinding", now: datetime) -> dict[str, Any]:
    """A finding for scripts."""
    finding, acceptance = stored.finding, stored.acceptance
    return {
        "id": stored.id,
        "kind": finding.kind,
        "level": finding.level,
        "rule": finding.rule,
        "target": finding.target,
        "what": finding.what,
        "where": finding.place,
        "fix": finding.fix,
        "details": finding.details,
        "first_seen_at": stored.first_seen_at,
        "last_seen_at": stored.last_seen_at,
        "resolved_at": stored.resolved_at,
        "open": stored.is_open(now),
        "accepted": None
        if acceptance is None
        else {"reason": acceptance.reason, "at": acceptance.at, "until": acceptance.until},
    }


def show_upgrade(report: "UpgradeReport") -> None:
    """What was tried, what changes, and where it lies."""
    for package in report.unfixable:
        show_line(f"{package}: no fixed version is published")
    if report.attempt is None:
        show_line("nothing to upgrade: no vulnerable package has a fixed version")
        return
    changes = [(name, before, after) for name, (before, after) in report.attempt.changes.items()]
    if changes:
        show_table("changes", ("package", "now", "then"), changes)
    else:
        show_line("no package changes: the lock has the newest versions that the project allows")
    show_table(
        "steps",
        ("step", "result", "seconds"),
        [(step.name, "ok" if step.succeeded else "failed", step.seconds) for step in report.attempt.steps],
    )
    last = report.attempt.steps[-1]
    if not last.succeeded:
        show_line(last.output)
    verdict = "tested, and waits to be put into force" if report.succeeded else "not usable"
    show_line(f"{report.folder}: {verdict}")


def upgrade_as_json(report: "UpgradeReport") -> dict[str, Any]:
    """The same for scripts."""
    attempt = report.attempt
    return {
        "succeeded": report.succeeded,
        "wanted": report.wanted,
        "unfixable": report.unfixable,
        "folder": report.folder,
        "changes": {}
        if attempt is None
        else {name: {"before": before, "after": after} for name, (before, after) in attempt.changes.items()},
        "steps": []
        if attempt is None
        else [
            {"name": step.name, "succeeded": step.succeeded, "seconds": step.seconds, "output": step.output}
            for step in attempt.steps
        ],
    }
