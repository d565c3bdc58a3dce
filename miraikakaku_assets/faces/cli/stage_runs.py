"""The stages behind the commands: each is a Dagster run, an entry of the command's account, and a table."""

import uuid
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import typer

from miraikakaku_assets.application.commands import (
    AnalyzeCommand,
    CollectCommand,
    PredictCommand,
    TrainCommand,
)
from miraikakaku_assets.application.reference.unknown_symbols import not_analysed, unknown_symbols
from miraikakaku_assets.bootstrap import Ports, utc_now
from miraikakaku_assets.domain.errors import (
    DependencyUnavailableError,
    SourcePausedError,
    WorkFellShortError,
)
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe
from miraikakaku_assets.domain.words import counted, lasting
from miraikakaku_assets.faces.cli.output import fail, print_json
from miraikakaku_assets.faces.cli.progress import progress_bar
from miraikakaku_assets.faces.cli.runner import Outcome, Runner
from miraikakaku_assets.faces.cli.tables.stages import show_stage

Window = tuple[str | None, str | None]

_FEW = 20
"""Symbols up to which forecasts are shown one by one."""

_GO_ON = {"prices", "analysis", "predictions", "scores"}
"""Stages of which a part may fail: the rest is still worth the next one."""


class Stages:
    """The stages of one universe, each a Dagster run."""

    def __init__(
        self, installation: Ports, runner: Runner, chosen: Universe, log: list[dict[str, Any]], *, show: bool
    ) -> None:
        self.ports = installation
        self.universe = chosen
        self._runner = runner
        self._log = log
        self._show = show

    def master(self, file: str | None, *, accept: bool) -> None:
        """Updates the stock master from a URL or file; None stands for the configured one."""
        with progress_bar(f"{self.universe.name} master", None, shown=self._show):
            outcome = self._runner.update_master(self.universe, _new_run(), file, accept=accept)
        self._done("master", outcome)

    def prices(self, wanted: CollectCommand) -> None:
        """Collects bars of the named symbols, or of the whole market."""
        run_id = _new_run()
        ledger = self.ports.ledger
        kind = "" if wanted.timeframe is Timeframe.D1 else f" of {wanted.timeframe}"
        title = f"{self.universe.name} prices{kind}"
        with progress_bar(title, lambda: ledger.progress(run_id), shown=self._show):
            outcome = self._runner.collect(self.universe, run_id, wanted)
        self._done("prices", outcome, collected=wanted.timeframe.value)

    def analysis(
        self,
        symbols: list[str] | None,
        timeframe: Timeframe | None = None,
        *,
        since: str | None = None,
        again: bool = False,
    ) -> None:
        """Derives timeframes, indicators and patterns of the named symbols, or of all that have bars.

        A symbol that nobody knows is said to be unknown: a typing error must not pass for one without bars.
        """
        asked = self._known(symbols, "analysis", "analysed")
        if asked == []:
            return
        done = []
        for collected in (timeframe,) if timeframe else self.universe.collected:
            wanted = AnalyzeCommand(asked, collected, since, again)
            with self._watched(f"analysis of {collected} bars", "symbol"):
                outcome = self._runner.analyze(self.universe, _new_run(), wanted)
            self._done("analysis", outcome, collected=collected.value)
            done.append(self._log[-1])
        if not any(set(one.get("verdicts") or {}) - {"no_bars"} for one in done):
            whose = "the named symbols" if asked else self.universe.name
            nothing = (
                f"No bars of {whose} are stored, so nothing was analysed; `miraikakaku collect` fetches them"
            )
            done[-1] |= {"succeeded": False, "error": nothing, "exit_code": WorkFellShortError.exit_code}

    def _known(self, symbols: Sequence[str] | None, stage: str, done: str) -> list[str] | None:
        """The symbols without those that nobody knows, which are said to be unknown; None stays None."""
        named = self.ports.settings.named_symbols(self.universe.name)
        unknown = unknown_symbols(self.universe, symbols or (), self.ports.masters, named)
        if unknown:
            self._say_unknown(unknown, stage, done)
        return None if symbols is None else [one for one in symbols if one not in unknown]

    def _say_unknown(self, symbols: Sequence[str], stage: str, done: str) -> None:
        figures = {
            "symbols": len(symbols),
            "verdicts": {"not_in_master": len(symbols)},
            "unknown": [*symbols],
        }
        self._log.append(
            {
                "universe": self.universe.name,
                "stage": stage,
                "run_id": None,
                "succeeded": False,
                "error": not_analysed(self.universe, symbols, done),
                "exit_code": WorkFellShortError.exit_code,
                **figures,
            }
        )
        if self._show:
            show_stage(stage, self._log[-1])

    def training(self, wanted: TrainCommand) -> None:
        """Trains the forecast models."""
        with self._watched("models", "training"):
            outcome = self._runner.train(self.universe, _new_run(), wanted)
        self._done("training", outcome)

    def predictions(self, wanted: PredictCommand) -> None:
        """Forecasts the next sessions, and scores what came of earlier forecasts.

        A symbol that nobody knows is said to be unknown before any model is at work.
        """
        wanted = replace(wanted, symbols=self._known(wanted.symbols, "predictions", "forecast"))
        if wanted.symbols == []:
            return
        with self._watched("forecasts", "step"):
            outcome = self._runner.predict(self.universe, _new_run(), wanted)
        few = wanted.symbols is not None and len(wanted.symbols) <= _FEW
        if few and "as_of" in outcome.metadata:
            self._done("predictions", outcome, forecasts=self._forecasts(wanted, outcome.metadata["as_of"]))
        else:
            self._done("predictions", outcome)
        with progress_bar(f"{self.universe.name} scores", None, shown=self._show):
            outcome = self._runner.score(self.universe, _new_run())
        self._done("scores", outcome)

    def _forecasts(self, wanted: PredictCommand, as_of: str) -> list[dict[str, Any]]:
        from dataclasses import asdict
        from datetime import date

        from miraikakaku_assets.application.forecasting.view import show_forecasts

        store = self.ports.forecasts
        found = show_forecasts(self.universe, store, date.fromisoformat(as_of), list(wanted.symbols or ()))
        return [asdict(one) for one in found]

    def coverage(self, window: Window) -> None:
        """Checks coverage and writes the report."""
        with progress_bar(f"{self.universe.name} coverage", None, shown=self._show):
            outcome = self._runner.report_coverage(self.universe, _new_run(), *window)
        self._done("coverage", outcome)

    def _done(self, stage: str, outcome: Outcome, **more: Any) -> None:
        numbers: dict[str, Any] = {
            key: value
            for key, value in outcome.metadata.items()
            if isinstance(value, int | float | str | dict) and not str(value).startswith("![")  # a picture
        }
        done = {
            "universe": self.universe.name,
            "stage": stage,
            "run_id": outcome.run_id,
            "succeeded": outcome.succeeded,
            "error": outcome.reason or None,
            "exit_code": outcome.exit_code,
            **more,
            **numbers,
        }
        # What was reused had its rows: the window is right, whatever the few that were asked for have none of.
        asked = 0 if numbers.get("verdicts", {}).get("reused") else numbers.get("symbols", 0)
        if outcome.exit_code == SourcePausedError.exit_code:
            done["error"] = f"{outcome.reason}{self._still_paused()}"
        if stage == "prices" and outcome.succeeded and done.get("rows_read") == 0 and asked:
            nothing = (
                f"The source delivered no row for {counted(done['symbols'], 'symbol')}; is the window right?"
            )
            done |= {"succeeded": False, "error": nothing, "exit_code": WorkFellShortError.exit_code}
        self._log.append(done)
        if self._show:
            show_stage(stage, done)
        # With some symbols failed the rest is still worth its next stage; anything else leaves nothing to go on with.
        if not outcome.succeeded and not (stage in _GO_ON and outcome.metadata):
            end(self._log, as_json=not self._show)

    def _watched(self, what: str, noun: str) -> AbstractContextManager[None]:
        """Shows how far work is that is done in this process and tells `Ports.work`."""
        work = self.ports.work
        work.begin()
        return progress_bar(f"{self.universe.name} {what}", work.read, shown=self._show, noun=noun)

    def _still_paused(self) -> str:
        """How long the source's pause still lasts, in brackets; nothing without one, or without a database."""
        try:
            until = self.ports.rate_limiter.state().resume_at
        except DependencyUnavailableError:
            return ""
        return f" ({lasting((until - utc_now()).total_seconds())} left)" if until else ""


def end(stages: list[dict[str, Any]], *, as_json: bool) -> None:
    """Prints the JSON document if asked for, says what failed, and exits with the worst code."""
    failed = [stage for stage in stages if not stage["succeeded"]]
    if as_json:
        print_json({"succeeded": not failed, "stages": stages})
    for stage in failed:
        fail(stage["error"] or f"{stage['stage']} failed")
    if failed:
        raise typer.Exit(max(stage["exit_code"] for stage in failed))


def _new_run() -> str:
    return str(uuid.uuid4())
