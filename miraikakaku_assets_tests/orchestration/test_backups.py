"""The backup, the search for damage and the maintenance as Dagster does them."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from miraikakaku_assets import bootstrap
from miraikakaku_assets.orchestration.backups.assets import BACKUP, INTEGRITY
from miraikakaku_assets.orchestration.build import build_defs
from miraikakaku_assets_tests.support.in_process import ports_of
from miraikakaku_assets_tests.support.installations.backed_up import backed_up_installation

pytestmark = pytest.mark.slow
NOW = datetime(2026, 11, 20, 3, tzinfo=UTC)


def test_the_jobs_of_a_sunday_night(
    installed_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = backed_up_installation(tmp_path, installed_url, whole=True)
    use = ports_of(command, NOW)
    monkeypatch.setattr(bootstrap, "_ports", use)
    definitions = build_defs()
    results = {}
    for name in ("backup_job", "integrity_job", "purge_old_files_job", "db_maintenance_job"):
        job = definitions.resolve_job_def(name)
        results[name] = job.execute_in_process(raise_on_error=False)
        assert results[name].success, results[name].get_step_failure_events()

    (backup,) = results["backup_job"].asset_materializations_for_node("operations__backup")
    assert backup.asset_key == BACKUP
    (stored,) = use.backups.shelf().listed()
    rows = sum(table.rows for table in stored.manifest.dump.tables.values())
    assert backup.metadata["rows"].value == rows
    assert rows >= 5050
    (whole,) = results["integrity_job"].get_asset_check_evaluations()
    assert (whole.asset_key, whole.passed) == (INTEGRITY, True)
    assert use.backups.integrity.newest() is not None
    assert stored.manifest.kind == "manual"
    use.database.close()
