"""Stock masters: what the exchanges list. Put here: one asset per universe. Keep out: comparing, guarding."""

import dagster as dg

from miraikakaku_assets.application.ports import MasterUpdate
from miraikakaku_assets.application.reference.update_master import update_master
from miraikakaku_assets.application.stage_reports import MasterTotals
from miraikakaku_assets.domain.errors import MiraikakakuError
from miraikakaku_assets.domain.market.instruments import Universe
from miraikakaku_assets.orchestration.failures import failure
from miraikakaku_assets.orchestration.partitions import register_keys
from miraikakaku_assets.orchestration.resources import PortsResource
from miraikakaku_assets.orchestration.run_config import MasterConfig
from miraikakaku_assets.orchestration.stage_reports import hand_back
from miraikakaku_assets.orchestration.universes import MASTERS, described

_GUARDED = (
    "Every update is counted (added, updated, removed, returned) in `stock_master_updates`. A list the guard "
    "objects to (older, much smaller or larger, other issues, other markets) is kept in quarantine and the last "
    "good master stays in force until someone accepts it. Registers one partition key per issue."
)


def master_key(universe: Universe) -> dg.AssetKey:
    """Key of a universe's stock master."""
    return dg.AssetKey([universe.name, "stock_master"])


def stock_masters() -> list[dg.AssetsDefinition]:
    """The stock master of every universe whose exchange publishes a list."""
    return [_stock_master(universe) for universe in MASTERS]


def _stock_master(universe: Universe) -> dg.AssetsDefinition:
    master = MASTERS[universe]
    text = f"{master.description} {_GUARDED}"

    @dg.asset(
        key=master_key(universe),
        freshness_policy=dg.FreshnessPolicy.time_window(fail_window=master.age),
        **described(universe, "stock_master", text, {master.kind, "postgres"}),
    )
    def stock_master(
        context: dg.AssetExecutionContext, config: MasterConfig, ports: PortsResource
    ) -> dg.MaterializeResult:  # type: ignore[type-arg]
        use, command = ports.use, config.command()
        try:
            if not command.file:
                use.sources.admit_lists(universe)
            update = update_master(
                universe,
                command.file,
                source=use.sources.master_source(universe),
                store=use.stores.masters,
                shelf=use.stores.files,
                clock=use.clock,
                scheduled="dagster/schedule_name" in context.run.tags,
                accept_mass_change=command.accept_mass_change,
            )
        except MiraikakakuError as error:
            raise failure(error) from error
        symbols = [instrument.symbol for instrument in use.stores.masters.instruments(universe)]
        registered = register_keys(context.instance, universe.partitions, symbols)
        return dg.MaterializeResult(metadata=hand_back(context, use, universe, _totals(update, registered)))

    return stock_master


def _totals(update: MasterUpdate, keys_added: int) -> MasterTotals:
    return MasterTotals(
        listed=update.total_stocks,
        added=update.added_stocks,
        updated=update.updated_stocks,
        removed=update.removed_stocks,
        returned=update.returned_stocks,
        unchanged=update.unchanged_stocks,
        counts=update.counts,
        list_date=update.list_date,
        source=update.source,
        stored_file=update.stored_file or "",
        partition_keys_added=keys_added,
    )
