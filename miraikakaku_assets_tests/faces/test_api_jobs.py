"""Bulk jobs over HTTP: the specification's examples, field by field, on a real database."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from miraikakaku_assets_tests.support.api import Api, serving

TOYOTA, SONY = ("jp", "7203", "7203.T", "トヨタ自動車"), ("jp", "6758", "6758.T", "ソニーグループ")
START = {"symbols": ["7203.T", "6758.T"], "interval": "1d", "period": "1mo"}
NO_KEY = {
    "success": False,
    "error": "UNAUTHORIZED",
    "message": "APIキーが不正です。ヘッダ 'X-API-KEY' を設定してください",
}


@pytest.fixture
def api(tmp_path: Path, installed_url: str) -> Iterator[Api]:
    with serving(tmp_path, installed_url) as running:
        running.list_issues(TOYOTA, SONY)
        yield running


def test_a_job_is_accepted_and_shown_as_the_specification_has_it(api: Api) -> None:
    answer = api.post("/api/bulk/start", json=START)
    job_id = answer.json()["job_id"]

    assert answer.status_code == 202
    assert answer.json() == {"success": True, "job_id": job_id, "status": "accepted"}
    assert re.fullmatch(r"job-\d{13}", job_id)
    assert answer.headers["Location"] == f"/api/bulk/status/{job_id}"
    assert answer.headers["Retry-After"] == "1"

    shown = api.get(answer.headers["Location"])
    job = shown.json()["job"]
    progress = {"total": 2, "processed": 0, "successful": 0, "failed": 0, "progress_percentage": 0.0}
    assert shown.status_code == 200
    assert shown.json() == {
        "success": True,
        "job": {
            "id": job_id,
            "status": "running",
            "progress": progress,
            "created_at": job["created_at"],
            "updated_at": job["updated_at"],
        },
    }
    assert job["created_at"] == pytest.approx(int(job_id.removeprefix("job-")) / 1000, abs=60)

    stopped = api.post(f"/api/bulk/stop/{job_id}").json()
    assert stopped["message"] == "キャンセルを受け付けました"
    assert stopped["job"] == job | {"status": "cancel_requested", "updated_at": stopped["job"]["updated_at"]}


@pytest.mark.parametrize("symbols", [None, [], "7203.T", [7203], [["7203.T"]]])
def test_symbols_that_are_no_list_of_text_are_refused(api: Api, symbols: object) -> None:
    answer = api.post("/api/bulk/start", json={"symbols": symbols})

    assert answer.status_code == 400
    assert answer.json() == {
        "success": False,
        "error": "VALIDATION_ERROR",
        "message": "'symbols' は文字列リストで指定してください",
    }


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"symbols": ["7203.T"], "interval": "7m"}, "interval"),
        ({"symbols": ["7203.T"], "period": "soon"}, "period"),
        ({"symbols": ["7203.T"], "period": 5}, "period"),
        ({"symbols": ["'; DROP TABLE bulk_jobs"]}, "symbols"),
        ({"symbols": ["７２０３.T"]}, "symbols"),
        ({"symbols": ["ABSENT"]}, "ABSENT"),
        ([], "JSON"),
    ],
)
def test_what_is_wrong_is_named(api: Api, body: object, word: str) -> None:
    answer = api.post("/api/bulk/start", json=body)

    assert answer.status_code == 400
    assert word in answer.json()["message"]
    assert api.rows("SELECT count(*) FROM miraikakaku.bulk_jobs") == [(0,)]


def test_unknown_symbols_are_named_and_codes_of_tokyo_are_symbols(api: Api) -> None:
    answer = api.post("/api/bulk/start", json={"symbols": ["7203", "7203.T", "9999.T"]}).json()

    assert answer["unknown_symbols"] == ["9999.T"]
    assert api.rows("SELECT symbols, total FROM miraikakaku.bulk_jobs") == [({"jp": ["7203.T", "9999.T"]}, 2)]


def test_ten_thousand_symbols_are_one_job(api: Api) -> None:
    api.execute(
        "INSERT INTO miraikakaku.instruments (symbol, universe, kind, currency, price_unit, calendar)"
        " SELECT 'S' || n, 'us', 'stock', 'USD', 'USD per share', 'XNYS' FROM generate_series(1, 9998) AS n"
    )
    symbols = ["7203.T", "6758.T", *(f"S{number}" for number in range(1, 9999))]

    answer = api.post("/api/bulk/start", json={"symbols": symbols})

    assert answer.status_code == 202
    shown = api.get(f"/api/bulk/status/{answer.json()['job_id']}").json()["job"]
    assert shown["progress"]["total"] == 10_000


@pytest.mark.parametrize("verb", ["stop", "pause", "resume"])
def test_a_job_that_is_not_there(api: Api, verb: str) -> None:
    absent = {"success": False, "error": "NOT_FOUND", "message": "指定されたジョブが見つかりません"}

    for answer in (api.get("/api/bulk/status/job-1"), api.post(f"/api/bulk/{verb}/job-1")):
        assert answer.status_code == 404
        assert answer.json() == absent


def test_who_accepts_problems_gets_them(api: Api) -> None:
    answer = api.get("/api/bulk/status/job-1", headers={"Accept": "application/problem+json"})

    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json() == {
        "type": "urn:miraikakaku:error:not-found",
        "title": "Not Found",
        "status": 404,
        "detail": "指定されたジョブが見つかりません",
        "instance": "/api/bulk/status/job-1",
        "code": "NOT_FOUND",
    }


def test_a_repeated_request_is_one_job(api: Api) -> None:
    headers = {"Idempotency-Key": "nightly-1"}
    first = api.post("/api/bulk/start", json=START, headers=headers)
    again = api.post("/api/bulk/start", json=dict(reversed(START.items())), headers=headers)
    other = api.post("/api/bulk/start", json=START | {"period": "1y"}, headers=headers)

    assert (again.status_code, again.json()) == (202, first.json())
    assert (other.status_code, other.json()["error"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert api.rows("SELECT count(*) FROM miraikakaku.bulk_jobs") == [(1,)]


def test_a_key_in_flight_is_told_so(api: Api) -> None:
    with api.ports.opened.engine.begin() as connection:  # the same lock as a request that is being accepted
        lock = "SELECT pg_advisory_xact_lock(20251133, hashtext('anonymous\nnightly-1'))"
        connection.exec_driver_sql(lock)
        answer = api.post("/api/bulk/start", json=START, headers={"Idempotency-Key": "nightly-1"})

    assert (answer.status_code, answer.json()["error"]) == (409, "REQUEST_IN_FLIGHT")


def test_starts_at_once_are_as_many_jobs(api: Api) -> None:
    with ThreadPoolExecutor(20) as clients:
        answers = list(clients.map(lambda _: api.post("/api/bulk/start", json=START), range(100)))

    assert {answer.status_code for answer in answers} == {202}
    listed = api.get("/api/bulk/jobs", params={"limit": 1000}).json()
    assert listed["total"] == 100
    assert {job["id"] for job in listed["jobs"]} == {answer.json()["job_id"] for answer in answers}
    assert [job["id"] for job in listed["jobs"]] == sorted(
        (job["id"] for job in listed["jobs"]), reverse=True
    )


def test_a_job_is_paused_resumed_and_stopped_once(api: Api) -> None:
    job_id = api.post("/api/bulk/start", json=START).json()["job_id"]

    def asked(verb: str) -> tuple[int, str]:
        answer = api.post(f"/api/bulk/{verb}/{job_id}")
        return answer.status_code, answer.json()["job"]["status"] if answer.is_success else answer.json()[
            "error"
        ]

    assert asked("pause") == (200, "paused")
    assert asked("pause") == (200, "paused")
    assert asked("resume") == (200, "running")
    assert asked("resume") == (200, "running")
    assert asked("stop") == (200, "cancel_requested")
    assert asked("stop") == (200, "cancel_requested")
    assert asked("pause") == (409, "CONFLICT")
    assert asked("resume") == (409, "CONFLICT")
    assert [job["status"] for job in api.get("/api/bulk/jobs?status=cancel_requested").json()["jobs"]] == [
        "cancel_requested"
    ]
    assert api.get("/api/bulk/jobs?status=running").json() == {"success": True, "total": 0, "jobs": []}
