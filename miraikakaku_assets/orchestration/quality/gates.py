"""Gates: checks that hold up what comes after an asset in the same run. Put here: nothing else.

The database counts what breaks the suite, in milliseconds; the thorough check of the same suite is in `quality_checks`.
Prices have no gate: what is derived from them is made by their own step, from bars that were validated one by one.
"""

import dagster as dg

from miraikakaku_assets.application.quality.check_quality import pass_gate
from miraikakaku_assets.domain.errors import MiraikakakuError
from miraikakaku_assets.domain.market.instruments import universe
from miraikakaku_assets.domain.quality.results import in_words
from miraikakaku_assets.domain.quality.suites import suite
from miraikakaku_assets.orchestration.failures import failure
from miraikakaku_assets.orchestration.quality.shown import shown
from miraikakaku_assets.orchestration.resources import PortsResource


def gate_key(asset: dg.AssetKey) -> dg.AssetCheckKey:
    """Key of the gate behind an asset whose suite has its name."""
    return dg.AssetCheckKey(asset, f"{asset.path[-1]}_gate")


def gate(asset: dg.AssetKey) -> dg.AssetChecksDefinition:
    """The gate behind an asset whose suite has its name."""
    key, chosen, market = gate_key(asset), suite(asset.path[-1]), universe(asset.path[0])

    @dg.asset_check(
        asset=asset,
        name=key.name,
        description=f"{chosen.batch[0].upper()}{chosen.batch[1:]} keep the suite `{chosen.name}`; what comes after "
        "waits for it.",
        blocking=True,
    )
    def check(ports: PortsResource) -> dg.AssetCheckResult:
        try:
            results = pass_gate(chosen, market, ports.use.quality.checks)
        except MiraikakakuError as error:
            raise failure(error) from error
        return dg.AssetCheckResult(
            passed=not any(result.failed for result in results),
            description=in_words(results),
            metadata=shown(results),
        )

    return check
