"""Use case: judge all that is watched. Both watchers call it, from inside the orchestrator and from outside."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from miraikakaku_assets.application.alerting.alert_rule import (
    AlertChanges,
    AlertPorts,
    Evaluation,
    evaluate,
    reconcile,
)
from miraikakaku_assets.application.alerting.conditions.collection_alerts import (
    COLLECTION_RULES,
    NO_DATA_RULES,
    START_RULES,
    Collection,
    CollectionStart,
    newest_bars,
)
from miraikakaku_assets.application.alerting.conditions.curve_alerts import SCHEDULE as CURVE_SCHEDULE
from miraikakaku_assets.application.alerting.conditions.curve_alerts import curve_evaluations
from miraikakaku_assets.application.alerting.conditions.installation_alerts import (
    InstallationAccount,
    installation_evaluations,
)
from miraikakaku_assets.application.alerting.conditions.market_alerts import (
    COVERAGE_AGE_RULES,
    COVERAGE_RULES,
    FORECAST_RULES,
    MASTER_RULES,
    CoverageAge,
    ForecastState,
    listed_issues,
    segments,
)
from miraikakaku_assets.application.alerting.conditions.run_alerts import (
    CHECK_RULES,
    RUN_RULES,
    TICK_RULES,
    AssetCheck,
    JobRuns,
    Tick,
)
from miraikakaku_assets.application.alerting.conditions.schedule_alerts import (
    SCHEDULE_RULES,
    SERVICE_RULES,
    Service,
    WatchedSchedule,
    services,
)
from miraikakaku_assets.application.alerting.conditions.source_alerts import source_evaluations
from miraikakaku_assets.application.monitoring.status import Probes, source_status
from miraikakaku_assets.application.ports.copper import CurveStore
from miraikakaku_assets.application.ports.operations.watching import (
    DueCollection,
    MarketAccount,
    Orchestrator,
    OrchestratorState,
    WatchPositions,
)
from miraikakaku_assets.application.ports.rate_limit import AdjustableRate
from miraikakaku_assets.domain.market.instruments import UNIVERSES, Universe

COVERAGE_SCHEDULE = "coverage_check"


@dataclass(frozen=True)
class Floors:
    """How much should be listed.

    Attributes:
        issues: Universe with a published list → issues; empty where prices are made up.
        etfs: Exchange-traded funds of all lists together.
    """

    issues: Mapping[str, int]
    etfs: int


@dataclass(frozen=True)
class WatchPorts:
    """What a watcher looks at.

    Attributes:
        orchestrator: Runs, checks, ticks, schedules and services.
        positions: Up to where it has read.
        markets: Figures of the universes.
        rate: Of the price source.
        probes: What its canaries answered.
        floors: How much should be listed.
        installation: The installation itself.
        alerting: How alerts are raised.
        curve: The copper curve; None where nobody collects it.
    """

    orchestrator: Orchestrator
    positions: WatchPositions
    markets: MarketAccount
    rate: AdjustableRate
    probes: Probes
    floors: Floors
    installation: InstallationAccount
    alerting: AlertPorts
    curve: CurveStore | None = None


@dataclass(frozen=True)
class Watched:
    """What a round of watching came to.

    Attributes:
        changes: What it raised and ended.
        is_daemon_dead: Whether nobody but an outside watcher delivers notifications.
    """

    changes: AlertChanges
    is_daemon_dead: bool


def watch(watcher: str, ports: WatchPorts) -> Watched:
    """Judges everything once. Killed anywhere, the next round judges the same again.

    Args:
        watcher: Who watches; each has a position of its own.
        ports: What it looks at.
    """
    state = ports.orchestrator.read(ports.positions.read(watcher))
    alive = list(services(state.services, state.read_at))
    evaluations = [
        *orchestrator_evaluations(state),
        *evaluate(SERVICE_RULES, alive),
        *market_evaluations(state, ports),
        *source_evaluations(*source_status(ports.rate, ports.probes, ports.alerting.clock)),
        *installation_evaluations(ports.installation, ports.alerting.clock()),
    ]
    changes = reconcile(evaluations, ports.alerting)
    for runs in map(JobRuns, state.runs):
        for evaluation in evaluate(RUN_RULES, [runs]):
            if evaluation.alert is not None:
                ports.orchestrator.link(runs.ended.failed, evaluation.key)
    ports.positions.note(watcher, state.position, ports.alerting.clock())
    return Watched(changes, _is_dead(alive))


def _is_dead(alive: list[Service]) -> bool:
    return bool(alive) and alive[0].is_silent


def orchestrator_evaluations(state: OrchestratorState) -> list[Evaluation]:
    """What the rules say of runs, checks, ticks and schedules.

    A schedule that was turned off is judged as one that is on time: nobody waits for it any more.
    """
    return [
        *evaluate(RUN_RULES, map(JobRuns, state.runs)),
        *evaluate(CHECK_RULES, map(AssetCheck, state.checks)),
        *evaluate(TICK_RULES, map(Tick, state.ticks)),
        *evaluate(SCHEDULE_RULES, (WatchedSchedule(each, state.read_at) for each in state.schedules)),
    ]


def market_evaluations(state: OrchestratorState, ports: WatchPorts) -> Iterator[Evaluation]:
    """What the rules say of every universe of which there is something."""
    markets, now = ports.markets, ports.alerting.clock()
    for universe in UNIVERSES.values():
        yield from _coverage_evaluations(universe, state, markets, now)
        yield from _collection_evaluations(universe, state, markets, now)
    listed = {name: markets.listed(universe) for name, universe in UNIVERSES.items()}
    yield from evaluate(MASTER_RULES, listed_issues(listed, ports.floors.issues, ports.floors.etfs))
    if ports.curve is not None:
        yield from curve_evaluations(ports.curve, state.on_since.get(CURVE_SCHEDULE), now)


def _coverage_evaluations(
    universe: Universe, state: OrchestratorState, markets: MarketAccount, now: datetime
) -> Iterator[Evaluation]:
    newest = markets.newest_coverage(universe)
    yield from evaluate(COVERAGE_RULES, segments(universe.name, newest))
    since = state.on_since.get(COVERAGE_SCHEDULE)
    ages = [CoverageAge(universe.name, newest[0]["checked_at"], since, now)] if newest else []
    yield from evaluate(COVERAGE_AGE_RULES, ages)


def _collection_evaluations(
    universe: Universe, state: OrchestratorState, markets: MarketAccount, now: datetime
) -> Iterator[Evaluation]:
    due = _due(universe, state)
    started = markets.last_started(universe)
    due_at = due.due_at if due else None
    # Schedules and the account of collections go by the machine's clock.
    start = CollectionStart(universe.name, due.schedule if due else "", due_at, started, state.read_at)
    yield from evaluate(START_RULES, [start])
    tally, bar = markets.newest_collection(universe), markets.newest_bar(universe)
    if tally is not None:
        yield from evaluate(COLLECTION_RULES, [Collection(universe.name, tally)])
    if bar is None:
        return
    bars = newest_bars(universe, bar, due.since if due else None, now)
    yield from evaluate(NO_DATA_RULES, [bars])
    if tally is not None and markets.has_models(universe):
        forecast = ForecastState(
            universe.name,
            bars.newest,
            is_forecast=markets.is_forecast(universe, bars.newest),
            collected_at=tally.ended_at,
            is_due=due is not None,
            now=now,
        )
        yield from evaluate(FORECAST_RULES, [forecast])


def _due(universe: Universe, state: OrchestratorState) -> DueCollection | None:
    """Of several schedules of a universe, the one that was due last: it collects what the others have left."""
    own = [each for each in state.collections if each.universe == universe.name]
    return max(own, key=lambda each: each.due_at or each.since, default=None)
