"""The rules of a pipeline: the order of stages, which failure goes on, and what does not count as done."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest

from miraikakaku_assets.adapters.storage.collection.stage_reports import PostgresStageReports
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.forecasts.store import PostgresForecasts
from miraikakaku_assets.adapters.storage.masters.store import PostgresMasters
from miraikakaku_assets.application.commands import (
    AnalyzeCommand,
    CollectCommand,
    PredictCommand,
    TrainCommand,
)
from miraikakaku_assets.application.pipeline import Pipeline, PipelinePorts, StageFailedError
from miraikakaku_assets.bootstrap import utc_now
from miraikakaku_assets.domain.errors import DependencyUnavailableError
from miraikakaku_assets.domain.market.instruments import FX, JP, Timeframe
from miraikakaku_assets_tests.fakes.scripted_stages import Scripted, analysis, prices
from miraikakaku_assets_tests.support.markets.stored_market import listed

AFTER_MASTER = ["prices", "analysis", "analysis", "predictions", "scores", "coverage"]
PAUSED = "yahoo is not asked again before 05:00 UTC"


@dataclass
class Stage:
    """A pipeline over a scripted runner, in a market of two issues."""

    runner: Scripted
    pipeline: Pipeline

    @property
    def stages(self) -> list[str]:
        return [report.stage for report in self.pipeline.account]

    def whole(self, *symbols: str, limit: int = 0) -> None:
        self.pipeline.run_all(JP, list(symbols) or None, limit, None, None)


def pause_left() -> timedelta | None:
    return timedelta(seconds=90)


@pytest.fixture
def market(database: Database) -> Stage:
    listed(database, "1301", "7203")
    runner = Scripted(PostgresStageReports(database))
    named = {"jp": (), "fx": ("USDJPY=X", "EURJPY=X")}
    masters, forecasts = PostgresMasters(database), PostgresForecasts(database)
    ports = PipelinePorts(masters, lambda name: named[name], forecasts, pause_left, utc_now)
    return Stage(runner, Pipeline(runner, ports, runner))


def test_the_stages_of_a_market_come_in_their_order(market: Stage) -> None:
    day = date(2025, 1, 6)

    market.pipeline.run_all(JP, None, 0, day, None)
    market.pipeline.run_all(FX, None, 0, None, None)

    assert market.stages == ["master", *AFTER_MASTER, *AFTER_MASTER]  # nobody publishes a list of currencies
    assert market.runner.shown == market.pipeline.account
    assert (market.pipeline.failed, market.pipeline.exit_code) == ([], 0)
    commands = dict(reversed(market.runner.asked))
    assert (commands["prices"].since, commands["coverage"].since) == (day, day)
    assert commands["analysis"].since is None  # what is due of the new bars


def test_limits_count_what_is_listed_and_what_the_settings_name(market: Stage) -> None:
    market.whole(limit=1)

    assert market.runner.symbols_of("prices") == [["1301.T"]]
    assert market.pipeline.chosen(FX, None, 1) == ["EURJPY=X"]


@pytest.mark.parametrize("stage", ["master", "prices", "analysis", "predictions", "scores", "coverage"])
def test_a_stage_that_came_to_nothing_ends_the_pipeline(market: Stage, stage: str) -> None:
    market.runner.answers[stage], market.runner.failures[stage] = None, ("it broke", 3)

    with pytest.raises(StageFailedError, match="it broke"):
        market.whole()

    assert market.stages == ["master", *AFTER_MASTER][: market.stages.index(stage) + 1]
    assert [report.stage for report in market.pipeline.failed] == [stage]
    assert market.pipeline.exit_code == 3


@pytest.mark.parametrize("stage", ["prices", "analysis", "predictions"])
def test_with_a_part_failed_the_rest_is_worth_its_next_stage(market: Stage, stage: str) -> None:
    market.runner.failures[stage] = ("1 of 2 symbols failed", 1)

    market.whole()

    assert market.stages == ["master", *AFTER_MASTER]
    assert {report.error for report in market.pipeline.failed} == {"1 of 2 symbols failed"}


def test_the_worst_stage_decides_the_exit_code(market: Stage) -> None:
    market.runner.failures = {"prices": ("1 of 2 symbols failed", 1), "coverage": ("no database", 3)}

    with pytest.raises(StageFailedError):
        market.whole()

    assert market.pipeline.exit_code == 3


def test_models_that_failed_end_a_training_although_others_are_kept(market: Stage) -> None:
    market.runner.failures["training"] = ("1 of 8 models could not be trained", 1)

    with pytest.raises(StageFailedError):
        market.pipeline.train(JP, TrainCommand())


def test_a_pipeline_hands_on_no_symbol_that_nobody_knows_and_says_it_once(market: Stage) -> None:
    market.runner.answers["prices"] = prices(ok=1, not_in_master=1)
    market.runner.failures["prices"] = ("1 of 2 symbols failed, the other is stored", 1)

    market.whole("7203.T", "NOPE.T")

    assert market.runner.symbols_of("prices") == [["7203.T", "NOPE.T"]]
    assert market.runner.symbols_of("analysis") == [["7203.T"], ["7203.T"]]
    assert market.runner.symbols_of("predictions") == [["7203.T"]]
    assert [report.stage for report in market.pipeline.failed] == ["prices"]


def test_a_pipeline_of_unknown_symbols_alone_goes_on_to_coverage(market: Stage) -> None:
    market.runner.failures["prices"] = ("1 of 1 symbol failed", 1)

    market.whole("NOPE.T")

    assert market.stages == ["master", "prices", "coverage"]
    assert [report.error for report in market.pipeline.failed] == ["1 of 1 symbol failed"]


@pytest.mark.parametrize(("stage", "done"), [("analysis", "analysed"), ("predictions", "forecast")])
def test_unknown_symbols_are_an_entry_of_their_own_and_the_others_are_done(
    market: Stage, stage: str, done: str
) -> None:
    symbols = ["7203.T", "NOPE.T", "7230.T"]
    if stage == "analysis":
        market.pipeline.analyze(JP, AnalyzeCommand(symbols), (Timeframe.D1,))
    else:
        market.pipeline.predict(JP, PredictCommand(symbols))

    unknown = market.pipeline.account[0]
    sentence = f"Nothing was {done} of symbols that are in no stock master of jp: NOPE.T, 7230.T; "
    assert unknown.document() == {
        "universe": "jp",
        "stage": stage,
        "run_id": None,
        "succeeded": False,
        "error": f"{sentence}correct them or update the master",
        "exit_code": 1,
        "symbols": 2,
        "verdicts": {"not_in_master": 2},
        "unknown": ("NOPE.T", "7230.T"),
    }
    assert market.runner.symbols_of(stage) == [["7203.T"]]


def test_without_any_stored_bar_an_analysis_has_failed(market: Stage) -> None:
    market.runner.answers["analysis"] = analysis(no_bars=1)

    market.pipeline.analyze(JP, AnalyzeCommand(["7203.T"]))
    market.pipeline.analyze(JP, AnalyzeCommand())

    hint = "are stored, so nothing was analysed; `miraikakaku collect` fetches them"
    assert [report.error for report in market.pipeline.account] == [
        None,
        f"No bars of the named symbols {hint}",
        None,
        f"No bars of jp {hint}",
    ]
    assert market.runner.shown == market.pipeline.account


def test_bars_of_one_timeframe_are_enough_for_an_analysis(market: Stage) -> None:
    market.runner.answers["analysis"] = analysis(no_bars=1, up_to_date=1)

    market.pipeline.analyze(JP, AnalyzeCommand())

    assert market.pipeline.failed == []


@pytest.mark.parametrize(
    ("verdicts", "succeeded"),
    [
        ({"reused": 300}, True),
        ({"reused": 299, "never_delivered": 1}, True),  # asked again, and it has none this time either
        ({"never_delivered": 1}, False),
        ({"none_in_window": 300}, False),
        ({}, True),
    ],
    ids=json.dumps,
)
def test_a_window_without_a_row_is_doubted_unless_rows_were_collected_before(
    market: Stage, verdicts: Mapping[str, int], *, succeeded: bool
) -> None:
    market.runner.answers["prices"] = prices(0, None, **verdicts)

    market.pipeline.collect(JP, CollectCommand())

    (collected,) = market.pipeline.account
    assert collected.succeeded is succeeded
    assert ("is the window right?" in str(collected.error)) is not succeeded
    assert market.pipeline.exit_code == (0 if succeeded else 1)


def test_a_paused_source_is_said_with_the_time_it_is_still_paused(market: Stage) -> None:
    market.runner.answers["prices"], market.runner.failures["prices"] = None, (PAUSED, 3)

    with pytest.raises(StageFailedError):
        market.pipeline.collect(JP, CollectCommand())

    assert market.pipeline.account[0].error == f"{PAUSED} (90 s left)"


def test_a_database_that_is_gone_cannot_say_how_long_a_pause_lasts(database: Database) -> None:
    def unreachable() -> timedelta | None:
        raise DependencyUnavailableError("The database cannot be reached")

    runner = Scripted(PostgresStageReports(database), failures={"prices": ("The database went away", 3)})
    unused: Any = None
    ports = PipelinePorts(unused, unused, unused, unreachable, utc_now)

    Pipeline(runner, ports, runner).collect(JP, CollectCommand())

    assert runner.shown[0].error == "The database went away"


def test_the_document_of_a_stage_has_its_head_first_and_then_its_figures(market: Stage) -> None:
    market.pipeline.collect(JP, CollectCommand())

    document = market.pipeline.account[0].document()

    head = ["universe", "stage", "run_id", "succeeded", "error", "exit_code", "collected", "symbols"]
    assert list(document)[:8] == head
    assert (document["collected"], document["verdicts"]) == ("1d", {"ok": 2})
