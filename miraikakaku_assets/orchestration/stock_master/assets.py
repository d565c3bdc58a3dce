"""Stock masters: what the exchanges list. Put here: one asset per universe. Keep out: comparing, guarding."""

from dataclasses import dataclass

import dagster as dg

from miraikakaku_assets.application.ports import MasterUpdate
from miraikakaku_assets.application.reference.update_master import update_master
from miraikakaku_assets.application.stage_reports import MasterTotals
from miraikakaku_assets.domain.errors import MiraikakakuError
from miraikakaku_assets.domain.market.instruments import JP, US, Universe
from miraikakaku_assets.orchestration.asset_labels import LABELS
from miraikakaku_assets.orchestration.failures import failure
from miraikakaku_assets.orchestration.partitions import register_keys
from miraikakaku_assets.orchestration.resources import PortsResource
from miraikakaku_assets.orchestration.run_config import MasterConfig
from miraikakaku_assets.orchestration.stage_reports import hand_back

_GUARDED = (
    "Every update is counted (added, updated, removed, returned) in `stock_master_updates`. A list the guard "
    "objects to (older, much smaller or larger, other issues, other markets) is kept in quarantine and the last "
    "good master stays in force until someone accepts it. Registers one partition key per issue."
)


@dataclass(frozen=True)
class _Words:
    kinds: frozenset[str]
    description: str


_WORDS = {
    "jp": _Words(
        frozenset({"excel", "postgres"}),
        f"All issues listed on the Tokyo Stock Exchange, from JPX's monthly list `data_j.xls`. {_GUARDED}",
    ),
    "us": _Words(
        frozenset({"csv", "postgres"}),
        "All securities listed on the US exchanges, stocks and ETFs and what trades beside them, from Nasdaq "
        "Trader's daily directories `nasdaqlisted.txt` and `otherlisted.txt`; with ALPHA_VANTAGE_API_KEY also the "
        f"days of listing and delisting. Lines left out and disagreements are counted by reason. {_GUARDED}",
    ),
}


def _stock_master(universe: Universe) -> dg.AssetsDefinition:
    labels, words = LABELS[universe.name], _WORDS[universe.name]

    @dg.asset(
        key=[universe.name, "stock_master"],
        group_name=universe.name,
        kinds=set(words.kinds),
        description=words.description,
        freshness_policy=dg.FreshnessPolicy.time_window(fail_window=labels.master_age),
        owners=labels.owners,
        tags=labels.tags,
    )
    def stock_master(
        context: dg.AssetExecutionContext, config: MasterConfig, ports: PortsResource
    ) -> dg.MaterializeResult:  # type: ignore[type-arg]
        use, command = ports.use, config.command()
        try:
            if not command.file:
                use.admit_lists(universe)
            update = update_master(
                universe,
                command.file,
                source=use.master_source(universe),
                store=use.masters,
                shelf=use.files,
                clock=use.clock,
                scheduled="dagster/schedule_name" in context.run.tags,
                accept_mass_change=command.accept_mass_change,
            )
        except MiraikakakuError as error:
            raise failure(error) from error
        symbols = [instrument.symbol for instrument in use.masters.instruments(universe)]
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


jp_stock_master = _stock_master(JP)
us_stock_master = _stock_master(US)
