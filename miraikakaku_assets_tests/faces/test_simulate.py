"""The exchange simulator as a command."""

import re
import signal
from pathlib import Path

import pytest

from miraikakaku_assets.simulator.faults.kinds import GROUPS, KINDS
from miraikakaku_assets_tests.fakes.simulated import Simulated
from miraikakaku_assets_tests.support.command import QUICK, Command
from miraikakaku_assets_tests.support.command_tree import LEVELS
from miraikakaku_assets_tests.support.patience import PATIENCE


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, -signal.SIGTERM)])
def test_it_says_where_it_listens_answers_and_stops_in_order(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    sizes = ("--symbols", 9, "--us-symbols", 5, "--latency", 0.05, "--seed", 3)
    process = Command(tmp_path).start("simulate", "--port", 0, *sizes, "--fault", "404@7203.T")
    assert process.stdout is not None
    try:
        assert "simulated exchange" in process.stdout.readline()
        export = re.fullmatch(
            r"export YAHOO_BASE_URL=(?P<base>http://127\.0\.0\.1:\d+) JPX_LIST_URL=(?P=base)/jpx/data_j\.xls\n",
            process.stdout.readline(),
        )
        assert export is not None
        base = re.escape(export["base"])
        assert re.fullmatch(
            rf"export NASDAQ_LISTED_URL={base}/symdir/nasdaqlisted.txt\n", process.stdout.readline()
        )
        assert re.fullmatch(
            rf"export OTHER_LISTED_URL={base}/symdir/otherlisted.txt\n", process.stdout.readline()
        )
        page = re.escape("/de/markdaten.php?action=table&field=LME_Cu_cash")
        assert re.fullmatch(rf"export WESTMETALL_URL='{base}{page}'\n", process.stdout.readline())
        assert re.fullmatch(
            rf"export ALPHA_VANTAGE_BASE_URL={base} ALPHA_VANTAGE_API_KEY=\w+\n", process.stdout.readline()
        )
        exchange = Simulated(export["base"])
        state = exchange.state()
        assert (state["seed"], state["symbols"]["jp"], state["symbols"]["us"]) == (3, 9, 5)
        assert exchange.chart("1301.T", range="5d", interval="1d").status_code == 200
        assert exchange.chart("7203.T", range="5d", interval="1d").status_code == 404
        assert exchange.get("/jpx/data_j.xls").content.startswith(b"\xd0\xcf\x11\xe0")
    finally:
        process.send_signal(number)
        _, errors = process.communicate(timeout=PATIENCE)

    assert process.returncode == code, errors
    assert errors == ""


def test_the_help_has_a_line_for_every_kind_of_fault() -> None:
    epilog = str(LEVELS[("simulate",)].epilog)

    for kind, what in KINDS.items():
        assert f"\n{kind}  " in epilog
        assert " ".join(what.split()) in " ".join(epilog.split())
    assert {kind for kind in GROUPS if f"\n{kind}  " in epilog} == set(GROUPS)
    assert max(map(len, epilog.splitlines())) <= 80


def test_a_port_that_is_taken_is_a_usage_error(exchange: Simulated, tmp_path: Path) -> None:
    port = exchange.base.rpartition(":")[2]

    ended = Command(tmp_path, QUICK)("simulate", "--port", port, "--symbols", 9)

    assert ended.code == 2
    assert ended.errors[0].startswith(f"simulator: cannot listen on 127.0.0.1:{port}")
