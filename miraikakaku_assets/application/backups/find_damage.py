"""Use case: look for damage in the database before somebody meets it."""

from miraikakaku_assets.application.ports import Clock
from miraikakaku_assets.application.ports.operations.integrity import (
    IntegrityCheck,
    IntegrityReport,
    IntegrityStore,
)


def find_damage(check: IntegrityCheck, store: IntegrityStore, clock: Clock) -> IntegrityReport:
    """Reads all of the database and stores what was found."""
    report = check.check(clock())
    store.save(report)
    return report
