"""The nightly pruning as a run of the installation."""

from datetime import timedelta

import dagster as dg
import pytest

from miraikakaku_assets import bootstrap
from miraikakaku_assets.bootstrap import Ports, utc_now
from miraikakaku_assets_tests.support.installations.installation import CODES, PRICES, Installation, listed


def later(installation: Installation, days: float) -> dg.ExecuteInProcessResult:
    """The pruning some days from now."""
    moment = utc_now() + timedelta(days=days)  # the machine's clock: Dagster stamps its runs by it
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bootstrap, "_ports", Ports(installation.ports.settings, lambda: moment))
        return installation.run("event_log_pruning_job")


def test_runs_past_their_retention_go_and_what_they_brought_stays(installation: Installation) -> None:
    installation.update_master(listed(CODES))
    first = installation.collect_range()
    second = installation.collect_range()
    before = installation.statuses(), installation.newest(PRICES, "7203.T").storage_id
    assert set(before[0].values()) == {"MATERIALIZED"}

    assert later(installation, 29).success
    assert installation.instance.has_run(first.run_id)
    reports = "SELECT count(*) FROM miraikakaku.stage_reports"
    assert installation.rows(reports) == [(3,)]  # of the master and two collections
    pruning = later(installation, 31)

    assert pruning.success
    assert installation.rows(reports) == [(0,)]
    assert not installation.instance.has_run(first.run_id)
    assert installation.instance.has_run(second.run_id)
    assert (installation.statuses(), installation.newest(PRICES, "7203.T").storage_id) == before
    messages = [entry.user_message for entry in installation.instance.all_logs(pruning.run_id)]
    # The first collection, and the first pruning, which was as long ago.
    assert any(text.startswith("2 runs with their events") for text in messages)
