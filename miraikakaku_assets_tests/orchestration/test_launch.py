"""Runs started from outside the web UI, and the runs that a start finds unfinished."""

import socket
import uuid
from typing import Any

import dagster as dg
import psutil
import pytest
from sqlalchemy import Engine, event, text

from miraikakaku_assets.application.commands import (
    CollectCommand,
    ReportCoverageCommand,
    UpdateMasterCommand,
)
from miraikakaku_assets.application.ports import NewBatch
from miraikakaku_assets.application.stage_reports import PriceTotals
from miraikakaku_assets.application.stage_runs import StageRun
from miraikakaku_assets.domain.market.instruments import JP, Timeframe
from miraikakaku_assets.orchestration.failures import reason_of
from miraikakaku_assets.orchestration.instance.orphaned_runs import still_runs
from miraikakaku_assets.orchestration.launch import Launcher
from miraikakaku_assets_tests.support.installations.installation import CODES, Installation, listed

pytestmark = pytest.mark.slow

HOST_TAG, PROCESS_TAG = ".dagster/miraikakaku_host", ".dagster/miraikakaku_process"
UNFINISHED = ("NOT_STARTED", "STARTING", "STARTED", "CANCELING")


def process(run_id: str, started: float = 0.0) -> str:
    """How a run remembers its process: this one, or another that had its number before."""
    mine = psutil.Process()
    return f"{run_id} {mine.pid} {mine.create_time() + started:.0f}"


def leave_run(installation: Installation, status: str, process_tag: str | None, host: str = "") -> str:
    """A run as a process leaves it that stops in that state; ``{run}`` in the tag stands for its number."""
    run_id = str(uuid.uuid4())
    tags = {HOST_TAG: host or socket.gethostname(), PROCESS_TAG: (process_tag or "").format(run=run_id)}
    run = dg.DagsterRun(
        job_name="jp_collect_symbols",
        run_id=run_id,
        status=dg.DagsterRunStatus[status],
        tags=tags if process_tag else {},
    )
    installation.instance.add_run(run)
    return run_id


def status_of(installation: Installation, run_id: str) -> str:
    run = installation.instance.get_run_by_id(run_id)
    assert run is not None
    return run.status.value


@pytest.mark.parametrize("status", UNFINISHED)
def test_a_run_is_closed_when_its_process_number_is_anothers_by_now(
    installation: Installation, status: str
) -> None:
    run_id = leave_run(installation, status, process("{run}", started=-600))
    batch = installation.ports.stores.ledger.begin(NewBatch(JP, Timeframe.D1, "yahoo", 3, run_id=run_id))

    Launcher(installation.ports)

    assert status_of(installation, run_id) == "FAILURE"
    batches = "SELECT id, status, end_time IS NOT NULL FROM miraikakaku.batch_executions"
    assert installation.rows(batches) == [(batch, "failed", True)]


def test_a_run_whose_process_died_before_its_tags_were_stored_is_closed(installation: Installation) -> None:
    run_id = leave_run(installation, "NOT_STARTED", process("{run}", started=-600))
    with (
        installation.ports.database.engine.begin() as connection
    ):  # Dagster commits a run, then the rows of its tags
        gone = connection.execute(text("DELETE FROM dagster.run_tags WHERE run_id = :run"), {"run": run_id})
        assert gone.rowcount > 0
    like = dg.RunsFilter(job_name="jp_collect_symbols")

    assert not still_runs(installation.instance, installation.ports, like)

    assert status_of(installation, run_id) == "FAILURE"


@pytest.mark.parametrize(
    ("process_tag", "host"),
    [
        pytest.param("{run} 1 1", "another.machine", id="another-machine"),
        pytest.param(process("{run}"), "", id="alive"),
        pytest.param(process("{run}", started=1.0), "", id="alive-by-another-clock"),
        pytest.param(process("its-first-attempt", started=-600), "", id="tags-of-the-run-it-retries"),
        pytest.param(None, "", id="not-begun-by-us"),
    ],
)
def test_runs_of_others_and_of_living_processes_are_left_alone(
    installation: Installation, process_tag: str | None, host: str
) -> None:
    run_id = leave_run(installation, "STARTED", process_tag, host)

    Launcher(installation.ports)

    assert status_of(installation, run_id) == "STARTED"


def test_a_run_that_others_start_remembers_its_process_too(installation: Installation) -> None:
    run = installation.run("jp_master_job")

    tags = installation.instance.get_run_by_id(run.run_id).tags  # type: ignore[union-attr]
    assert (tags[HOST_TAG], tags[PROCESS_TAG]) == (socket.gethostname(), process(run.run_id))


@pytest.fixture
def launcher(installation: Installation) -> Launcher:
    return Launcher(installation.ports)


def new_run() -> str:
    return str(uuid.uuid4())


def collected(launcher: Launcher, symbols: list[str] | None) -> StageRun[PriceTotals]:
    return launcher.run(JP, new_run(), CollectCommand(symbols))


def totals(run: StageRun[PriceTotals]) -> PriceTotals:
    assert run.report is not None
    return run.report


def test_a_run_has_the_number_it_was_given_and_its_history_is_on_the_instance(
    installation: Installation, launcher: Launcher
) -> None:
    run_id = new_run()

    outcome = launcher.run(JP, run_id, UpdateMasterCommand())

    assert (outcome.run_id, outcome.succeeded, outcome.exit_code) == (run_id, True, 0)
    assert outcome.report is not None
    assert outcome.report.added == 8
    assert status_of(installation, run_id) == "SUCCESS"
    tags = installation.instance.get_run_by_id(run_id).tags  # type: ignore[union-attr]
    assert tags[HOST_TAG] == socket.gethostname()
    assert tags[PROCESS_TAG] == process(run_id)


@pytest.mark.parametrize("symbols", [None, [], ["7203.T"]])
def test_without_a_master_a_collection_says_what_to_do_first(
    launcher: Launcher, symbols: list[str] | None
) -> None:
    outcome = collected(launcher, symbols)

    assert not outcome.succeeded
    assert outcome.exit_code == 1
    assert outcome.error == (
        "There is no stock master of jp yet, so nothing can be collected; "
        "run `miraikakaku master update --universe jp` first"
    )


def test_the_numbers_of_a_run_with_failed_symbols_come_back_with_its_reason(
    installation: Installation, launcher: Launcher
) -> None:
    launcher.run(JP, new_run(), UpdateMasterCommand())
    installation.exchange.set_faults("404@7203.T")

    whole, part = collected(launcher, None), collected(launcher, ["7203.T"])

    assert (whole.succeeded, whole.exit_code) == (False, 1)
    assert (whole.error or "").startswith("1 of 8 symbols failed")
    assert (totals(whole).symbols, totals(whole).failed_symbols) == (8, 1)
    assert totals(whole).rows_read == totals(whole).inserted > 0
    assert (totals(part).symbols, totals(part).verdicts) == (1, {"not_on_source": 1})


def test_a_whole_market_covers_issues_that_were_listed_since_the_last_one(
    installation: Installation, launcher: Launcher
) -> None:
    installation.update_master(listed(CODES))
    assert totals(collected(launcher, None)).symbols == 7
    installation.update_master(listed([*CODES, "25935"], "20251031"), accept=True)

    assert totals(collected(launcher, None)).symbols == 8
    assert installation.partition_keys()[-1] == "25935.T"


def test_keys_that_are_missing_are_registered_before_the_collection(
    installation: Installation, launcher: Launcher
) -> None:
    installation.update_master(listed(CODES))
    installation.instance.delete_dynamic_partition("jp_symbols", "6758.T")

    outcome = collected(launcher, None)

    assert outcome.succeeded
    assert installation.partition_keys()[-1] == "6758.T"
    assert set(installation.statuses().values()) == {"MATERIALIZED"}


def test_coverage_without_a_master_has_no_denominator(launcher: Launcher) -> None:
    outcome = launcher.run(JP, new_run(), ReportCoverageCommand())

    assert not outcome.succeeded
    assert "has no denominator" in (outcome.error or "")
    assert outcome.report is None


@dg.op
def breaks() -> None:
    try:
        _ = dict[str, int]()["missing"]
    except KeyError as error:
        raise RuntimeError("the disk is full\nand more") from error


@dg.job
def breaking() -> None:
    breaks()


def test_an_error_that_nobody_expected_is_shown_by_its_own_first_line() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        result = breaking.execute_in_process(instance=instance, raise_on_error=False)

    assert reason_of(result) == ("RuntimeError: the disk is full", 1)


def test_a_second_ctrl_c_while_dagster_records_the_first_still_ends_the_run(
    installation: Installation, launcher: Launcher
) -> None:
    """Dagster guards its steps against Ctrl-C, not the statement that writes down how the run ended."""
    run_id, pressed = new_run(), ["first", "second"]

    def first(entry: dg.EventLogEntry) -> None:
        if entry.dagster_event and entry.dagster_event.event_type_value == "STEP_START":
            pressed.remove("first")
            raise KeyboardInterrupt

    def second(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "first" not in pressed and "second" in pressed and statement.startswith("UPDATE runs"):
            pressed.remove("second")
            raise KeyboardInterrupt

    launcher._instance.add_event_listener(run_id, first)
    event.listen(Engine, "before_cursor_execute", second)
    try:
        with pytest.raises(KeyboardInterrupt):
            launcher.run(JP, run_id, UpdateMasterCommand())
    finally:
        event.remove(Engine, "before_cursor_execute", second)

    assert pressed == []
    assert status_of(installation, run_id) == "CANCELED"


def test_a_second_ctrl_c_while_the_batch_is_being_closed_leaves_nothing_open(
    installation: Installation, launcher: Launcher
) -> None:
    assert installation.update_master(listed(CODES)).success
    run_id = new_run()
    waiting = ["INSERT INTO miraikakaku.data_collection_log", "UPDATE miraikakaku.batch_executions"]

    def press(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if waiting and waiting[0] in statement:
            waiting.pop(0)
            raise KeyboardInterrupt

    event.listen(Engine, "before_cursor_execute", press)
    try:
        with pytest.raises(KeyboardInterrupt):
            launcher.run(JP, run_id, CollectCommand(["7203.T"]))
    finally:
        event.remove(Engine, "before_cursor_execute", press)

    assert waiting == []
    assert status_of(installation, run_id) in {"FAILURE", "CANCELED"}
    assert installation.rows("SELECT status FROM miraikakaku.batch_executions") == [("failed",)]
