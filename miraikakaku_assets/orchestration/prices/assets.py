"""Prices and what is derived from them, one partition per symbol. Put here: one generator per universe and timeframe.

Collection and analysis are one step: as two, a single failed symbol would keep the analysis of all others from
starting. The step must be a generator: a function that returns would mark every key of its range as materialized.
"""

from collections.abc import Iterator

import dagster as dg

from miraikakaku_assets.application.commands import AnalyzeCommand
from miraikakaku_assets.bootstrap import Ports, price_vendor, price_vendors
from miraikakaku_assets.domain.market.instruments import UNIVERSES, Timeframe, Universe
from miraikakaku_assets.orchestration.analysis.assets import derived_specs
from miraikakaku_assets.orchestration.analysis.run import analyze_in_run, derived_keys
from miraikakaku_assets.orchestration.failures import raise_all
from miraikakaku_assets.orchestration.partitions import partitions_of
from miraikakaku_assets.orchestration.prices.collection import collect_in_run
from miraikakaku_assets.orchestration.resources import PortsResource
from miraikakaku_assets.orchestration.run_config import CollectConfig
from miraikakaku_assets.orchestration.universes import RECORDS, UniverseAssets, described

COLLECTED = tuple(
    (universe, timeframe) for universe in UNIVERSES.values() for timeframe in universe.collected
)
"""Universes and the timeframes that are collected from a source; longer ones are aggregated."""


def prices_key(universe: Universe, timeframe: Timeframe) -> dg.AssetKey:
    """Key of the asset that holds a universe's collected bars."""
    return dg.AssetKey([universe.name, f"prices_{timeframe}"])


def step_name(universe: Universe, timeframe: Timeframe) -> str:
    """Name of the step that collects them."""
    return f"{universe.name}_{'symbol' if timeframe is Timeframe.D1 else 'intraday'}_chain"


def chain_keys(universe: Universe, timeframe: Timeframe) -> tuple[dg.AssetKey, ...]:
    """Keys of the assets that one step makes: collected bars and what is derived from them."""
    return (prices_key(universe, timeframe), *derived_keys(universe, timeframe))


def price_assets(partitions_per_run: int) -> list[dg.AssetsDefinition]:
    """The collected prices of every universe, and what is derived from them.

    Args:
        partitions_per_run: Symbols that one run of a backfill takes.
    """
    return [_chain(universe, timeframe, partitions_per_run) for universe, timeframe in COLLECTED]


def _chain(universe: Universe, timeframe: Timeframe, partitions_per_run: int) -> dg.AssetsDefinition:
    @dg.multi_asset(
        name=step_name(universe, timeframe),
        specs=[_spec(universe, timeframe), *derived_specs(universe, timeframe)],
        partitions_def=partitions_of(universe, timeframe),
        can_subset=True,
        backfill_policy=dg.BackfillPolicy.multi_run(partitions_per_run),
        pool=price_vendor().pool,
    )
    def chain(
        context: dg.AssetExecutionContext, config: CollectConfig, ports: PortsResource
    ) -> Iterator[dg.MaterializeResult[None]]:
        run_chain(context, ports.use, universe, timeframe, config)
        yield from ()

    return chain


def run_chain(
    context: dg.AssetExecutionContext,
    ports: Ports,
    universe: Universe,
    timeframe: Timeframe,
    config: CollectConfig,
) -> None:
    """Collects, then analyses, as far as the run asks for either.

    Raises:
        dg.Failure: Something failed; everything else was done before.
    """
    symbols, selected = list(context.partition_keys), context.selected_asset_keys
    key = prices_key(universe, timeframe)
    shortfalls: list[dg.Failure | None] = []
    if key in selected:
        command = config.command(universe, symbols, timeframe)
        report, shortfall = collect_in_run(context, ports, universe, command, key)
        shortfalls.append(shortfall)
        # Nothing is materialized on top of a failure, or of nothing: what is derived of these symbols looks as their
        # bars do.
        nothing = {*report.failures, *report.without_bars}
        symbols = [symbol for symbol in symbols if symbol not in nothing]
    derived = [derived_key for derived_key in derived_keys(universe, timeframe) if derived_key in selected]
    if derived and symbols:
        analysis = AnalyzeCommand(symbols, timeframe, full_refresh=config.again)
        shortfalls.append(analyze_in_run(context, ports, universe, analysis, derived)[1])
    raise_all(shortfalls)


def _spec(universe: Universe, timeframe: Timeframe) -> dg.AssetSpec:
    text = (_daily_text if timeframe is Timeframe.D1 else _intraday_text)(RECORDS[universe.name])
    kinds, columns = {*price_vendor().kinds, "postgres"}, _columns(universe, timeframe)
    return dg.AssetSpec(
        prices_key(universe, timeframe),
        deps=[dg.AssetKey([universe.name, "stock_master"])] if universe.has_master else [],
        skippable=True,
        **described(universe, "price_bars", text, kinds, columns),
    )


def _daily_text(record: UniverseAssets) -> str:
    *others, last = (vendor.origin for vendor in price_vendors().values())
    return (
        f"Daily bars of {record.scope}, raw, in {record.universe.price_unit}, one partition per "
        f"{price_vendor().title} symbol; "
        f"collected {record.cadence}. Each bar is validated; what is refused goes to `quarantined_bars` "
        "with its rule. The newest sessions are asked for again, so restated bars are caught; a new split pulls the "
        f"whole history again. Source: {', '.join(others)}, or {last} (`MIRAIKAKAKU_PRICE_SOURCE`)."
    )


def _intraday_text(record: UniverseAssets) -> str:
    vendor = price_vendor()
    lost = [
        f"{vendor.title} serves the last {lookback.days} days and nothing older: what is not collected by then is "
        "lost. "
        for timeframe, lookback in vendor.lookback.items()
        if timeframe is Timeframe.M5
    ]
    return (
        f"Five-minute bars of {record.watch_list}, raw, in {record.universe.price_unit}, one partition per "
        f"{vendor.title} symbol; collected while the market trades. {''.join(lost)}The running bar is provisional. "
        f"Source: {vendor.origin}."
    )


def _columns(universe: Universe, timeframe: Timeframe) -> list[dg.TableColumn]:
    start = "Open of the session (UTC)" if timeframe is Timeframe.D1 else "Start of the bar (UTC)"
    return [
        dg.TableColumn("instrument_id", "integer", description="Key into instruments"),
        dg.TableColumn("timeframe", "text", description=timeframe.value),
        dg.TableColumn("ts", "timestamptz", description=start),
        *(
            dg.TableColumn(name, "double", description=f"{universe.price_unit}, raw")
            for name in ("open", "high", "low", "close")
        ),
        dg.TableColumn("volume", "bigint", description=RECORDS[universe.name].volume),
        dg.TableColumn("source", "text", description=" or ".join(price_vendors())),
        dg.TableColumn("status", "text", description="final, or provisional while the session runs"),
        dg.TableColumn("flag", "text", description="Why a kept bar is doubtful, or null"),
        dg.TableColumn("fetched_at", "timestamptz", description="When it was delivered (UTC)"),
    ]
