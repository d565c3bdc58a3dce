"""The process that lives through the ticks of a replay, and that is killed in the middle.

It is told its ticks on stdin (JSON) and says on stdout, one JSON line per tick, what became of it. Each tick is what
the daemon does with it: the schedule is evaluated at that moment, and the run it asks for is executed; then the
sensor that delivers notifications has its turn. The clocks of the installation and of the exchange stand at the tick.
"""

import json
import logging
import sys
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg

from benchmarks.fetch_site import Exchange
from miraikakaku_assets import bootstrap
from miraikakaku_assets.orchestration.build import build_defs
from miraikakaku_assets.orchestration.instance.home import open_instance
from miraikakaku_assets.orchestration.instance.orphaned_runs import process_tags
from miraikakaku_assets.orchestration.resources import PortsResource
from miraikakaku_assets.settings import load_settings

AFTER_THE_TICK = timedelta(seconds=2)
"""A run begins about so long after its tick."""


_SILENT = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


class TickClock:
    """The clock of a replay."""

    def __init__(self) -> None:
        self.now = datetime.min.replace(tzinfo=UTC)

    def __call__(self) -> datetime:
        """The moment of the tick that is lived through."""
        return self.now


def live(order: dict[str, Any]) -> None:
    """Lives through the ticks of the order."""
    clock, exchange = TickClock(), Exchange(order["exchange"])
    ports = bootstrap.use(load_settings(), clock)
    _ = ports.database
    logging.getLogger("dagster").setLevel(logging.CRITICAL)
    instance = open_instance(ports.settings)
    definitions = build_defs()
    for text in order["ticks"]:
        tick = datetime.fromisoformat(text)
        clock.now = tick + AFTER_THE_TICK
        exchange.set_clock(clock.now)
        report = _scheduled(definitions, instance, order["schedule"], tick)
        report["delivered"] = _delivered(definitions, instance)
        print(json.dumps({"tick": text, **report}), flush=True)


def _scheduled(
    definitions: dg.Definitions, instance: dg.DagsterInstance, name: str, tick: datetime
) -> dict[str, Any]:
    repository = definitions.get_repository_def()
    schedule = repository.get_schedule_def(name)
    with dg.build_schedule_context(
        instance=instance,
        scheduled_execution_time=tick.astimezone(ZoneInfo(schedule.execution_timezone or "UTC")),
        repository_def=repository,
        resources={"ports": PortsResource()},
    ) as context:
        # Otherwise it opens one of its own from a reference: 0.1 s, a quarter of an hour in a month of ticks.
        context._instance = instance  # type: ignore[assignment] # noqa: SLF001
        evaluated = schedule.evaluate_tick(context)
    for request in evaluated.run_requests or ():
        run_id = str(uuid.uuid4())
        result = definitions.resolve_job_def(schedule.job_name).execute_in_process(
            run_config={**request.run_config, **_SILENT},
            instance=instance,
            tags={**request.tags, **process_tags(run_id)},
            run_id=run_id,
            raise_on_error=False,
        )
        return {"run": result.run_id, "succeeded": result.success}
    return {"skipped": evaluated.skip_message}


def _delivered(definitions: dg.Definitions, instance: dg.DagsterInstance) -> int:
    """Runs that the sensor of the notifications has asked for."""
    repository = definitions.get_repository_def()
    sensor = repository.get_sensor_def("notifications")
    with dg.build_sensor_context(
        instance=instance, repository_def=repository, resources={"ports": PortsResource()}
    ) as context:
        requests = sensor.evaluate_tick(context).run_requests or ()
    for _ in requests:
        definitions.resolve_job_def("notifications_job").execute_in_process(
            run_config=_SILENT, instance=instance, raise_on_error=False
        )
    return len(requests)


if __name__ == "__main__":
    live(json.loads(sys.stdin.readline()))
