"""Sensors that keep partition keys in step with the masters, also those updated outside of Dagster.

They launch nothing. A look costs one query as long as no new list is in force; then the new keys are added,
sorted, in one batch.
"""

import dagster as dg

from miraikakaku_assets.domain.market.instruments import UNIVERSES, Timeframe, Universe
from miraikakaku_assets.domain.words import counted
from miraikakaku_assets.orchestration.partitions import partitions_of
from miraikakaku_assets.orchestration.resources import PortsResource

_INTERVAL_SECONDS = 600  # the assets register their own issues at once; this is the safety net behind them


def key_sensors(status: dg.DefaultSensorStatus) -> list[dg.SensorDefinition]:
    """One sensor per universe with a master.

    Args:
        status: Whether they run by default.
    """
    return [_symbol_keys(universe, status) for universe in UNIVERSES.values() if universe.has_master]


def _symbol_keys(universe: Universe, status: dg.DefaultSensorStatus) -> dg.SensorDefinition:
    @dg.sensor(
        name=f"{universe.name}_symbol_keys",
        minimum_interval_seconds=_INTERVAL_SECONDS,
        default_status=status,
        description=f"Adds partition keys of newly listed issues to {universe.partitions}; launches nothing.",
    )
    def symbol_keys(
        context: dg.SensorEvaluationContext, ports: PortsResource
    ) -> dg.SensorResult | dg.SkipReason:
        masters = ports.use.stores.masters
        newest = masters.newest_update(universe)
        if newest is None:
            return dg.SkipReason(f"There is no stock master of {universe.name} yet.")
        if context.cursor == str(newest):
            return dg.SkipReason("No new list since the last look.")
        present = set(context.instance.get_dynamic_partitions(universe.partitions))
        new = sorted({listed.symbol for listed in masters.instruments(universe)} - present)
        requests = [partitions_of(universe, Timeframe.D1).build_add_request(new)] if new else []
        reason = (
            f"{counted(len(new), 'new key')} in {universe.partitions}."
            if new
            else "All issues have their keys."
        )
        return dg.SensorResult(skip_reason=reason, dynamic_partitions_requests=requests, cursor=str(newest))

    return symbol_keys
