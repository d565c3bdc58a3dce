"""A worker: takes runs from the queue and has each done by a process of its own."""

import os
import sys
from typing import NoReturn

from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.orchestration.celery.app import QUEUE, build_app, require_broker
from miraikakaku_assets.orchestration.instance.home import open_instance
from miraikakaku_assets.orchestration.instance.pools import follow_default_limits
from miraikakaku_assets.settings import as_environment

_APP = "miraikakaku_assets.orchestration.celery.worker_app"


def become_worker(ports: Ports, name: str, slots: int, queue: str = QUEUE) -> NoReturn:
    """Turns this process into a worker, which ends in order on SIGTERM: runs that it has begun are done first.

    Args:
        ports: The installation.
        name: Of the worker, unique on this machine; its full name is ``name@host``.
        slots: Runs that it does at a time.
        queue: That it takes runs from.

    Raises:
        ConfigurationError: No Redis is set, or the extra ``celery`` is not installed.
        DependencyUnavailableError: Redis or the database cannot be reached.
    """
    build_app(ports.settings)
    require_broker(ports.settings)
    _ = ports.database
    with open_instance(ports.settings) as instance:
        follow_default_limits(instance)
    ports.database.close()
    arguments = [
        *("-m", "celery", "--app", _APP, "worker"),
        *("--hostname", f"{name}@%h", "--concurrency", str(slots), "--pool", "prefork"),
        *("--queues", queue, "--loglevel", ports.settings.log_level),
        *("--without-gossip", "--without-mingle"),
    ]
    environment = {**os.environ, **as_environment(ports.settings)}
    os.execve(sys.executable, [sys.executable, *arguments], environment)  # noqa: S606 - no shell
