"""Assets ``operations/backup`` and ``operations/integrity``."""

from datetime import timedelta
from typing import Any

import dagster as dg

from miraikakaku_assets.application.backups.find_damage import find_damage
from miraikakaku_assets.application.backups.keep_log import make_base
from miraikakaku_assets.application.backups.make_backup import make_backup
from miraikakaku_assets.application.ports.operations.backups import BackupKind
from miraikakaku_assets.domain.backups.retention import LONGEST_AGE
from miraikakaku_assets.domain.errors import MiraikakakuError
from miraikakaku_assets.orchestration.failures import failure
from miraikakaku_assets.orchestration.resources import PortsResource
from miraikakaku_assets.orchestration.universes import OWNERS

GROUP = "operations"
BACKUP = dg.AssetKey([GROUP, "backup"])
INTEGRITY = dg.AssetKey([GROUP, "integrity"])
_MIB = 2**20
_BACKUP_DESCRIPTION = """A backup of prices, forecasts, Dagster's books, models and settings, every day.

It lies as a folder below `backups/`, was restored into a database of its own and compared (rows and contents of every
table) before it counts, and is put back by `miraikakaku restore`. Sizes in MiB, times in seconds."""
_INTEGRITY_DESCRIPTION = """Damage is looked for every week: all pages of tables and indexes and all cold files are \
read, checksums and indexes compared.

Written to `integrity_checks`; what is found is named and fails the check `nothing_damaged`."""


@dg.asset(
    key=BACKUP,
    group_name=GROUP,
    kinds={"postgres"},
    check_specs=[
        dg.AssetCheckSpec(
            "verified", asset=BACKUP, description="It was restored and holds what the database held."
        )
    ],
    freshness_policy=dg.FreshnessPolicy.time_window(fail_window=LONGEST_AGE),
    description=_BACKUP_DESCRIPTION,
    owners=OWNERS,
    tags={"market": "all"},
)
def backup(context: dg.AssetExecutionContext, ports: PortsResource) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Makes a verified backup and lets go of old ones."""
    is_scheduled = "dagster/schedule_name" in context.run.tags
    kind = BackupKind.SCHEDULED if is_scheduled else BackupKind.MANUAL
    try:
        made = make_backup(kind, ports.use.backups.backup_ports())
        base = (
            None if ports.use.backups.base_backups is None else make_base(ports.use.backups.base_backups).base
        )
    except MiraikakakuError as error:
        raise failure(error) from error
    manifest = made.manifest
    rows = sum(table.rows for table in manifest.dump.tables.values())
    metadata: dict[str, Any] = {
        "name": manifest.name,
        "folder": dg.MetadataValue.path(str(made.backup.folder)),
        "size_mib": round(manifest.bytes / _MIB, 3),
        "rows": rows,
        "tables": len(manifest.dump.tables),
        "files": len(manifest.files),
        "seconds": round(made.seconds, 1),
        **{f"{phase}_seconds": seconds for phase, seconds in manifest.seconds.items()},
        "schema": manifest.dump.revision,
        "server": manifest.dump.server_version,
        **(
            {} if base is None else {"base_backup": base.name, "base_backup_mib": round(base.bytes / _MIB, 3)}
        ),
        "removed": dg.MetadataValue.json(list(made.removed)),
    }
    verified = dg.AssetCheckResult(
        check_name="verified",
        passed=manifest.verified_at is not None,
        description=manifest.unverified_because
        or f"Restored and compared: {len(manifest.dump.tables)} tables, {rows:,} rows.",
    )
    return dg.MaterializeResult(metadata=metadata, check_results=[verified])


@dg.asset(
    key=INTEGRITY,
    group_name=GROUP,
    kinds={"postgres"},
    check_specs=[
        dg.AssetCheckSpec(
            "nothing_damaged", asset=INTEGRITY, description="Every page, index and cold file is whole."
        )
    ],
    freshness_policy=dg.FreshnessPolicy.time_window(fail_window=timedelta(days=8)),
    description=_INTEGRITY_DESCRIPTION,
    owners=OWNERS,
    tags={"market": "all"},
)
def integrity(ports: PortsResource) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Looks for damage in the database."""
    use = ports.use
    try:
        report = find_damage(use.backups.integrity_check, use.backups.integrity, use.backups.cold, use.clock)
    except MiraikakakuError as error:
        raise failure(error) from error
    metadata: dict[str, Any] = {
        "method": report.method,
        "checksums": report.checksums,
        "checksum_failures": report.checksum_failures,
        "relations": report.relations,
        "damaged": len(report.damaged),
        "seconds": round(report.seconds, 1),
        "findings": dg.MetadataValue.json(dict(report.damaged)),
    }
    named = "; ".join(f"{name}: {trouble}" for name, trouble in report.damaged.items())
    whole = dg.AssetCheckResult(
        check_name="nothing_damaged",
        passed=report.is_whole,
        description=named
        or (
            f"{report.checksum_failures} pages had a wrong checksum."
            if report.checksum_failures
            else f"{report.relations} tables, indexes and cold files are whole."
        ),
    )
    return dg.MaterializeResult(metadata=metadata, check_results=[whole])
