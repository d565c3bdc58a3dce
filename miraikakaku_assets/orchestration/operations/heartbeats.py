"""Heartbeats of what `miraikakaku up` and `schedule` start, sent by the process that watches over it.

They are sent between two looks at the children, in the one thread there is: a database that is away may hold that up
for two seconds, and then the beats are simply missing.
"""

import logging
import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import replace

import psutil
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.operations.heartbeats import PostgresHeartbeats
from miraikakaku_assets.application.ports.operations.system import ServiceBeat

BEAT_SECONDS = 15.0
_PATIENCE = {"connect_timeout": "2", "tcp_user_timeout": "2000"}  # seconds; milliseconds
_CODE_SERVER = ("api", "grpc")
_log = logging.getLogger(__name__)


class ChildHeartbeats:
    """Beats for the children of this process.

    Args:
        database: Where the beats are recorded.
    """

    def __init__(self, database: Database) -> None:
        url = make_url(database.url).update_query_dict(_PATIENCE).render_as_string(hide_password=False)
        self._database = Database(url)
        self._heartbeats = PostgresHeartbeats(self._database)
        self._due = 0.0
        self._lost = False

    def beat(self, services: Iterable[ServiceBeat]) -> None:
        """Beats if it is time; a database that is away is said once, and the next beat finds it again."""
        now = time.monotonic()
        if now < self._due:
            return
        self._due = now + BEAT_SECONDS
        self._send([each for service in services for each in (service, *code_servers(service))])

    def stopped(self, services: Iterable[ServiceBeat]) -> None:
        """Says that they have ended in order, their code servers with them: nobody misses them then."""
        ended = {service.service: service for service in services}
        code_servers_too = [f"code_server/{name}" for name in ended]
        host = socket.gethostname()
        try:
            there = [each for each in self._heartbeats.services() if each.host == host]
        except SQLAlchemyError:
            there = []
        others = [
            ServiceBeat(each.service, each.host, each.pid)
            for each in there
            if each.service in code_servers_too
        ]
        with closing(self._database):
            self._send([replace(each, state="stopped") for each in (*ended.values(), *others)])

    def _send(self, services: list[ServiceBeat]) -> None:
        try:
            self._heartbeats.beat(services)
        except SQLAlchemyError as error:
            if not self._lost:
                _log.warning("Heartbeats cannot be recorded (%s); the services go on", type(error).__name__)
            self._lost = True
        else:
            self._lost = False


def code_servers(service: ServiceBeat) -> Iterator[ServiceBeat]:
    """The code server that a service has started; while it is replaced by another, the younger one."""
    try:
        children = psutil.Process(service.pid).children(recursive=True)
        servers = [child for child in children if set(_CODE_SERVER) <= set(child.cmdline())]
        newest = max(servers, key=lambda child: child.create_time(), default=None)
    except psutil.Error:  # it is ending just now
        return
    if newest is not None:
        yield ServiceBeat(f"code_server/{service.service}", service.host, newest.pid)
