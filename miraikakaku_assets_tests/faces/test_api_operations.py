"""What somebody who looks after the installation does over HTTP, in roles that may do no more than that."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.security.roles import API, READER, grant_roles, url_of
from miraikakaku_assets.application.monitoring.asset_health import (
    AssetHealth,
    AssetSnapshot,
    AssetState,
    Partitions,
)
from miraikakaku_assets.bootstrap import Ports, Role
from miraikakaku_assets.settings import Settings
from miraikakaku_assets_tests.support.api import Api, serving
from miraikakaku_assets_tests.support.databases import INSTALLED, fresh_database
from miraikakaku_assets_tests.support.moments import NOW

pytestmark = pytest.mark.slow
ALERT = """
INSERT INTO miraikakaku.alerts (key, severity, kind, universe, title, message, details, raised_at, last_seen_at,
    is_condition, told_at, plan_due_at)
VALUES ('{key}', '{severity}', 'cycle', 'fx', 'a title', 'a message', '{{}}', now(), now(), true, now(), now())"""


@pytest.fixture(scope="module")
def api(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """In the narrow roles, as the embedded server is used; `execute` and `rows` are the owner's."""
    with fresh_database(server_url, INSTALLED) as url:
        owner = Database(url)
        grant_roles(owner)
        narrow = {
            "database_reader_url": url_of(owner, READER),
            "database_api_url": url_of(owner, API),
        }
        owner.close()
        with serving(tmp_path_factory.mktemp("api"), url, **narrow) as running:
            running.list_issues(("jp", "7203", "7203.T", "トヨタ自動車"))
            for key, severity in (("cycle/fx/late", "CRITICAL"), ("cycle/fx/[odd]*", "WARNING")):
                running.execute(ALERT.format(key=key, severity=severity))
            yield running


def numbers(api: Api, **query: object) -> list[int]:
    return [alert["id"] for alert in api.get("/api/alerts", params=query).json()["alerts"]]


def test_alerts_are_filtered_and_paged(api: Api) -> None:
    late, odd = numbers(api)

    assert numbers(api, level="medium") == numbers(api, severity="WARNING") == [odd]
    assert numbers(api, key="cycle/*/late") == [late]
    assert numbers(api, universe="jp") == numbers(api, symbol="x\0") == []
    page = api.get("/api/alerts", params={"limit": 1, "offset": 1}).json()
    assert (page["total"], [alert["id"] for alert in page["alerts"]]) == (2, [odd])
    assert api.get("/api/alerts", params={"state": "sleepy"}).status_code == 400


def test_an_alert_is_taken_on_and_silenced(api: Api) -> None:
    late, odd = numbers(api)

    taken = api.post(f"/api/alerts/{late}/acknowledge", json={"note": "調査中\0"})
    silenced = api.post(f"/api/alerts/{odd}/silence", json={"for": "2h", "note": "on purpose"})

    assert (taken.status_code, taken.json()["alert"]["state"]) == (200, "acknowledged"), taken.text
    assert api.rows(f"SELECT acknowledged_note FROM miraikakaku.alerts WHERE id = {late}") == [("調査中",)]
    assert silenced.json()["silence"]["key"] == "cycle/fx/[odd]*"
    ends = "SELECT key, ends_at - starts_at FROM miraikakaku.alert_silences"
    assert api.rows(ends) == [("cycle/fx/[[]odd][*]", timedelta(hours=2))]
    assert numbers(api, state="silenced") == [odd]
    for path, body, status in (
        ("/api/alerts/999999/acknowledge", {}, 404),
        ("/api/alerts/999999/silence", {"for": "1h"}, 404),
        (f"/api/alerts/{late}/silence", {"for": "for ever"}, 400),
        (f"/api/alerts/{late}/silence", {"for": "9999d"}, 400),
        (f"/api/alerts/{late}/silence", {}, 400),
        ("/api/alerts/../acknowledge", {}, 404),
    ):
        assert api.post(path, json=body).status_code == status, path
    api.execute(f"UPDATE miraikakaku.alerts SET resolved_at = now() WHERE id = {late}")
    assert api.post(f"/api/alerts/{late}/acknowledge").status_code == 409


def test_a_repair_says_what_it_would_ask_for_and_needs_dagster_to_begin(api: Api) -> None:
    wanted = {"symbols": ["7203.T"], "from": "2026-11-02", "limit": 5}

    planned = api.post("/api/coverage/repair", json={**wanted, "dry_run": True})
    begun = api.post("/api/coverage/repair", json=wanted)

    nothing = {"checked_at": None, "gaps": 0, "requests": 0, "skipped": {}}
    assert (planned.status_code, planned.json()["planned"]) == (200, nothing), planned.text
    assert (begun.status_code, begun.json()["error"]) == (503, "SERVICE_UNAVAILABLE")
    for body in ({"universe": "mars"}, {"causes": ["boredom"]}, {"timeframe": "1w"}, {"limit": -1}):
        assert api.post("/api/coverage/repair", json=body).status_code == 400, body


def test_the_health_of_assets_is_that_of_the_newest_look(api: Api) -> None:
    assert api.get("/api/asset-health").status_code == 404
    well = AssetHealth("jp/prices_1d", AssetState.HEALTHY, (), Partitions(10, 10, 0))
    broken = AssetHealth("us/coverage", AssetState.DEGRADED, ("its newest run failed",), None)
    older = AssetSnapshot(NOW - timedelta(hours=1), [well])
    api.ports.asset_health_snapshot.replace(AssetSnapshot(NOW, [well, broken]))
    api.ports.asset_health_snapshot.replace(older)  # a sensor that was held up

    answer = api.get("/api/asset-health").json()

    assert (answer["as_of"], answer["is_current"]) == (NOW.strftime("%Y-%m-%dT%H:%M:%SZ"), True)
    assert answer["groups"] == {"jp": "Healthy", "us": "Degraded"}
    assert [asset["asset"] for asset in answer["assets"]] == ["us/coverage", "jp/prices_1d"]
    assert answer["assets"][1]["partitions"]["materialized"] == 10
    assert [asset["asset"] for asset in api.get("/api/asset-health?group=jp").json()["assets"]] == [
        "jp/prices_1d"
    ]


def test_metrics_are_those_of_the_installation_and_of_this_process(api: Api) -> None:
    text = api.get("/metrics").text

    for line in (
        'miraikakaku_table_size_bytes{schema="miraikakaku",table="price_bars"}',
        'miraikakaku_bulk_jobs{state="accepted"}',
        "miraikakaku_api_watchers 0",
    ):
        assert line in text, text


def test_whoever_reads_tables_cannot_write(api: Api, tmp_path: Path, installed_url: str) -> None:
    unnamed = Ports(Settings(_env_file=None, miraikakaku_home=tmp_path, database_url=installed_url))  # type: ignore[arg-type]
    for use, state in ((api.ports, "42501"), (unnamed, "25006")):
        reading = Ports(use.narrow_settings(Role.READER))
        with pytest.raises(DBAPIError) as refused, reading.opened.engine.begin() as connection:
            connection.exec_driver_sql("DELETE FROM miraikakaku.price_bars")
        assert {getattr(refused.value.orig, "pgcode", None)} <= {state, "25006"}
        reading.opened.close()
    unnamed.opened.close()
    who = make_url(str(api.ports.narrow_settings(Role.READER).database_url.get_secret_value()))  # type: ignore[union-attr]
    assert who.username == READER


def test_a_job_is_accepted_in_the_role_of_the_api(api: Api) -> None:
    started = api.post("/api/bulk/start", json={"symbols": ["7203.T"]})
    assert started.status_code == 202
    job = started.json()["job_id"]
    assert api.post(f"/api/bulk/pause/{job}").json()["job"]["status"] == "paused"
    roles = "SELECT DISTINCT usename FROM pg_stat_activity WHERE application_name = 'miraikakaku api'"
    assert (API,) in api.rows(roles)
