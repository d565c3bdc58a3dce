"""A webhook on this machine that answers as a test writes it down, and keeps what it was sent."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from miraikakaku_assets_tests.fakes.holding import hold_back

TOKEN = "tOkEn-s3cr3t_AbCdEf0123456789"  # noqa: S105 - what must not be seen
DISCORD_PATH = f"/api/webhooks/417429632418316298/{TOKEN}"
SLACK_PATH = f"/services/T0123ABCD/B0123ABCD/{TOKEN.replace('-', '').replace('_', '')}"


@dataclass(frozen=True)
class Reply:
    """One HTTP answer.

    Attributes:
        delay: Seconds before it is given; all that is held back ends with the server.
        after: Event before which it is not given.
    """

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    after: threading.Event | None = None


@dataclass(frozen=True)
class Delivery:
    """One message as it arrived."""

    path: str
    query: dict[str, list[str]]
    payload: dict[str, Any]
    pictures: list[tuple[str, bytes]]
    at: float

    @property
    def text(self) -> str:
        return str(self.payload["content"])


@dataclass
class Receiver:
    """Replies per path, the last one again and again; without any, Discord's own to a stored message."""

    base_url: str
    replies: dict[str, list[Reply]] = field(default_factory=dict)
    got: list[Delivery] = field(default_factory=list)
    held: threading.Lock = field(default_factory=threading.Lock)

    @property
    def discord(self) -> str:
        return self.base_url + DISCORD_PATH

    @property
    def slack(self) -> str:
        return self.base_url + SLACK_PATH

    def script(self, path: str, *replies: Reply) -> None:
        with self.held:
            self.replies[path] = list(replies)

    def accepted(self, path: str = DISCORD_PATH) -> list[Delivery]:
        return [delivery for delivery in self.got if delivery.path == path]

    def reply(self, delivery: Delivery) -> Reply:
        with self.held:
            self.got.append(delivery)
            waiting = self.replies.get(delivery.path) or [Reply()]
            return waiting.pop(0) if len(waiting) > 1 else waiting[0]


def parsed(path: str, content_type: str, body: bytes) -> Delivery:
    """A JSON message, or a form with one and its pictures."""
    parts = urlsplit(path)
    payload, pictures = body, []
    if content_type.startswith("multipart/"):
        form = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
        for part in form.iter_parts():
            content = part.get_payload(decode=True)
            assert isinstance(content, bytes)
            if part.get_param("name", header="content-disposition") == "payload_json":
                payload = content
            else:
                pictures.append((str(part.get_filename()), content))
    return Delivery(parts.path, parse_qs(parts.query), json.loads(payload), pictures, time.monotonic())


@contextmanager
def webhook_receiver(port: int = 0) -> Iterator[Receiver]:
    closing = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            reply = receiver.reply(parsed(self.path, self.headers["Content-Type"], body))
            hold_back(closing, reply.delay, reply.after)
            try:
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)
            except OSError:  # the sender has given up waiting
                self.close_connection = True

        def log_message(self, *_: Any) -> None:
            """Test output is for tests."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            """A sender that was killed in the middle is part of a test."""

    server = Server(("127.0.0.1", port), Handler)
    receiver = Receiver(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield receiver
    finally:
        closing.set()
        server.shutdown()
        thread.join()
        server.server_close()
