"""The end of fetching processes: none outlives the one that started it, and nobody waits for a slow answer."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import psutil
import pytest

from miraikakaku_assets_tests.fakes.rate_limits import Unlimited
from miraikakaku_assets_tests.fakes.scripted_yahoo import ScriptedYahoo, chart, scripted_yahoo
from miraikakaku_assets_tests.support.fetching import (
    SYMBOLS,
    deliveries,
    fetching_processes,
    script,
    source,
)
from miraikakaku_assets_tests.support.patience import PATIENCE, until

pytestmark = pytest.mark.slow

SLOW = 2 * PATIENCE  # seconds before a request is given up


@pytest.fixture
def yahoo() -> Iterator[ScriptedYahoo]:
    """The first thirty symbols are answered at once, the others when a test says so."""
    with scripted_yahoo() as server:
        script(server, SYMBOLS[:30])
        for symbol in SYMBOLS[30:]:
            server.script(symbol, replace(chart(symbol, []), after=threading.Event()))
        yield server
    assert fetching_processes() == []


def gone(process: psutil.Process) -> bool:
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def ends(work: Callable[[], object], what: str) -> None:
    """Waits for work that ends while the slow answers are still held back, however slow the machine is."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    until(lambda: not thread.is_alive(), what)


def test_closing_waits_for_no_answer(yahoo: ScriptedYahoo) -> None:
    stream = deliveries(source(yahoo.base_url, Unlimited(), each=5, timeout=SLOW))
    next(stream)
    until(lambda: len(yahoo.asked) >= 38, "the slow symbols are not asked for")
    assert len(fetching_processes()) == 2
    ends(stream.close, "closing waits for an answer")  # type: ignore[attr-defined] # it is a generator
    assert fetching_processes() == []
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("yahoo")]


def test_word_from_another_thread_ends_the_fetching(yahoo: ScriptedYahoo) -> None:
    stopping = threading.Event()
    stream = deliveries(source(yahoo.base_url, Unlimited(), each=5, timeout=SLOW), stopping=stopping)
    next(stream)
    until(lambda: len(yahoo.asked) >= 38, "the slow symbols are not asked for")
    threading.Timer(0.2, stopping.set).start()
    ends(lambda: list(stream), "the fetching goes on")
    assert fetching_processes() == []


@contextmanager
def fetching_parent(yahoo: ScriptedYahoo) -> Iterator[subprocess.Popen[str]]:
    """A process that fetches; a test that fails does not wait for it, which would take ten minutes and more."""
    command = [sys.executable, "-c", PARENT, yahoo.base_url]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as parent:
        try:
            yield parent
        finally:
            parent.kill()


PARENT = textwrap.dedent("""
    import sys
    from miraikakaku_assets_tests.fakes.rate_limits import Unlimited
    from miraikakaku_assets_tests.support.fetching import deliveries, source

    for _ in deliveries(source(sys.argv[1], Unlimited(), each=5)):
        pass
""")


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda how: how.name)
def test_processes_do_not_outlive_the_one_that_started_them(
    yahoo: ScriptedYahoo, how: signal.Signals
) -> None:
    with fetching_parent(yahoo) as parent:
        until(lambda: len(yahoo.asked) >= 38, "the slow symbols are not asked for")
        children = fetching_processes(parent.pid)
        assert len(children) == 2
        os.kill(parent.pid, how)
        assert parent.wait(PATIENCE) != 0
    until(lambda: all(gone(child) for child in children), "a fetching process goes on")


def test_ctrl_c_in_a_terminal_is_the_parents_to_act_on(yahoo: ScriptedYahoo) -> None:
    """A terminal sends it to everybody in the foreground; the processes are ended, and say nothing themselves."""
    with fetching_parent(yahoo) as parent:
        until(lambda: len(yahoo.asked) >= 38, "the slow symbols are not asked for")
        children = fetching_processes(parent.pid)
        for child in children:
            os.kill(child.pid, signal.SIGINT)
        before = len(yahoo.asked)
        for symbol in yahoo.symbols():
            released = yahoo.answers[symbol][0].after
            if released is not None:
                released.set()
        until(lambda: len(yahoo.asked) > before, "a fetching process has ended")
        assert not any(gone(child) for child in children)
        os.kill(parent.pid, signal.SIGINT)
        _, stderr = parent.communicate(timeout=PATIENCE)
    assert stderr.count("Traceback") == 1  # the parent's own; the command line turns it into a sentence
    until(lambda: all(gone(child) for child in children), "a fetching process goes on")
