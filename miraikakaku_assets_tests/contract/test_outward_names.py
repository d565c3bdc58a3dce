"""The page of outward names says what is there: nothing works unlisted, nothing is listed as working in vain."""

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest
from fastapi.routing import APIWebSocketRoute
from pydantic import SecretStr
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from benchmarks.metrics import GOALS
from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.faces.api.app import ROUTERS, build_app
from miraikakaku_assets.orchestration.build import build_defs
from miraikakaku_assets.settings import Settings
from miraikakaku_assets_tests.support.command_tree import LEAVES

ROOT = Path(__file__).resolve().parents[2]
_CODE = re.compile(r"`([^`]+)`")
Row = dict[str, str]


@cache
def tables() -> dict[str, list[Row]]:
    """Rows of the page's tables by heading; the last table of a section follows as `heading, 2`."""
    rows: dict[str, list[Row]] = {}
    heading, heads, number = "", list[str](), 0
    for line in (ROOT / "docs" / "contract.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            heading, number = line.removeprefix("## "), 0
        if not line.startswith("|"):
            heads = []
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not heads:
            heads, number = cells, number + 1
            continue
        if not set("".join(cells)) <= {"-"}:
            name = heading if number == 1 else f"{heading}, {number}"
            rows.setdefault(name, []).append(dict(zip(heads, cells, strict=True)))
    return rows


def listed(table: str, column: str) -> dict[str, set[str]]:
    """State (`now`, `planned`) → names in a column of a table."""
    states: dict[str, set[str]] = {"now": set(), "planned": set()}
    for row in tables()[table]:
        states[row["state"]] |= set(_CODE.findall(row[column]))
    return states


def differences(there: Iterable[str], states: dict[str, set[str]]) -> list[str]:
    """What the page and the program do not agree on, as sentences."""
    there = set(there)
    return [
        *(
            f"{name} is there, the page does not list it"
            for name in sorted(there - set().union(*states.values()))
        ),
        *(f"{name} is listed as working and is not there" for name in sorted(states["now"] - there)),
        *(f"{name} is listed as planned and is there" for name in sorted(states["planned"] & there)),
    ]


def test_commands_and_their_options() -> None:
    states: dict[str, set[str]] = {"now": set(), "planned": set()}
    for row in tables()["Commands"]:
        (command,), options = _CODE.findall(row["command"]), _CODE.findall(row["options"])
        # Options that a command will get later are a row of their own, beside that of the command.
        later = row["state"] == "planned" and tuple(command.split()) in LEAVES
        states[row["state"]] |= {f"{command} {option}" for option in options} | (
            set() if later and options else {command}
        )
    there = {
        " ".join((*path, *option))
        for path, command in LEAVES.items()
        for option in [
            (),
            *((name,) for parameter in command.params for name in parameter.opts if name[:2] == "--"),
        ]
    }

    assert differences(there, states) == []


def test_make_targets() -> None:
    targets = re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)

    assert differences(targets, listed("make", "target")) == []


def test_environment() -> None:
    assert differences(map(str.upper, Settings.model_fields), listed("Environment", "variables")) == []


def test_asset_keys_and_partitions() -> None:
    graph = build_defs().get_repository_def().asset_graph
    keys = {key: graph.get(key) for key in graph.get_all_asset_keys()}
    states: dict[str, set[str]] = {"now": set(), "planned": set(), "–": set()}
    for row in tables()["Assets"]:
        (name,) = _CODE.findall(row["asset"])
        for group, state in list(row.items())[1:]:
            states[state].add(f"{group}/{name}")
    del states["–"]

    assert differences((key.to_user_string() for key in keys), states) == []
    assert {node.group_name for node in keys.values()} == {key.path[0] for key in keys}
    partitions = {node.partitions_def.name for node in keys.values() if node.partitions_def}  # type: ignore[attr-defined]
    assert differences(partitions, listed("Assets, 2", "partitions")) == []


def test_schedules_with_their_hours() -> None:
    schedules = build_defs().get_repository_def().schedule_defs
    hours = {
        row["schedule"].strip("`"): (row["cron"].strip("`"), row["time zone"])
        for row in tables()["Schedules"]
        if row["state"] == "now"
    }

    assert differences((schedule.name for schedule in schedules), listed("Schedules", "schedule")) == []
    assert {
        schedule.name: (schedule.cron_schedule, schedule.execution_timezone) for schedule in schedules
    } == hours


def test_sensors() -> None:
    sensors = build_defs().get_repository_def().sensor_defs

    assert differences((sensor.name for sensor in sensors), listed("Sensors", "sensor")) == []


def test_tables(installed_url: str) -> None:
    engine = create_engine(make_url(installed_url).set(drivername="postgresql+psycopg2"))
    names = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'miraikakaku'"
    with engine.connect() as connection:
        there = set(connection.execute(text(names)).scalars()) - {"alembic_version"}
    engine.dispose()

    assert differences(there, listed("Tables", "tables")) == []


def test_routes_with_their_methods(tmp_path: Path) -> None:
    settings = Settings(
        _env_file=None, miraikakaku_home=tmp_path, database_url=SecretStr("postgresql://nobody@127.0.0.1:9/x")
    )
    app = build_app(Ports(settings))
    methods = {
        path: {method.upper() for method in operations} for path, operations in app.openapi()["paths"].items()
    }
    sockets = [
        route.path
        for module in ROUTERS
        for route in module.router.routes
        if isinstance(route, APIWebSocketRoute)
    ]
    there = methods | {path: {"WS"} for path in sockets}

    assert differences(there, listed("REST", "route")) == []
    now = {row["route"].strip("`"): {row["method"]} for row in tables()["REST"] if row["state"] == "now"}
    assert now == there


def test_benchmarks_with_their_units() -> None:
    units = {
        metric: row["unit"]
        for row in tables()["Benchmarks"]
        if row["state"] == "now"
        for metric in _CODE.findall(row["metrics"])
    }

    assert differences(GOALS, listed("Benchmarks", "metrics")) == []
    assert {name: goal.unit for name, goal in GOALS.items()} == units


@pytest.mark.parametrize(
    ("page", "table", "column"),
    [
        ("operations.md", "Schedules", "schedule"),
        ("operations.md", "Sensors", "sensor"),
        ("data-model.md", "Tables", "tables"),
        ("configuration.md", "Environment", "variables"),
    ],
)
def test_what_is_listed_is_described_on_its_page(page: str, table: str, column: str) -> None:
    described = set(_CODE.findall((ROOT / "docs" / page).read_text(encoding="utf-8")))

    assert listed(table, column)["now"] - described == set()


def test_every_route_is_described_on_the_page_of_the_api() -> None:
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")

    assert [route for route in sorted(listed("REST", "route")["now"]) if route not in page] == []


def test_every_asset_is_described_on_the_page_of_the_operators() -> None:
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    section = page.partition("## Assets\n")[2].partition("\n## ")[0]
    described = {line.split("`")[1] for line in section.splitlines() if line.startswith("| `")}
    there = {_CODE.findall(row["asset"])[0] for row in tables()["Assets"] if "now" in list(row.values())[1:]}

    assert described == there


@pytest.mark.parametrize(
    ("there", "now", "planned", "sentence"),
    [
        ({"new"}, set(), set(), "new is there, the page does not list it"),
        (set(), {"gone"}, set(), "gone is listed as working and is not there"),
        ({"early"}, set(), {"early"}, "early is listed as planned and is there"),
    ],
)
def test_each_difference_is_named(there: set[str], now: set[str], planned: set[str], sentence: str) -> None:
    assert differences(there, {"now": now, "planned": planned}) == [sentence]
