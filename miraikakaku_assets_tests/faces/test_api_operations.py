"""What somebody who looks after the installation does over HTTP, in roles that may do no more than that."""

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import httpx
import polars as pl
import pytest
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.maintenance.rows import PostgresOldRows
from miraikakaku_assets.adapters.storage.security.roles import API, READER, grant_roles, url_of
from miraikakaku_assets.application.bulk.results import write_results
from miraikakaku_assets.application.ports.jobs import JobState
from miraikakaku_assets.application.ports.notices import NewAlert, Severity
from miraikakaku_assets.application.ports.operations.assets import (
    AssetHealth,
    AssetSnapshot,
    AssetState,
    Partitions,
)
from miraikakaku_assets.application.ports.operations.maintenance import JOBS
from miraikakaku_assets.bootstrap import Ports, Role
from miraikakaku_assets.settings import Settings
from miraikakaku_assets_tests.support.api import NOWHERE, Api, serving
from miraikakaku_assets_tests.support.databases import INSTALLED, fresh_database
from miraikakaku_assets_tests.support.moments import NOW
from miraikakaku_assets_tests.support.patience import PATIENCE

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def api(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """In the narrow roles, as the embedded server is used; `execute` and `rows` are the owner's."""
    with fresh_database(server_url, INSTALLED) as url:
        owner = Database(url)
        grant_roles(owner)
        options = {
            "database_reader_url": url_of(owner, READER),
            "database_api_url": url_of(owner, API),
            "miraikakaku_now": NOW,  # also of the processes that it starts
            "yahoo_base_url": NOWHERE,
        }
        owner.close()
        with serving(tmp_path_factory.mktemp("api"), url, **options) as running:
            running.list_issues(("jp", "7203", "7203.T", "トヨタ自動車"))
            raised = [
                NewAlert(key, severity, "cycle", "a title", "the facts", "fx")
                for key, severity in (
                    ("cycle/fx/late", Severity.CRITICAL),
                    ("cycle/fx/[odd]*", Severity.WARNING),
                )
            ]
            running.ports.notices.alerts.raise_conditions(raised, NOW)
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
    (kept,) = api.ports.notices.responding.silences.listed(ending_after=None)
    assert (kept.matcher.key, kept.ends_at - kept.starts_at) == ("cycle/fx/[[]odd][*]", timedelta(hours=2))
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

    nothing: dict[str, object] = {"checked_at": None, "gaps": 0, "requests": 0, "skipped": {}}
    assert (planned.status_code, planned.json()["planned"]) == (200, nothing), planned.text
    assert (begun.status_code, begun.json()["error"]) == (503, "SERVICE_UNAVAILABLE")
    for body in ({"universe": "mars"}, {"causes": ["boredom"]}, {"timeframe": "1w"}, {"limit": -1}):
        assert api.post("/api/coverage/repair", json=body).status_code == 400, body


def test_the_health_of_assets_is_that_of_the_newest_look(api: Api) -> None:
    assert api.get("/api/asset-health").status_code == 404
    well = AssetHealth("jp/prices_1d", AssetState.HEALTHY, (), Partitions(10, 10, 0))
    broken = AssetHealth("us/coverage", AssetState.DEGRADED, ("its newest run failed",), None)
    older = AssetSnapshot(NOW - timedelta(hours=1), [well])
    api.ports.operations.asset_health_snapshot.replace(AssetSnapshot(NOW, [well, broken]))
    api.ports.operations.asset_health_snapshot.replace(older)  # a sensor that was held up

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
    unnamed = Ports(Settings(_env_file=None, miraikakaku_home=tmp_path, database_url=installed_url))
    for use, state in ((api.ports, "42501"), (unnamed, "25006")):
        reading = Ports(use.roles.narrow_settings(Role.READER))
        with pytest.raises(DBAPIError) as refused, reading.opened.engine.begin() as connection:
            connection.exec_driver_sql("DELETE FROM miraikakaku.price_bars")
        assert {getattr(refused.value.orig, "pgcode", None)} <= {state, "25006"}
        reading.opened.close()
    unnamed.opened.close()
    who = make_url(str(api.ports.roles.narrow_settings(Role.READER).database_url.get_secret_value()))  # type: ignore[union-attr]
    assert who.username == READER


def test_a_job_is_accepted_in_the_role_of_the_api(api: Api) -> None:
    started = api.post("/api/bulk/start", json={"symbols": ["7203.T"]})
    assert started.status_code == 202
    job = started.json()["job_id"]
    assert api.post(f"/api/bulk/pause/{job}").json()["job"]["status"] == "paused"
    roles = "SELECT DISTINCT usename FROM pg_stat_activity WHERE application_name = 'miraikakaku api'"
    assert (API,) in api.rows(roles)


def test_the_files_of_a_job_are_those_of_its_list_until_they_expire(api: Api) -> None:
    job = api.post("/api/bulk/start", json={"symbols": ["7203.T", "NOBODY"]}).json()["job_id"]
    files = f"/api/bulk/files/{job}"
    assert (api.get(files).json()["state"], api.get(files).json()["files"]) == ("queued", [])
    write_results(job, api.ports.stores.results)
    assert write_results(job, api.ports.stores.results) == ()
    api.ports.stores.job_queue.finish(job, JobState.COMPLETED)

    listed = api.get(files).json()
    (entry,) = listed["files"]
    whole = api.get(entry["url"])

    assert (listed["state"], entry["universe"], entry["rows"]) == ("ready", "jp", 0)
    assert (len(whole.content), sha256(whole.content).hexdigest()) == (entry["size"], entry["sha256"])
    assert pl.read_parquet(BytesIO(whole.content)).columns[:2] == ["symbol", "session"]
    part = api.get(entry["url"], headers={"Range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, b"PAR1")
    assert api.get(entry["url"], headers={"If-None-Match": whole.headers["ETag"]}).status_code == 304
    for name in ("../home", "..%2F..%2Fhome", "%2Fetc%2Fpasswd", "x.parquet", f"{entry['name']}%00"):
        assert api.get(f"{files}/{name}").status_code == 404, name
    api.execute(
        f"UPDATE miraikakaku.bulk_jobs SET results_at = '{NOW - timedelta(days=8)}' WHERE id = '{job}'"
    )
    assert (api.get(files).json()["state"], api.get(files).json()["files"]) == ("expired", [])
    assert api.get(entry["url"]).status_code == 410
    leave = PostgresOldRows(api.ports.opened)
    assert sum(leave.prune(JOBS, NOW - timedelta(days=1))) == 0  # it has ended just now
    api.execute(
        f"UPDATE miraikakaku.bulk_jobs SET ended_at = '{NOW - timedelta(days=31)}' WHERE id = '{job}'"
    )
    assert sum(leave.prune(JOBS, NOW - timedelta(days=30))) == 2
    assert api.get(files).status_code == 404


def test_what_a_client_has_is_not_sent_again(api: Api) -> None:
    job = api.post("/api/bulk/start", json={"symbols": ["7203.T"]}).json()["job_id"]
    for path in (
        f"/api/bulk/manifest/{job}",
        f"/api/bulk/files/{job}",
        "/api/bulk/jobs?status=completed",  # those under way change
        "/api/coverage/gaps",
        "/api/stock-master/updates",
        "/api/alerts?standing=false",
    ):
        whole = api.get(path)
        again = api.get(path, headers={"If-None-Match": whole.headers["ETag"]})
        assert (whole.status_code, again.status_code, again.content) == (200, 304, b""), path


_WRITE_AND_BE_KILLED = """
import os, signal, sys
from sqlalchemy import event
from miraikakaku_assets.application.bulk.results import write_results
from miraikakaku_assets.bootstrap import ports

def kill(connection, cursor, statement, *_):
    if "INSERT INTO miraikakaku.bulk_job_files" in statement:
        os.kill(os.getpid(), signal.SIGKILL)

event.listen(ports().opened.engine, "before_cursor_execute", kill)
write_results(sys.argv[1], ports().stores.results)
"""


def test_killed_between_a_file_and_its_row_a_job_has_all_its_files_after_the_next_look(api: Api) -> None:
    job = api.post("/api/bulk/start", json={"symbols": ["7203.T"]}).json()["job_id"]
    settings = api.ports.settings
    environment = os.environ | {
        "DATABASE_URL": settings.database_url.get_secret_value() if settings.database_url else "",
        "MIRAIKAKAKU_HOME": str(settings.home),
    }
    command = [sys.executable, "-c", _WRITE_AND_BE_KILLED, job]
    killed = subprocess.run(command, env=environment, cwd=settings.home, timeout=PATIENCE, check=False)
    api.ports.stores.job_queue.finish(job, JobState.COMPLETED)

    assert killed.returncode == -signal.SIGKILL
    (file,) = (settings.home / "results").glob(f"{job}.*.parquet")
    assert (api.get(f"/api/bulk/files/{job}").json()["state"]) == "processing"
    assert api.get(f"/api/bulk/files/{job}/{file.name}").status_code == 404  # it may be half of what there is
    assert job in api.ports.stores.job_queue.without_results(100, timedelta(minutes=1))
    away = timedelta(days=3)  # over a weekend on which the machine is off
    api.execute(
        f"UPDATE miraikakaku.bulk_jobs SET ended_at = ended_at - interval '{away}' WHERE id = '{job}'"
    )
    assert job not in api.ports.stores.job_queue.without_results(100, away)
    assert job in api.ports.stores.job_queue.without_results(100, api.ports.serving.results_kept)

    write_results(job, api.ports.stores.results)

    (entry,) = api.get(f"/api/bulk/files/{job}").json()["files"]
    whole = api.get(entry["url"]).content
    assert (entry["name"], sha256(whole).hexdigest()) == (file.name, entry["sha256"])


HOSTILE = (
    "' OR 1=1 --",
    "7203.T'; DROP TABLE miraikakaku.bulk_jobs; --",
    "..%2f..%2f..%2fetc%2fpasswd",
    "%00",
    "%%0000",
    "\u202e7203.T",
    "７２０３．Ｔ",
    "%ff%fe",
    "💣" * 40,
    "{{7*7}}",
)


def test_what_is_hostile_is_refused_in_order(api: Api) -> None:
    for text in HOSTILE:
        for path in (
            f"/api/prices/{text}",
            f"/api/bulk/status/{text}",
            f"/api/bulk/files/{text}/{text}",
            f"/api/coverage/repair/{text}",
            f"/api/coverage/gaps?symbol={text}&cause={text}",
            f"/api/alerts?key={text}&symbol={text}",
            f"/api/stock-master/list?q={text}&sector={text}",
        ):
            assert api.get(path).status_code < 500, path
        body = {"symbols": [text], "interval": text, "period": text}
        assert api.post("/api/bulk/start", json=body).status_code == 400, text
        assert api.post("/api/coverage/repair", json={"universe": text}).status_code == 400, text
    assert api.rows("SELECT count(*) FROM miraikakaku.instruments") == [(1,)]


def test_a_thousand_starts_at_once_are_all_kept(api: Api) -> None:
    count = "SELECT count(*)::int FROM miraikakaku.bulk_jobs"
    (before,) = api.rows(count)[0]

    async def starts() -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=200)
        base = f"http://127.0.0.1:{api.port}"
        async with httpx.AsyncClient(base_url=base, timeout=PATIENCE, limits=limits) as client:
            asked = (client.post("/api/bulk/start", json={"symbols": ["7203.T"]}) for _ in range(1000))
            return list(await asyncio.gather(*asked))

    answers = asyncio.run(starts())

    statuses = Counter(answer.status_code for answer in answers)
    assert set(statuses) <= {202, 429, 503}, statuses
    accepted = {answer.json()["job_id"] for answer in answers if answer.status_code == 202}
    assert len(accepted) == statuses[202] > 0
    kept = {row[0] for row in api.rows("SELECT id FROM miraikakaku.bulk_jobs")}
    assert accepted <= kept
    assert api.rows(count) == [(before + statuses[202],)]
