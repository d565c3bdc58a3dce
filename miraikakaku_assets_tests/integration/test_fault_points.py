"""At every named fault point a process is killed; the same work again leaves what an undisturbed one leaves.

A work is killed at each of its points in turn: every order is carried out once, and the same work begins again. What is
killed while it sends or backs up is in `test_killed_deliverers` and `test_killed_backups`; what is compared here are
tables, not whom a message has reached by then.
"""

import ast
import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import miraikakaku_assets
from miraikakaku_assets.fault_points import POINTS
from miraikakaku_assets_tests.support.command import Command
from miraikakaku_assets_tests.support.faults.contents import content_digests, problems, rows_in
from miraikakaku_assets_tests.support.faults.server import output_of
from miraikakaku_assets_tests.support.faults.works import WORKS, Grounds, Work, prepared_grounds

pytestmark = pytest.mark.slow
ONLY_ACCOUNTS = {"lease"}
"""Works that change no table with contents."""


@dataclass
class Bench:
    """Works on copies of prepared installations.

    Attributes:
        grounds: Makes the copies.
        calm: Name of a work → what it leaves undisturbed.
    """

    grounds: Grounds
    calm: dict[str, "Left"] = field(default_factory=dict)

    def undisturbed(self, name: str) -> "Left":
        if name not in self.calm:
            work = WORKS[name]
            with self.grounds.copy(work.template) as command:
                before = content_digests(command.variables["DATABASE_URL"])
                code = self.grounds.run(command, work.scenario, work.arguments)
                assert code == 0, output_of(command.folder)
                self.calm[name] = Left.of(command)
                assert name in ONLY_ACCOUNTS or self.calm[name].digests != before, "it has nothing to do"
        return self.calm[name]

    def kill_everywhere(self, command: Command, work: Work) -> None:
        """Does the work again and again, killed at each of its points in turn, until it comes to its end."""
        orders = [f"{point}:kill@1" for point in work.points]
        armed = command.with_(MIRAIKAKAKU_FAULTS=",".join(orders))
        codes = list[int]()
        while not codes or codes[-1] == -signal.SIGKILL:
            codes.append(self.grounds.run(armed, work.scenario, work.arguments))
        carried_out = {path.name for path in (command.folder / "home" / "faults").iterdir()}
        assert carried_out == set(orders), f"points that were never reached: {set(orders) - carried_out}"
        assert codes[-1] == 0, output_of(command.folder)
        in_other_processes = len({"fetcher.before_answer"} & set(work.points))
        assert len(codes) == len(orders) + 1 - in_other_processes


@dataclass
class Left:
    """What a work leaves.

    Attributes:
        digests: Table → its contents.
        rows: Table → rows, of those that say most when they differ.
    """

    digests: dict[str, str]
    rows: dict[str, list[str]]

    @classmethod
    def of(cls, command: Command) -> "Left":
        url = command.variables["DATABASE_URL"]
        assert problems(url) == {}
        digests = content_digests(url)
        small: dict[str, list[str]] = {
            table: rows_in(url, table) for table in ("alerts", "notification_outbox") if table in digests
        }
        return cls(digests, small)


@pytest.fixture(scope="module")
def bench(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with prepared_grounds(server_url, tmp_path_factory.mktemp("fault_points")) as grounds:
        yield Bench(grounds)


@pytest.mark.parametrize("name", WORKS)
def test_killed_at_each_of_its_points_the_same_work_again_leaves_the_same(bench: Bench, name: str) -> None:
    work, calm = WORKS[name], bench.undisturbed(name)
    with bench.grounds.copy(work.template) as command:
        bench.kill_everywhere(command, work)
        left = Left.of(command)
    differing = {table for table in calm.digests if left.digests.get(table) != calm.digests[table]}
    assert not differing, {table: (calm.rows.get(table), left.rows.get(table)) for table in differing}


def test_every_point_stands_once_in_the_code_and_in_the_list() -> None:
    calls = Counter[str]()
    for path in Path(miraikakaku_assets.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id == "fault_point"
            ):
                (name,) = node.args
                assert isinstance(name, ast.Constant), f"{path}:{node.lineno} names its point by no literal"
                calls[str(name.value)] += 1
    assert calls == dict.fromkeys(POINTS, 1)


def test_every_point_is_passed_by_one_work() -> None:
    passed = Counter(point for work in WORKS.values() for point in work.points)
    assert passed == dict.fromkeys(POINTS, 1)
