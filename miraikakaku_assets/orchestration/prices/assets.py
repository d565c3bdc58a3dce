"""Prices, one partition per symbol. Put here: one generator per universe. Keep out: fetching, validating.

The step must be a generator: a function that returns would mark every key of its range as materialized.
"""

from collections.abc import Iterator

import dagster as dg

from miraikakaku_assets.domain.market.instruments import JP
from miraikakaku_assets.orchestration.ownership import JP_LABELS
from miraikakaku_assets.orchestration.partitions import jp_symbols
from miraikakaku_assets.orchestration.prices.collection import CollectConfig, collect_in_run
from miraikakaku_assets.orchestration.resources import PortsResource

JP_PRICES_1D = dg.AssetKey(["jp", "prices_1d"])
POOL = "yahoo"

_COLUMNS = dg.TableSchema(
    columns=[
        dg.TableColumn("instrument_id", "integer", description="Key into instruments"),
        dg.TableColumn("timeframe", "text", description="1d"),
        dg.TableColumn("ts", "timestamptz", description="Open of the session (UTC)"),
        *(
            dg.TableColumn(name, "double", description="JPY per share, raw")
            for name in ("open", "high", "low", "close")
        ),
        dg.TableColumn("volume", "bigint", description="Shares"),
        dg.TableColumn("source", "text", description="yahoo or archive"),
        dg.TableColumn("status", "text", description="final, or provisional while the session runs"),
        dg.TableColumn("flag", "text", description="beyond_price_limit, or null"),
        dg.TableColumn("fetched_at", "timestamptz", description="When it was delivered (UTC)"),
    ]
)

_prices_1d = dg.AssetSpec(
    JP_PRICES_1D,
    deps=[dg.AssetKey(["jp", "stock_master"])],
    skippable=True,
    group_name="jp",
    kinds={"yfinance", "postgres"},
    metadata={"dagster/column_schema": _COLUMNS, "dagster/table_name": "miraikakaku.price_bars"},
    description=(
        "Daily bars of every TSE issue, raw, in JPY per share, one partition per Yahoo symbol; collected after "
        "the close on session days. Each bar is validated; what is refused goes to `quarantined_bars` with its "
        "rule. The newest sessions are asked for again, so restated bars are caught. Source: Yahoo through "
        "yfinance, or an archive of files (`MIRAIKAKAKU_PRICE_SOURCE`)."
    ),
    owners=JP_LABELS.owners,
    tags=JP_LABELS.tags,
)


def jp_prices(partitions_per_run: int) -> dg.AssetsDefinition:
    """The daily prices of the TSE.

    Args:
        partitions_per_run: Symbols that one run of a backfill takes.
    """

    @dg.multi_asset(
        name="jp_symbol_chain",
        specs=[_prices_1d],
        partitions_def=jp_symbols,
        can_subset=True,
        backfill_policy=dg.BackfillPolicy.multi_run(partitions_per_run),
        pool=POOL,
    )
    def jp_symbol_chain(
        context: dg.AssetExecutionContext, config: CollectConfig, ports: PortsResource
    ) -> Iterator[dg.MaterializeResult[None]]:
        collect_in_run(context, ports.use, JP, context.partition_keys, JP_PRICES_1D, config)
        yield from ()

    return jp_symbol_chain
