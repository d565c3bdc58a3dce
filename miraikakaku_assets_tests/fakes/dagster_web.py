"""A web server that answers as Dagster's does to the questions of the REST API: every run is launched and goes on."""

import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class _Answers(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        """Answers GraphQL."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        content = json.dumps({"data": self._data(asked)}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Says nothing."""

    def _data(self, asked: dict[str, Any]) -> dict[str, Any]:
        launched: dict[str, Any] = self.server.launched  # type: ignore[attr-defined]
        if "launchRun" in asked["query"]:
            run = str(uuid.uuid4())
            launched[run] = asked["variables"]["parameters"]
            return {"launchRun": {"__typename": "LaunchRunSuccess", "run": {"runId": run}}}
        if "runOrError" in asked["query"]:
            return {"runOrError": {"status": "STARTED"} if asked["variables"]["run"] in launched else {}}
        return {"version": "1"}


@contextmanager
def dagster_web() -> Iterator[tuple[str, dict[str, Any]]]:
    """Its address, and what was launched: run id → execution parameters."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    server.daemon_threads = True
    launched: dict[str, Any] = {}
    server.launched = launched  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", launched
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
