"""A webhook that stands in for Discord: it takes messages, or is down."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Webhook:
    """What has arrived.

    Attributes:
        url: Where messages are sent to.
        messages: Texts that were taken, in their order.
        pictures: How many of them came with a picture.
        refused: Requests that were refused while it was down.
    """

    url: str
    messages: list[str] = field(default_factory=list)
    pictures: int = 0
    refused: int = 0
    is_down: bool = False

    def set_down(self, down: bool) -> None:  # noqa: FBT001 - it says which
        """Takes it down, or up again."""
        self.is_down = down

    def take(self, body: bytes, kind: str) -> int:
        """Takes one request; returns the status."""
        if self.is_down:
            self.refused += 1
            return 503
        if kind.startswith("multipart/"):
            self.pictures += b"\x89PNG" in body
        text = _payload(body, kind)
        if text:
            self.messages.append(text)
        return 204


def _payload(body: bytes, kind: str) -> str:
    if kind.startswith("application/json"):
        return json.dumps(json.loads(body), ensure_ascii=False, sort_keys=True)
    match = re.search(rb'name="payload_json".*?\r\n\r\n(.*?)\r\n--', body, re.DOTALL)
    return json.dumps(json.loads(match[1]), ensure_ascii=False, sort_keys=True) if match else ""


@contextmanager
def webhook() -> Iterator[Webhook]:
    """A webhook on a free port of this machine."""
    taken: list[Webhook] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(taken[0].take(body, self.headers.get("Content-Type", "")))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        port = server.server_address[1]
        taken.append(Webhook(f"http://127.0.0.1:{port}/api/webhooks/1/SIMULATED"))
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield taken[0]
        server.shutdown()
