"""Progress on stderr: a line every half minute where nobody sees a bar, and one that says how far it came."""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from rich.console import Console

from miraikakaku_assets.application.work_progress import WorkReading
from miraikakaku_assets.faces.cli import progress
from miraikakaku_assets.faces.cli.progress import Watched, progress_bar, tell_plainly
from miraikakaku_assets_tests.support.patience import until

READINGS = (
    WorkReading(4178, 0, 0, None, None),
    WorkReading(4178, 120, 2, 240.0, 1014.5),
    WorkReading(17, 3, 1, None, 61.0, "training lstm"),
)


@dataclass
class Halves:
    """Half minutes that are over at once, so many of them."""

    left: int
    pauses: list[float]

    def __call__(self, seconds: float) -> bool:
        self.pauses.append(seconds)
        self.left -= 1
        return self.left < 0


def of(readings: Iterator[WorkReading | None]) -> Callable[[], WorkReading | None]:
    return lambda: next(readings)


def test_redirected_output_gets_a_line_every_thirty_seconds() -> None:
    lines: list[str] = []
    wait = Halves(3, [])

    tell_plainly(Watched("jp prices", of(iter(READINGS)), "symbol"), lines.append, wait)

    assert wait.pauses == [30.0] * 4
    assert lines == [
        "jp prices: 0 of 4,178 symbols, 30 s so far",
        "jp prices: 120 of 4,178 symbols, 2 failed, 240/min, eta 17 min, 60 s so far",
        "jp prices: 3 of 17 symbols, 1 failed, training lstm, eta 61 s, 90 s so far",
    ]


def test_work_that_cannot_be_counted_says_that_it_goes_on() -> None:
    lines: list[str] = []

    tell_plainly(Watched("jp coverage", lambda: None, "symbol"), lines.append, Halves(7, []))

    assert lines[0] == "jp coverage: 30 s so far"
    assert lines[-1] == "jp coverage: 4 min so far"


def test_a_ledger_that_cannot_be_read_does_not_end_the_work() -> None:
    lines: list[str] = []

    def lost() -> WorkReading | None:
        raise ConnectionError

    tell_plainly(Watched("jp prices", lost, "symbol"), lines.append, Halves(1, []))

    assert lines == ["jp prices: 30 s so far"]


def screen(*, terminal: bool, kind: str = "xterm") -> Console:
    return Console(
        file=io.StringIO(), force_terminal=terminal, width=80, highlight=False, _environ={"TERM": kind}
    )


def written(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_end_is_said_once_on_a_terminal_and_in_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    for console in (screen(terminal=False), screen(terminal=True)):
        monkeypatch.setattr(progress, "errors", console)
        with progress_bar("jp prices", lambda: WorkReading(8, 8, 1, 96.0, 0.0), shown=True):
            pass

        end = "jp prices: 8 of 8 symbols, 1 failed, 96/min\n"
        assert written(console).endswith(end)
        assert console.is_terminal or written(console) == end


def test_the_bar_moves_while_nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """What moves is drawn by a thread of its own: a step of minutes does not look like a hang."""
    console = screen(terminal=True)
    monkeypatch.setattr(progress, "errors", console)
    reading = WorkReading(8, 3, 1, None, 61.0, "training lstm")

    with progress_bar("jp models", lambda: reading, shown=True, noun="training"):
        until(lambda: written(console).count("training lstm") >= 3, "the bar does not move")

    assert "3 of 8 trainings, 1 failed, training lstm, eta 61 s" in written(console)


def test_a_dumb_terminal_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    console = screen(terminal=True, kind="dumb")
    monkeypatch.setattr(progress, "errors", console)

    with progress_bar("jp models", lambda: READINGS[0], shown=True):
        pass

    assert written(console) == "jp models: 0 of 4,178 symbols\n"


def test_nothing_is_shown_beside_a_json_document(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar("jp models", lambda: READINGS[0], shown=False):
        pass

    assert capsys.readouterr().err == ""
