"""The daily security scan as an asset. Put here: when and how it is shown. Keep out: what is looked for."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg

from miraikakaku_assets.domain.errors import MiraikakakuError
from miraikakaku_assets.domain.security.finding import CHECKS, Check, Level
from miraikakaku_assets.domain.words import counted
from miraikakaku_assets.orchestration.failures import failure
from miraikakaku_assets.orchestration.resources import PortsResource
from miraikakaku_assets.orchestration.universes import OWNERS

if TYPE_CHECKING:
    from miraikakaku_assets.application.security.scan import ScanReport

SECURITY_SCAN = dg.AssetKey(["operations", "security_scan"])
_TWO_DAYS = timedelta(days=2)
_SHOWN = 20
_DESCRIPTION = (
    """Weak places of this installation, looked for every day: """
    + "; ".join(CHECKS.values())
    + """.

Findings go to `security_findings` and become alerts; what somebody has accepted (`miraikakaku security accept`) is
shown and fails no check. A check of the scan that cannot be made fails the run, after the others have been made."""
)
security_scan_type = Iterator[dg.MaterializeResult]  # type: ignore[type-arg] # it carries no value


@dg.asset(
    key=SECURITY_SCAN,
    group_name="operations",
    kinds={"python", "postgres"},
    check_specs=[
        dg.AssetCheckSpec(
            "nothing_open",
            asset=SECURITY_SCAN,
            description="Nothing was found that nobody has accepted.",
        ),
    ],
    freshness_policy=dg.FreshnessPolicy.time_window(fail_window=_TWO_DAYS),
    description=_DESCRIPTION,
    owners=OWNERS,
    tags={"market": "all"},
)
def security_scan(ports: PortsResource) -> security_scan_type:
    """Makes every check of the security scan."""
    from miraikakaku_assets.application.security.scan import scan_security

    try:
        report = scan_security(tuple(Check), ports.use.security.scan)
    except MiraikakakuError as error:
        raise failure(error) from error
    yield dg.MaterializeResult(metadata=_metadata(report), check_results=[_check(report)])
    if report.failed:
        reasons = "; ".join(f"{outcome.check}: {outcome.trouble}" for outcome in report.failed)
        raise dg.Failure(
            f"{counted(len(report.failed), 'check')} could not be made: {reasons}",
            metadata={"failed_checks": len(report.failed)},
            allow_retries=False,
        )


def _metadata(report: "ScanReport") -> dict[str, Any]:
    """Figures of the scan; numbers are plotted over time by the web UI."""
    levels = Counter(stored.finding.level for stored in report.open)
    return {
        "open": len(report.open),
        "accepted": len(report.standing) - len(report.open),
        "new": len(report.new),
        "mended": len(report.resolved),
        **{level.value: levels[level] for level in Level},
        "failed_checks": len(report.failed),
        "checks": dg.MetadataValue.table(
            records=[
                dg.TableRecord(
                    {
                        "check": outcome.check.value,
                        "made with": outcome.used or outcome.trouble,
                        "examined": outcome.examined,
                        "findings": len(outcome.findings),
                    }
                )
                for outcome in report.outcomes
            ]
        ),
        "worst": dg.MetadataValue.table(
            records=[
                dg.TableRecord(
                    {
                        "level": stored.finding.level.value,
                        "what": stored.finding.what,
                        "where": stored.finding.place,
                        "fix": stored.finding.fix,
                        "id": stored.id,
                    }
                )
                for stored in report.open[:_SHOWN]
            ],
            schema=dg.TableSchema([dg.TableColumn(name) for name in ("level", "what", "where", "fix", "id")]),
        ),
    }


def _check(report: "ScanReport") -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name="nothing_open",
        passed=not report.open,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{counted(len(report.open), 'finding')} open: `miraikakaku security findings` lists them."
        if report.open
        else "Nothing is open.",
        metadata={"open": len(report.open)},
    )
