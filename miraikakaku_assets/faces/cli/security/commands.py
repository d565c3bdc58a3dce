"""Commands ``security …``: the scan, its findings, living with one, and upgraded locks."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from miraikakaku_assets.bootstrap import ports
from miraikakaku_assets.domain.errors import ConfigurationError, WorkFellShortError
from miraikakaku_assets.domain.security.finding import CHECKS
from miraikakaku_assets.domain.words import named_in
from miraikakaku_assets.faces.cli.output import JSON_OPTION, print_json, show_line
from miraikakaku_assets.faces.cli.progress import progress_bar, work_bar
from miraikakaku_assets.faces.cli.security.tables import (
    show_findings,
    show_scan,
    show_upgrade,
    stored_as_json,
    upgrade_as_json,
)

if TYPE_CHECKING:
    from miraikakaku_assets.application.security.scan import ScanReport

_CHECKS = "; ".join(f"{check}: {about}" for check, about in CHECKS.items())


def add_commands(app: typer.Typer) -> None:
    """Adds ``security`` and its commands to the application."""
    security = typer.Typer(no_args_is_help=True, help="Weak places of this installation.")
    app.add_typer(security, name="security")
    _add_scan(security)
    _add_findings(security)
    _add_accept(security)
    _add_upgrade(security)


def _add_scan(security: typer.Typer) -> None:
    @security.command(short_help="Looks for weak places; exits 1 when there are any.")
    def scan(
        only: Annotated[
            str, typer.Option("--only", help=f"Checks to make, with commas between them. {_CHECKS}.")
        ] = "",
        *,
        as_json: bool = JSON_OPTION,
    ) -> None:
        """Looks for weak places of this installation, stores what it finds and raises alerts.

        What somebody has accepted is shown and does not fail the command. A check that cannot be made fails it.
        """
        from miraikakaku_assets.application.security.scan import chosen_checks, scan_security

        checks = chosen_checks(only)
        use = ports()
        with work_bar("security scan", shown=not as_json, noun="check") as work:
            report = scan_security(checks, use.security.scan, work)
        if as_json:
            print_json(_scan_as_json(report))
        else:
            show_scan(report)
        if not report.succeeded:
            raise typer.Exit(WorkFellShortError.exit_code)


def _scan_as_json(report: "ScanReport") -> dict[str, object]:
    return {
        "succeeded": report.succeeded,
        "at": report.at,
        "checks": [
            {
                "check": outcome.check,
                "made": not outcome.trouble,
                "used": outcome.used,
                "examined": outcome.examined,
                "findings": len(outcome.findings),
                "trouble": outcome.trouble or None,
            }
            for outcome in report.outcomes
        ],
        "findings": [stored_as_json(stored, report.at) for stored in report.standing],
        "new": sorted(report.new),
        "resolved": sorted(report.resolved),
    }


def _add_findings(security: typer.Typer) -> None:
    @security.command(short_help="Lists what stands, without scanning.")
    def findings(
        *,
        everything: Annotated[bool, typer.Option("--all", help="Those that are mended, too.")] = False,
        as_json: bool = JSON_OPTION,
    ) -> None:
        """Lists the findings that stand, worst first, without scanning."""
        use = ports()
        stored = use.security.findings.listed(only_standing=not everything)
        now = use.clock()
        if as_json:
            print_json({"succeeded": True, "findings": [stored_as_json(each, now) for each in stored]})
        else:
            show_findings(stored, now)


def _add_accept(security: typer.Typer) -> None:
    @security.command(short_help="Lives with a finding until a day, for a reason.")
    def accept(
        finding: Annotated[
            str, typer.Argument(metavar="ID", help="Id of a finding, as `security findings` shows it.")
        ],
        reason: Annotated[str, typer.Option("--reason", help="Why it is bearable, one sentence.")],
        until: Annotated[
            str, typer.Option("--until", help="Last day on which it is, YYYY-MM-DD; at most a year from now.")
        ],
        *,
        as_json: bool = JSON_OPTION,
    ) -> None:
        """Lives with a finding until the end of a day (UTC): its alert ends, and scans do not fail because of it."""
        from miraikakaku_assets.application.security.accept import accept_finding

        end = _end_of(until)
        use = ports()
        stored = accept_finding(finding, reason, end, use.security.findings, use.notices.alerting)
        if as_json:
            print_json({"succeeded": True, "finding": stored_as_json(stored, use.clock())})
        else:
            show_line(f"accepted until {until}: {stored.finding.what} ({stored.finding.place})")


def _end_of(day: str) -> datetime:
    try:
        return datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC) + timedelta(days=1)
    except ValueError:
        raise ConfigurationError(f"--until {day}: must be a day like 2026-12-31") from None


def _add_upgrade(security: typer.Typer) -> None:
    @security.command(short_help="Prepares a tested lock with fixed versions.")
    def upgrade(
        package: Annotated[
            str,
            typer.Option(
                "--package",
                help="Packages, with commas between them; default: every vulnerable one that has a fixed version.",
            ),
        ] = "",
        *,
        as_json: bool = JSON_OPTION,
    ) -> None:
        """Resolves a copy of the lock with fixed versions, installs it elsewhere, tries it and writes a report.

        Neither the tree nor this environment is touched: a person reads the difference and puts the lock into force.
        """
        from miraikakaku_assets.application.security.prepare_upgrade import prepare_upgrade

        use = ports()
        with progress_bar("upgrade", None, shown=not as_json, noun="step"):
            report = prepare_upgrade(
                tuple(named_in(package)),
                use.security.findings,
                use.security.lock_workshop,
                use.security.report_folders,
                use.clock,
            )
        if as_json:
            print_json(upgrade_as_json(report))
        else:
            show_upgrade(report)
        if not report.succeeded:
            raise typer.Exit(WorkFellShortError.exit_code)
