"""A dead man's switch on this machine that keeps what it is sent."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class PingReceiver:
    """Answers with statuses in turn, the last one again and again.

    Attributes:
        address: What HEALTHCHECK_URL would be.
        statuses: HTTP statuses still to be given.
        got: Path with its query, and body, in the order they came.
    """

    address: str
    statuses: list[int] = field(default_factory=lambda: [200])
    got: list[tuple[str, str]] = field(default_factory=list)

    @property
    def paths(self) -> list[str]:
        """Paths behind the secret part, with their queries."""
        return [path.removeprefix("/ping-key-s3cr3t") for path, _ in self.got]


@contextmanager
def ping_receiver() -> Iterator[PingReceiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            receiver.got.append((self.path, body.decode()))
            status = receiver.statuses.pop(0) if len(receiver.statuses) > 1 else receiver.statuses[0]
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Test output is for tests."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver = PingReceiver(f"http://127.0.0.1:{server.server_port}/ping-key-s3cr3t")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
