"""The process of the API: uvicorn, with patience for headers as well as for bodies."""

import asyncio
import gc
import logging
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from miraikakaku_assets.bootstrap import ports
from miraikakaku_assets.faces.api.app import build_api
from miraikakaku_assets.faces.api.keys import keys_of, require_keys

_HEADER_SECONDS = 10.0
_CONNECTIONS = 2000
KEEP_ALIVE_SECONDS = 130
"""Longer than a client holds on to an idle connection (Caddy: two minutes): a server that closes first closes on a
request that is under way, and a POST is not sent again."""
_MESSAGE_BYTES = 64 * 1024  # of a client's WebSocket, which has nothing to say


class PatientProtocol(HttpToolsProtocol):
    """HTTP whose clients have ten seconds for their headers: one that dribbles them holds no connection for ever."""

    _overdue: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begins to wait for headers."""
        super().connection_made(transport)
        self._overdue = self.loop.call_later(_HEADER_SECONDS, transport.close)

    def on_message_begin(self) -> None:
        """Begins to wait for those of a further request."""
        super().on_message_begin()
        if self._overdue is None:
            self._overdue = self.loop.call_later(_HEADER_SECONDS, self.transport.close)

    def on_headers_complete(self) -> None:
        """They are there."""
        self._forget()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        self._forget()
        super().connection_lost(exc)

    def _forget(self) -> None:
        if self._overdue is not None:
            self._overdue.cancel()
            self._overdue = None


def make_app() -> Any:
    """The application of this process's settings; a worker's own."""
    logging.basicConfig(level=ports().settings.log_level, format="%(levelname)s %(name)s: %(message)s")
    app = build_api(ports(), keys_of(ports().settings))
    gc.collect()
    gc.freeze()  # what was imported stays: looking through it again and again would hold requests up for 20 ms
    return app


def run_server(host: str, port: int, workers: int) -> None:
    """Serves until SIGINT or SIGTERM; the schema of the database is taken as it is.

    Raises:
        ConfigurationError: Nobody may listen there.
    """
    require_keys(ports().settings, host, "API")
    uvicorn.run(
        "miraikakaku_assets.faces.api.server:make_app",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        http=PatientProtocol,
        log_level=ports().settings.log_level.lower(),
        log_config=None,
        access_log=False,  # paths and addresses of 1,500 requests a second
        server_header=False,
        proxy_headers=False,
        limit_concurrency=_CONNECTIONS,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_worker_healthcheck=60,  # of a worker that starts on a busy machine, too
        timeout_graceful_shutdown=5,
        ws_max_size=_MESSAGE_BYTES,
        ws="websockets-sansio",
        ws_per_message_deflate=False,  # of messages of 400 bytes: 500 clients took 20 MiB for it
    )
