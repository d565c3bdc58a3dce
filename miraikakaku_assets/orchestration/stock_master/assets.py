"""Stock masters: what the exchanges list. Put here: one asset per universe. Keep out: comparing, guarding."""

import dagster as dg

from miraikakaku_assets.application.ports import MasterUpdate
from miraikakaku_assets.application.update_master import update_master
from miraikakaku_assets.bootstrap import utc_now
from miraikakaku_assets.domain.errors import MiraikakakuError
from miraikakaku_assets.domain.market.instruments import JP
from miraikakaku_assets.orchestration.failures import failure
from miraikakaku_assets.orchestration.ownership import JP_LABELS
from miraikakaku_assets.orchestration.partitions import register_keys
from miraikakaku_assets.orchestration.resources import PortsResource


class MasterConfig(dg.Config):
    """Options of a master update."""

    file: str | None = None
    """URL or path of the list; the setting JPX_LIST_URL when not given."""
    accept_mass_change: bool = False
    """Put the list into force although the guard objects."""


@dg.asset(
    key=["jp", "stock_master"],
    group_name="jp",
    kinds={"excel", "postgres"},
    freshness_policy=dg.FreshnessPolicy.time_window(fail_window=JP_LABELS.master_age),
    owners=JP_LABELS.owners,
    tags=JP_LABELS.tags,
)
def jp_stock_master(
    context: dg.AssetExecutionContext, config: MasterConfig, ports: PortsResource
) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """All issues listed on the Tokyo Stock Exchange, from JPX's monthly list `data_j.xls`.

    Every update is counted (added, updated, removed, returned) in `stock_master_updates`. A list that is
    older, much smaller or larger, or moves a quarter of the issues to another market is kept in quarantine
    and the last good master stays in force until someone accepts it. Registers one partition key per issue.
    """
    use = ports.use
    try:
        update = update_master(
            JP,
            config.file or use.settings.jpx_list_url,
            source=use.master_source,
            store=use.masters,
            shelf=use.files,
            clock=utc_now,
            scheduled="dagster/schedule_name" in context.run.tags,
            accept_mass_change=config.accept_mass_change,
        )
    except MiraikakakuError as error:
        raise failure(error) from error
    symbols = [instrument.symbol for instrument in use.masters.instruments(JP)]
    registered = register_keys(context.instance, JP.partitions, symbols)
    return dg.MaterializeResult(metadata={**_metadata(update), "partition_keys_added": registered})


def _metadata(update: MasterUpdate) -> dict[str, str | int]:
    return {
        "dagster/row_count": update.total_stocks,
        "added": update.added_stocks,
        "updated": update.updated_stocks,
        "removed": update.removed_stocks,
        "returned": update.returned_stocks,
        "unchanged": update.unchanged_stocks,
        "list_date": str(update.list_date),
        "source": update.source,
        "stored_file": update.stored_file or "",
    }
