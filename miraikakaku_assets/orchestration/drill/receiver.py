"""A webhook on this machine that stands in for everybody who would be told, and counts."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from miraikakaku_assets.application.drill.frame import Told
from miraikakaku_assets.application.ports import Clock

_TAKEN, _DOWN = 200, 503


@dataclass
class Receiver:
    """What has arrived, as Alertmanager's JSON.

    Attributes:
        clock: The drill's.
        url: Where messages are sent to.
        told: What was told of alerts, in its order.
        refused: Messages that came while it was down.
        is_down: Whether it refuses.
        up_at: When it is up again by itself; None while nothing is said of it.
    """

    clock: Clock
    url: str = ""
    told: list[Told] = field(default_factory=list)
    refused: int = 0
    is_down: bool = False
    up_at: datetime | None = None

    def take(self, document: dict[str, Any]) -> int:
        """Takes a message; returns the status."""
        now = self.clock()
        if self.is_down and (self.up_at is None or now < self.up_at):
            self.refused += 1
            return _DOWN
        self.told += [
            Told(alert["labels"]["alertname"], now, is_over=alert["status"] == "resolved")
            for alert in document["alerts"]
        ]
        return _TAKEN


@contextmanager
def receiver(clock: Clock) -> Iterator[Receiver]:
    """A receiver on a free port of this machine."""
    taken = Receiver(clock)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(taken.take(json.loads(body)))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        taken.url = f"http://127.0.0.1:{server.server_address[1]}/drill"
        thread = threading.Thread(target=server.serve_forever, name="receiver", daemon=True)
        thread.start()
        try:
            yield taken
        finally:
            server.shutdown()
