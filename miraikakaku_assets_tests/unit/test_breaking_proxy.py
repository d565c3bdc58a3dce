"""The proxy that breaks connections does what it is told, and nothing to the others."""

import socket
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from benchmarks.breaking_proxy import CUT, DELAY, HALF_CLOSE, PASS, BreakingProxy, breaking_proxy

ANSWER = b"x" * 100_000


def serve(listener: socket.socket) -> None:
    """Answers each line with a long text."""
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            while connection.recv(1024):
                try:
                    connection.sendall(ANSWER)
                except OSError:
                    break


@pytest.fixture
def proxy() -> Iterator[BreakingProxy]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        with breaking_proxy(f"http://127.0.0.1:{listener.getsockname()[1]}") as running:
            yield running
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


def asked(proxy: BreakingProxy) -> tuple[int, str]:
    """Bytes of the answer, and how the connection ended for who asked."""
    port = urlsplit(proxy.url).port
    received = 0
    with socket.create_connection(("127.0.0.1", port or 0)) as connection:
        connection.sendall(b"please\n")
        try:
            while received < len(ANSWER):
                block = connection.recv(65_536)
                if not block:
                    return received, "closed"
                received += len(block)
        except ConnectionResetError:
            return received, "reset"
    return received, "answered"


def test_without_a_share_everything_passes(proxy: BreakingProxy) -> None:
    assert asked(proxy) == (len(ANSWER), "answered")
    assert proxy.done == {PASS: 1}


@pytest.mark.parametrize(("kind", "ends"), [(CUT, {"reset", "closed"}), (HALF_CLOSE, {"closed"})])
def test_a_broken_answer_is_not_whole(proxy: BreakingProxy, kind: str, ends: set[str]) -> None:
    proxy.share, proxy.kinds = 1.0, (kind,)
    received, end = asked(proxy)
    assert received < len(ANSWER)
    assert end in ends
    assert proxy.done == {kind: 1}


def test_a_delayed_answer_is_whole(proxy: BreakingProxy) -> None:
    proxy.share, proxy.kinds = 1.0, (DELAY,)
    assert asked(proxy) == (len(ANSWER), "answered")
    assert proxy.done == {DELAY: 1}


def test_a_seed_decides_the_same_every_time() -> None:
    first, second, other = (BreakingProxy("", 0.3, seed) for seed in (7, 7, 8))
    fates = [[proxy.fate() for _ in range(200)] for proxy in (first, second, other)]
    assert fates[0] == fates[1] != fates[2]
    assert 30 < sum(kind != PASS for kind, _ in fates[0]) < 90
