"""Answers as they go over the wire."""

from dataclasses import dataclass, field
from email.utils import formatdate
from functools import lru_cache
from time import time

from starlette.types import Receive, Scope, Send

JSON = "application/json;charset=utf-8"


@lru_cache(maxsize=4)
def _http_date(second: int) -> bytes:
    return formatdate(second, usegmt=True).encode()


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; an ASGI application that gives it.

    Attributes:
        status: HTTP status.
        body: Body as the client shall receive it.
        media_type: Value of ``content-type``.
        headers: Further headers.
        cut: Whether the connection ends in the middle of the body.
        skew: Seconds by which the ``date`` header is ahead. It follows the real clock, not the simulated one:
            a client compares it with its own.
    """

    status: int
    body: bytes
    media_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    skew: int = 0

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send the answer."""
        headers = [
            (b"date", _http_date(int(time()) + self.skew)),
            (b"content-length", str(len(self.body)).encode()),
            (b"content-type", self.media_type.encode()),
        ]
        if self.headers:
            headers += [(name.lower().encode(), text.encode()) for name, text in self.headers.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        if self.cut:
            # Left unfinished on purpose: the server closes a connection whose answer is incomplete.
            half = self.body[: len(self.body) // 2]
            await send({"type": "http.response.body", "body": half, "more_body": True})
        else:
            await send({"type": "http.response.body", "body": self.body})
