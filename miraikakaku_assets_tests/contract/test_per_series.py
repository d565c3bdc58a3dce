"""Work on many series: in order, one at a time to blame, and never a process left behind."""

import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import psutil
import pytest

from miraikakaku_assets.adapters.forecasters.per_series import FEW, Failure, each_series
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets_tests.support.patience import PATIENCE, until

pytestmark = pytest.mark.slow

MANY = FEW + 20
NAMES = [f"S{place:04}" for place in range(MANY)]


def size_and_process(values):
    return float(np.abs(values).sum()), os.getpid()


def picky(number):
    if number % 10 == 3:
        raise ValueError(f"{number} is not for me")
    if number == 44:
        raise ZeroDivisionError("never mind")
    return number


def deadly(number, marks, deaths):
    """Kills its process at number 21, so many times."""
    mark = Path(marks) / f"{os.getpid()}"
    if number == 21 and len(list(Path(marks).iterdir())) < deaths:
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number * 2, os.getpid()


def test_many_series_are_done_in_other_processes_in_order():
    series = [np.full(5, place, dtype=np.float64) for place in range(MANY)]
    before = set(psutil.Process().children())  # what other tests of this process have started
    results = each_series(size_and_process, series, NAMES)
    made = [result for result in results if not isinstance(result, Failure)]
    assert [size for size, _ in made] == [5.0 * place for place in range(MANY)]
    processes = {process for _, process in made}
    assert os.getpid() not in processes
    assert 1 <= len(processes) <= 2
    left = [" ".join(child.cmdline()) for child in set(psutil.Process().children()) - before]
    # Python's own, one for all pools to come.
    assert all("resource_tracker" in command for command in left), left


def test_few_series_are_done_here():
    series = [np.ones(3)] * (FEW - 1)
    assert set(each_series(size_and_process, series, NAMES[: FEW - 1])) == {(3.0, os.getpid())}
    assert each_series(size_and_process, [], []) == []


def test_a_crew_of_nobody_is_refused():
    with pytest.raises(ConfigurationError, match="at least 1"):
        each_series(picky, [1], ["S"], workers=0)


@pytest.mark.parametrize("count", [FEW - 1, MANY])
def test_a_series_that_breaks_off_leaves_the_others_alone_and_is_logged_once_per_kind(count, caplog):
    results = each_series(picky, range(count), NAMES[:count])
    for number, result in enumerate(results):
        if number % 10 == 3:
            assert result == Failure("ValueError", f"{number} is not for me")
        elif number == 44:
            assert result == Failure("ZeroDivisionError", "never mind")
        else:
            assert result == number
    messages = [record.getMessage() for record in caplog.records]
    refused = len([number for number in range(count) if number % 10 == 3])
    assert (
        messages[0]
        == f"{refused} of {count} series failed with ValueError, the first of them S0003: 3 is not for me"
    )
    assert len(messages) == (2 if count > 44 else 1)


def test_a_process_that_is_killed_once_costs_no_series(tmp_path):
    results = each_series(partial(deadly, marks=str(tmp_path), deaths=1), range(MANY), NAMES)
    made = [result for result in results if not isinstance(result, Failure)]
    assert [value for value, _ in made] == [number * 2 for number in range(MANY)]
    assert len(list(tmp_path.iterdir())) == 1


def test_a_series_that_kills_its_process_twice_is_the_only_one_to_fail(tmp_path, caplog):
    results = each_series(partial(deadly, marks=str(tmp_path), deaths=9), range(MANY), NAMES)
    blamed = results.pop(21)
    assert isinstance(blamed, Failure)
    assert blamed.kind == "ProcessDied"
    made = [result for result in results if not isinstance(result, Failure)]
    assert [value for value, _ in made] == [number * 2 for number in range(MANY) if number != 21]
    assert len(list(tmp_path.iterdir())) == 2
    # Two pools, and a process for each of the two series that were at work when the first one broke.
    assert len({process for _, process in made}) <= 6
    assert f"1 of {MANY} series failed with ProcessDied, the first of them S0021" in caplog.text


SCRIPT = """
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from miraikakaku_assets.adapters.forecasters import per_series
from miraikakaku_assets_tests.support.series_work import {work}


class Watched(ProcessPoolExecutor):
    def shutdown(self, *args, **options):
        Path("released").touch()
        super().shutdown(*args, **options)


if __name__ == "__main__":
    per_series.ProcessPoolExecutor = Watched
    names = [str(place) for place in range({count})]
    per_series.each_series({work}, range({count}), names)
"""
LONG = 1000  # series: many more than lie ready for two workers


def started(tmp_path: Path, work: str) -> tuple[subprocess.Popen[str], list[psutil.Process]]:
    """A process that works on series, and its two workers."""
    script = tmp_path / "caller.py"
    script.write_text(SCRIPT.format(work=work, count=LONG))
    root = str(Path(__file__).parents[2])
    caller = subprocess.Popen(
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])},
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    until(lambda: len(list(tmp_path.glob("*.at-work"))) == 2, "the workers have not started")
    return caller, psutil.Process(caller.pid).children()


def test_ctrl_c_ends_the_work_and_leaves_no_process(tmp_path):
    caller, children = started(tmp_path, "held")
    os.killpg(caller.pid, signal.SIGINT)  # as a terminal does: to all of them
    _, stderr = caller.communicate(timeout=PATIENCE)
    assert caller.returncode == -signal.SIGINT
    assert stderr.count("KeyboardInterrupt") == 1, stderr
    assert list(tmp_path.glob("*.interrupted")) == []  # the caller's to handle, not theirs
    assert len(list(tmp_path.glob("*.done"))) < LONG  # what was not begun is dropped
    assert psutil.wait_procs(children, timeout=PATIENCE)[1] == []


def test_the_processes_end_with_a_caller_that_is_killed(tmp_path):
    caller, children = started(tmp_path, "endless")
    caller.kill()
    caller.communicate(timeout=PATIENCE)
    assert psutil.wait_procs(children, timeout=PATIENCE)[1] == []
