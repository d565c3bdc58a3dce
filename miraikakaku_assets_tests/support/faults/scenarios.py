"""What is killed: command lines and runs, each in a fork of a process that has its imports already.

``python -m miraikakaku_assets_tests.support.faults.scenarios`` takes orders on standard input, one JSON document a
line, and answers with the number of the process, then with its exit code, a line each. Starting an interpreter with
Dagster takes two seconds, a fork a twentieth.
"""

import importlib
import json
import os
import sys
import traceback
import uuid
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from miraikakaku_assets.settings import settings

_IMPORTED = (
    *(
        "adbc_driver_postgresql.dbapi",
        "apprise",
        "curl_cffi.requests",
        "matplotlib.pyplot",
        "pandas",
        "psycopg2",
    ),
    *("polars", "pyarrow", "yfinance", "alembic.command", "talib"),
    *(
        "miraikakaku_assets.main",
        "miraikakaku_assets.faces.cli.app",
        "miraikakaku_assets.orchestration.launch",
    ),
    "miraikakaku_assets.adapters.sources.yahoo.source",
)


def command(arguments: list[str]) -> None:
    """A command line, as the console script runs it."""
    from miraikakaku_assets.main import run

    sys.argv = ["miraikakaku", *arguments]
    run()


def collect_in_processes(arguments: list[str]) -> None:
    """The same with as many fetching processes as a large market has."""
    from miraikakaku_assets.adapters.sources.yahoo import source

    source._WORTH_PROCESSES = 2
    command(arguments)


def cycle(symbols: list[str]) -> None:
    """A five-minute cycle, at the end of which notifications go out."""
    from miraikakaku_assets import bootstrap
    from miraikakaku_assets.orchestration.build import build_defs
    from miraikakaku_assets.orchestration.console import settle_console
    from miraikakaku_assets.orchestration.instance.home import open_instance
    from miraikakaku_assets.orchestration.instance.orphaned_runs import process_tags

    ports, run_id = bootstrap.ports(), str(uuid.uuid4())
    _ = ports.database
    settle_console("ERROR")
    with open_instance(ports.settings) as instance:
        result = (
            build_defs()
            .resolve_job_def("fx_cycle_job")
            .execute_in_process(
                run_config={"ops": {"fx_cycle_op": {"config": {"symbols": symbols}}}},
                instance=instance,
                run_id=run_id,
                tags=process_tags(run_id),
                raise_on_error=False,
            )
        )
    sys.exit(0 if result.success else 1)


def forecast(_: list[str]) -> None:
    """Trains two models, forecasts from a session of the week before, and scores."""
    from datetime import timedelta

    from miraikakaku_assets import bootstrap
    from miraikakaku_assets.application.commands import (
        PredictCommand,
        ScoreCommand,
        StageCommand,
        TrainCommand,
    )
    from miraikakaku_assets.domain.forecasting.baselines import Drift, RandomWalk
    from miraikakaku_assets.domain.market.instruments import JP
    from miraikakaku_assets.orchestration.launch import Launcher

    ports = bootstrap.ports()
    vars(ports.forecasting)["forecasters"] = (RandomWalk(), Drift())
    earlier = (ports.clock() - timedelta(days=14)).date()
    launcher = Launcher(ports)
    orders: tuple[StageCommand[Any], ...] = (
        *(TrainCommand(until=earlier), PredictCommand(as_of=earlier), ScoreCommand()),
    )
    for order in orders:
        ended = launcher.run(JP, str(uuid.uuid4()), order)
        if ended.error is not None:
            sys.stderr.write(f"{ended.error}\n")
            sys.exit(1)
    sys.exit(0)


def lease(_: list[str]) -> None:
    """A worker takes a run, from one that is gone if need be, and renews its lease."""
    from miraikakaku_assets import bootstrap

    leases, holder = bootstrap.ports().operations.run_leases, uuid.uuid4().hex
    taken = leases.take("run", "worker@host", holder, lost_after=0.0)
    sys.exit(0 if taken and leases.renew("run", holder) else 1)


SCENARIOS: dict[str, Callable[[list[str]], None]] = {
    scenario.__name__: scenario for scenario in (command, collect_in_processes, cycle, forecast, lease)
}


def _serve() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in _IMPORTED:
            importlib.import_module(name)
    _answer("ready")
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            _do(order)
        _answer(child)
        _, status = os.waitpid(child, 0)
        _answer(os.waitstatus_to_exitcode(status))


def _answer(line: object) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _do(order: dict[str, Any]) -> None:
    """Carries an order out and never returns."""
    code = 1
    try:
        os.environ.clear()
        os.environ.update(order["environment"])
        os.chdir(order["folder"])
        output = os.open(Path(order["folder"]) / "output.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        nothing = os.open(os.devnull, os.O_RDONLY)
        settings.cache_clear()  # of the process that was forked
        for target, source in ((0, nothing), (1, output), (2, output)):
            os.dup2(source, target)
        SCENARIOS[order["scenario"]](order["arguments"])
        code = 0
    except SystemExit as ended:
        code = int(ended.code or 0)
    except BaseException:  # noqa: BLE001 - the fork ends here, whatever it was
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve()
