"""Repairs of gaps as one run, launched by the command line or from the launchpad."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from miraikakaku_assets.application.commands import CollectCommand
from miraikakaku_assets.application.coverage.repair import RepairSteps, repair_coverage
from miraikakaku_assets.application.coverage.repair_run import REPAIR_JOB, REPAIR_OP
from miraikakaku_assets.application.stage_reports import RepairTotals
from miraikakaku_assets.bootstrap import Ports, price_vendor
from miraikakaku_assets.domain.coverage.repair import Window
from miraikakaku_assets.domain.coverage.report import CoverageFindings
from miraikakaku_assets.domain.errors import MiraikakakuError
from miraikakaku_assets.domain.market.instruments import JP, Timeframe, Universe, universe
from miraikakaku_assets.orchestration.coverage.check import check_coverage
from miraikakaku_assets.orchestration.failures import failure, raise_all
from miraikakaku_assets.orchestration.prices.assets import prices_key
from miraikakaku_assets.orchestration.prices.collection import collect_in_run
from miraikakaku_assets.orchestration.resources import PortsResource
from miraikakaku_assets.orchestration.run_config import RepairConfig
from miraikakaku_assets.orchestration.stage_reports import hand_back


@dg.op(name=REPAIR_OP, pool=price_vendor().pool)
def _repair(context: dg.OpExecutionContext, config: RepairConfig, ports: PortsResource) -> None:
    """Asks the source again for the missing windows that its config selects."""
    use = ports.use
    try:
        market, command = universe(config.universe), config.command()
        work = _Work(context, use, market, command.timeframe)
        steps = RepairSteps(work.check, work.collect)
        totals = repair_coverage(
            market, command.timeframe, command, use.stores.coverage, steps, context.run.run_id
        )
    except MiraikakakuError as error:
        raise failure(error) from error
    context.log_event(
        dg.AssetObservation(
            prices_key(market, command.timeframe),
            metadata=_shown(hand_back(context, use, market, totals), totals),
        )
    )
    raise_all(work.shortfalls)


def _shown(metadata: dict[str, Any], totals: RepairTotals) -> dict[str, Any]:
    """The counts, and what became of each gap as a list."""
    lines = (
        "\n".join(f"- {line}" for line in totals.first_gaps) or "Nothing was missing that a request may fill."
    )
    return {**metadata, "first_gaps": dg.MetadataValue.md(lines)}


class _Work:
    """The check and the collections of one repair; what falls short is raised when the outcomes are kept."""

    def __init__(
        self, context: dg.OpExecutionContext, ports: Ports, market: Universe, timeframe: Timeframe
    ) -> None:
        self.shortfalls: list[dg.Failure | None] = []
        self._context = context
        self._ports = ports
        self._universe = market
        self._timeframe = timeframe
        self._broken_off = False

    def check(self) -> CoverageFindings:
        """The coverage now."""
        return check_coverage(self._ports, self._universe, self._timeframe)[0]

    def collect(self, windows: Mapping[str, Window]) -> None:
        """One window per symbol; a source that cannot be asked at all is not asked for the rest either."""
        if self._broken_off:
            return
        command = CollectCommand(
            sorted(windows),
            min(first for first, _ in windows.values()),
            max(last for _, last in windows.values()),
            self._timeframe,
            full_refresh=True,
            windows=windows,
        )
        key = prices_key(self._universe, self._timeframe)
        try:
            _, shortfall = collect_in_run(self._context, self._ports, self._universe, command, key)
        except dg.Failure as broken:
            shortfall, self._broken_off = broken, True
        self.shortfalls.append(shortfall)


coverage_repair_job = dg.GraphDefinition(
    REPAIR_JOB,
    node_defs=[_repair],
    description="Asks the source again for exactly the windows that are missing.",
).to_job(
    REPAIR_JOB,
    description="Asks the source again for exactly the windows that are missing, and says per gap what came of it.",
    config={"ops": {REPAIR_OP: {"config": {"universe": JP.name, "limit": 100}}}},
)
