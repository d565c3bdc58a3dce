"""A mail server on this machine that takes every letter, or refuses as scripted, and records the session."""

import base64
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default


@dataclass
class MailSink:
    """Replies to commands (by their first word) instead of 250, and the lines received."""

    port: int
    answers: dict[str, str] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    letters: list[EmailMessage] = field(default_factory=list)
    offers: tuple[str, ...] = ()

    @property
    def heard(self) -> str:
        """All lines from the client, base64 decoded, too."""
        plain = [_decoded(word) for line in self.said for word in line.split()]
        return "\n".join([*self.said, *plain])


def _decoded(word: str) -> str:
    try:
        return base64.b64decode(word, validate=True).decode()
    except ValueError:
        return ""


@contextmanager
def mail_sink() -> Iterator[MailSink]:
    class Session(socketserver.StreamRequestHandler):
        def answer(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

        def handle(self) -> None:
            self.answer("220 sink")
            while line := self.rfile.readline().decode().strip():
                sink.said.append(line)
                word = line.split()[0].upper()
                scripted = sink.answers.get(word)
                if scripted:
                    self.answer(scripted)
                elif word == "EHLO":
                    names = ["sink", *sink.offers]
                    for place, name in enumerate(names):
                        self.answer(f"250{' ' if place == len(names) - 1 else '-'}{name}")
                elif word == "DATA":
                    self.answer("354 go on")
                    content = bytearray()
                    while (part := self.rfile.readline()) != b".\r\n":
                        content += part.removeprefix(b".") if part.startswith(b"..") else part
                    letter = message_from_bytes(bytes(content), policy=default)
                    assert isinstance(letter, EmailMessage)
                    sink.letters.append(letter)
                    self.answer("250 taken")
                elif word == "QUIT":
                    self.answer("221 bye")
                    return
                else:
                    self.answer("250 ok")

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    server = Server(("127.0.0.1", 0), Session)
    sink = MailSink(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield sink
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
