"""Use case: look for damage in the database and its cold files before somebody meets it."""

from dataclasses import replace

from miraikakaku_assets.application.cold.move_bars import ColdPorts
from miraikakaku_assets.application.cold.verify_files import verify_files
from miraikakaku_assets.application.ports import Clock
from miraikakaku_assets.application.ports.operations.integrity import (
    IntegrityCheck,
    IntegrityReport,
    IntegrityStore,
)


def find_damage(
    check: IntegrityCheck, store: IntegrityStore, cold: ColdPorts, clock: Clock
) -> IntegrityReport:
    """Reads all of the database and all files of bars that left it, and stores what was found."""
    report = check.check(clock())
    verified = verify_files(cold)
    report = replace(
        report,
        relations=report.relations + len(verified.files),
        damaged={**report.damaged, **verified.damaged},
    )
    store.save(report)
    return report
