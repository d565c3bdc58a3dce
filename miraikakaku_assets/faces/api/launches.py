"""Launches behind the answers: a client does not wait for Dagster."""

import asyncio
import logging

from miraikakaku_assets.application.bulk.jobs import BulkPorts, launch_job
from miraikakaku_assets.domain.errors import DependencyUnavailableError

_AT_ONCE = 2
_MOST_WAITING = 10  # the others are launched by the sensor
_log = logging.getLogger(__name__)


class Launches:
    """Launches jobs in the background; what is lost with the process is launched by the sensor.

    Args:
        ports: What a launch needs.
    """

    def __init__(self, ports: BulkPorts) -> None:
        self._ports = ports
        self._free = asyncio.Semaphore(_AT_ONCE)
        self._tasks = set[asyncio.Task[None]]()

    def begin(self, job_id: str) -> None:
        """Launches a job soon."""
        if len(self._tasks) < _MOST_WAITING:
            task = asyncio.get_running_loop().create_task(self._launch(job_id))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def close(self) -> None:
        """Gives up what waits."""
        for task in self._tasks:
            task.cancel()

    async def _launch(self, job_id: str) -> None:
        try:
            async with self._free:
                if not await launch_job(job_id, self._ports):
                    _log.info("%s is left to the sensor", job_id)
        except DependencyUnavailableError as error:
            _log.warning("%s is left to the sensor: %s", job_id, error)
