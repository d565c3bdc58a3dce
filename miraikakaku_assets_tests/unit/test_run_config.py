"""Commands as run configs: read back they are equal, and unreadable ones are refused."""

from datetime import date
from typing import Any

import dagster as dg
import pytest

from miraikakaku_assets.application.commands import (
    AnalyzeCommand,
    CollectCommand,
    PredictCommand,
    ReportCoverageCommand,
    TrainCommand,
    UpdateMasterCommand,
)
from miraikakaku_assets.domain.market.instruments import COPPER, FX, Timeframe
from miraikakaku_assets.orchestration.run_config import (
    AnalyzeConfig,
    CollectConfig,
    CoverageConfig,
    MasterConfig,
    PredictSymbolsConfig,
    SymbolsConfig,
    TrainConfig,
    config_of,
)

DAY, LATER = date(2025, 1, 6), date(2025, 2, 3)


@pytest.mark.parametrize(
    "command",
    [
        CollectCommand(["USDJPY=X"]),
        CollectCommand(["USDJPY=X"], DAY, LATER, Timeframe.M5, full_refresh=True),
        CollectCommand([]),
    ],
)
def test_a_collection_of_named_symbols(command: CollectCommand) -> None:
    config = SymbolsConfig(**config_of(command))

    assert config.command(FX, config.symbols, config.timeframe) == command


def test_a_collection_of_a_range_takes_its_symbols_from_the_range() -> None:
    command = CollectCommand(None, DAY, full_refresh=True)

    config = config_of(command, "symbols", "timeframe")

    assert config == {"since": "2025-01-06", "again": True}  # the names that stored runs have
    assert CollectConfig(**config).command(FX, ["USDJPY=X"], "1d").since == DAY


@pytest.mark.parametrize(
    "command", [AnalyzeCommand(), AnalyzeCommand(["USDJPY=X"], Timeframe.M5, DAY, full_refresh=True)]
)
def test_an_analysis(command: AnalyzeCommand) -> None:
    assert AnalyzeConfig(**config_of(command)).command(FX) == command


@pytest.mark.parametrize("command", [PredictCommand(), PredictCommand(["USDJPY=X"], DAY)])
def test_a_forecast(command: PredictCommand) -> None:
    config = PredictSymbolsConfig(**config_of(command))

    assert config.command(config.symbols) == command


@pytest.mark.parametrize(
    ("config", "command"),
    [
        (TrainConfig, TrainCommand()),
        (TrainConfig, TrainCommand(DAY, ["drift"])),
        (CoverageConfig, ReportCoverageCommand(DAY, LATER)),
        (MasterConfig, UpdateMasterCommand("data_j.xls", accept_mass_change=True)),
        (MasterConfig, UpdateMasterCommand()),
    ],
)
def test_everything_else(config: Any, command: Any) -> None:
    assert config(**config_of(command)).command() == command


def refused(config: dg.Config, *arguments: Any) -> str | None:
    with pytest.raises(dg.Failure) as caught:
        config.command(*arguments)  # type: ignore[attr-defined]
    assert caught.value.metadata["exit_code"].value == 2
    return caught.value.description


def test_what_cannot_be_read_ends_the_step_with_its_sentence() -> None:
    backwards = CollectConfig(since="2025-02-03", until="2025-01-06")

    assert refused(backwards, FX, [], "1d") == "since 2025-02-03 is after until 2025-01-06"
    assert refused(TrainConfig(until="soon")) == "until 'soon' is not a date like 2025-01-06"
    assert refused(CollectConfig(), COPPER, [], "5m") == (
        "5m bars of copper are not collected from a source; choose 1d"
    )
