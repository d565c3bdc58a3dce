"""Command ``demo``: the whole pipeline against the exchange simulator. Every figure it prints is simulated."""

import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Any

import typer
from rich.rule import Rule

from miraikakaku_assets.application.commands import (
    AnalyzeCommand,
    CollectCommand,
    PredictCommand,
    ReportCoverageCommand,
    UpdateMasterCommand,
)
from miraikakaku_assets.application.pipeline import Pipeline
from miraikakaku_assets.application.stage_reports import (
    AnalysisTotals,
    CoverageTotals,
    PredictionTotals,
    PriceTotals,
)
from miraikakaku_assets.application.stage_runs import StageEnd
from miraikakaku_assets.bootstrap import Ports, use, utc_now
from miraikakaku_assets.domain.errors import WorkFellShortError
from miraikakaku_assets.domain.market.instruments import COPPER, FX, JP, US, Timeframe, Universe
from miraikakaku_assets.domain.percent import percent
from miraikakaku_assets.faces.cli.demo_exchange import addresses, mark_demo
from miraikakaku_assets.faces.cli.output import console, show_line, show_table
from miraikakaku_assets.faces.cli.runner import RunnerFactory
from miraikakaku_assets.faces.cli.stage_runs import stages
from miraikakaku_assets.faces.cli.tables.forecasts import show_fan
from miraikakaku_assets.settings import Settings, settings

_FAULTS = ("429-retry-after=0.01", "503=0.01", "truncated=0.005")
"""What a usual evening with Yahoo brings; all of it heals by a retry."""
_TIMEFRAMES = {
    JP: (Timeframe.D1,),
    US: (Timeframe.D1,),
    FX: (Timeframe.D1, Timeframe.M5),
    COPPER: (Timeframe.D1,),
}
"""What is collected and analysed of each universe."""
_QUOTED_LATE = timedelta(minutes=10)
"""The exchange stands still so long ago that its newest five-minute bar cannot become final between the collections."""
_US_SHARE = 30  # US issues per hundred of Tokyo
_HISTORY = timedelta(days=400)
_SHOWN_SYMBOLS = 2  # of each market, in the tables of forecasts
_SCORED_SESSIONS = 6  # so that all five horizons have come


def add_commands(app: typer.Typer, make_runner: RunnerFactory) -> None:
    """Adds the command to the application."""

    @app.command(short_help="The whole pipeline against simulated exchanges.")
    def demo(
        symbols: Annotated[
            int, typer.Option("--symbols", min=10, help="Issues of the simulated exchange.")
        ] = 400,
        seed: Annotated[int, typer.Option("--seed", help="Seed of the simulated market.")] = 7,
    ) -> None:
        """The whole pipeline, end to end, against simulated exchanges on loopback. No internet, no keys.

        Runs in a state folder of its own (demo/ below MIRAIKAKAKU_HOME), so simulated prices never meet real
        ones. The second collection shows that doing it again changes nothing.
        """
        from miraikakaku_assets.simulator.core.config import SimulatorConfig
        from miraikakaku_assets.simulator.server.serving import running

        begun, now = time.monotonic(), utc_now() - _QUOTED_LATE
        console.print(Rule("Miraikakaku demo: a simulated exchange, real adapters", align="left"))
        # Both clocks stand still: while an exchange trades, its running bars would change between the collections, and
        # bars would become final in the minutes of the demo that follow a session.
        us_symbols = symbols * _US_SHARE // 100
        config = SimulatorConfig(seed=seed, symbols=symbols, us_symbols=us_symbols, faults=_FAULTS, now=now)
        with running(config) as exchange:
            installation = use(_demo_settings(exchange, symbols), lambda: now)
            mark_demo(installation, config, _impatient(symbols))
            with stages(make_runner, installation, as_json=False) as work:
                for universe in _TIMEFRAMES:
                    if universe.has_master:
                        work.update_master(universe, UpdateMasterCommand(accept_mass_change=True))
                    _collect_and_analyse(work, universe)
                    work.collect_curve(universe)
                console.print(
                    "once more, to show that only the newest sessions are asked for again and nothing is computed:"
                )
                for universe in _TIMEFRAMES:
                    _collect_and_analyse(work, universe)
                _forecast(work, installation)
                for universe in _TIMEFRAMES:
                    work.report_coverage(universe, ReportCoverageCommand())
                _summary(installation, work.account, time.monotonic() - begun)
        _check_repeat(work.account)


def _collect_and_analyse(work: Pipeline, universe: Universe) -> None:
    for timeframe in _TIMEFRAMES[universe]:
        work.collect(universe, CollectCommand(timeframe=timeframe))
    for timeframe in _TIMEFRAMES[universe]:
        work.analyze(universe, AnalyzeCommand(), (timeframe,))


def _forecast(work: Pipeline, installation: Ports) -> None:
    """Forecasts every market, also from a week ago, which can be scored at once by the same trainings."""
    from miraikakaku_assets.domain.market.sessions import last_completed_session, sessions_back

    for universe in _TIMEFRAMES:
        newest = last_completed_session(universe.calendar, installation.clock())
        earlier = sessions_back(universe.calendar, newest, _SCORED_SESSIONS)
        work.predict(universe, PredictCommand(as_of=earlier))
        work.predict(universe, PredictCommand())
    for stage in work.account:
        if isinstance(stage.report, PredictionTotals) and not stage.report.symbols:
            raise WorkFellShortError(f"There are no forecasts of the simulated market {stage.universe}")


def _demo_settings(exchange: str, symbols: int) -> Settings:
    """Settings of the demo: the simulator's address, a state folder of its own, and no patience."""
    own = {"miraikakaku_home": settings().home / "demo", "database_url": None, "alpha_vantage_api_key": None}
    return settings().model_copy(update={**own, **addresses(exchange), **_impatient(symbols)})


def _impatient(symbols: int) -> dict[str, Any]:
    """Settings that the demo's state folder goes on with, too."""
    return {
        "requests_per_second": 1000.0,
        "burst_limit": 1000,
        "retry_delay": 0.05,
        "worker_timeout": 10.0,
        "history_start": (utc_now() - _HISTORY).date().isoformat(),
        "min_japanese_stocks": symbols,
        "min_us_stocks": 1,
        "min_etfs": 1,
    }


def _summary(installation: Ports, account: Sequence[StageEnd], seconds: float) -> None:
    from miraikakaku_assets.application.analysis.status import analysed_rows
    from miraikakaku_assets.application.forecasting.view import newest_forecasts

    console.print(Rule("Summary (all figures simulated)", align="left"))
    segments = [
        (
            universe.name,
            row["segment"],
            row["instruments"],
            row["expected_bars"],
            row["stored_bars"],
            percent(row["coverage"]),
        )
        for universe in _TIMEFRAMES
        for row in installation.stores.status.newest_coverage(universe)
    ]
    names = ("universe", "segment", "issues", "expected bars", "stored", "coverage")
    show_table("coverage per segment", names, segments)
    rows = [
        (f"{row['universe']} {row['timeframe']}", row["bars"], row["indicators"], row["signals"])
        for row in analysed_rows(installation.stores.status)
    ]
    show_table("bars and what is derived from them", ("", "bars", "indicators", "signals"), rows)
    show_table("rows per table", ("table", "rows"), list(installation.stores.status.table_sizes().items()))
    for universe in _TIMEFRAMES:
        newest = newest_forecasts(universe, installation.forecasting.forecasts, _SHOWN_SYMBOLS)
        show_fan([asdict(forecast) for forecast in newest])
    for stage in account:
        if isinstance(stage.report, CoverageTotals):
            show_line(f"report of {stage.universe}: {stage.report.report}")
    home = f"MIRAIKAKAKU_HOME={installation.settings.home}"
    show_line(f"{len(account)} Dagster runs in {seconds:.0f} s; look at them: {home} make up")
    show_line(f"the simulated signals: {home} .venv/bin/miraikakaku patterns")


def _check_repeat(account: Sequence[StageEnd]) -> None:
    """The first time must have brought bars, indicators and longer bars; the second one nothing.

    Raises:
        WorkFellShortError: It did not, or it did.
    """
    for universe, timeframes in _TIMEFRAMES.items():
        for timeframe in timeframes:
            what = f"{timeframe} bars of {universe.name}"
            reports = [
                stage.report
                for stage in account
                if (stage.universe, stage.collected) == (universe.name, timeframe)
            ]
            first, second = (report for report in reports if isinstance(report, PriceTotals))
            *_, analysed = (report for report in reports if isinstance(report, AnalysisTotals))
            if first.rows_read == 0:
                raise WorkFellShortError(f"The simulated market delivered no {what} at all")
            if second.inserted + second.restated > 0:
                raise WorkFellShortError(
                    f"The second collection of {what} inserted {second.inserted} and restated "
                    f"{second.restated} bars; none was due"
                )
            if analysed.verdicts.get("ok"):
                raise WorkFellShortError(
                    f"The second analysis of {what} computed {analysed.verdicts['ok']} symbols; none was due"
                )
