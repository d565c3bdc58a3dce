"""Who may ask, how often, and what nobody may send."""

import http.client
import json
import socket
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.faces.api import server
from miraikakaku_assets.faces.api.keys import keys_of, require_keys
from miraikakaku_assets.settings import Settings
from miraikakaku_assets_tests.support.api import Api, serving
from miraikakaku_assets_tests.support.patience import PATIENCE

ALL, READER = "all-key-3f9a", "reader-key-77b1"
NO_KEY = {
    "success": False,
    "error": "UNAUTHORIZED",
    "message": "APIキーが不正です。ヘッダ 'X-API-KEY' を設定してください",
}
JOBS = "/api/bulk/jobs"


def key_file(folder: Path, *lines: str, mode: int = 0o600) -> Path:
    path = folder / "keys"
    path.write_text("\n".join(lines), encoding="utf-8")
    path.chmod(mode)
    return path


def line(name: str, key: str, scopes: str) -> str:
    return f"{name} {sha256(key.encode()).hexdigest()} {scopes}  # a remark"


@pytest.fixture
def keyed(tmp_path: Path, installed_url: str) -> Iterator[Api]:
    keys = key_file(tmp_path, "# name sha256 scopes", line("reader", READER, "read"))
    with serving(tmp_path, installed_url, api_key=ALL, api_keys_file=keys, rate_limit_per_minute=3) as api:
        yield api


def test_a_key_says_what_may_be_done(keyed: Api) -> None:
    def status(method: str, path: str, key: str | None) -> int:
        headers = {} if key is None else {b"X-API-KEY": key.encode()}
        return keyed.client.request(method, path, headers=headers).status_code

    assert keyed.get(JOBS).json() == NO_KEY
    assert status("GET", JOBS, None) == 401
    assert status("GET", JOBS, ALL + "x") == 401
    assert status("GET", JOBS, "ключ") == 401
    assert status("GET", JOBS, READER) == 200
    assert status("POST", "/api/bulk/stop/job-1", READER) == 403
    assert status("POST", "/api/bulk/stop/job-1", ALL) == 404
    assert status("GET", "/no/such/path", None) == 401
    assert status("GET", "/health", None) == 200
    for headers, refused in (({}, 401), ({"X-API-KEY": READER}, 404)):
        with (
            pytest.raises(InvalidStatus) as denied,
            connect(f"{keyed.web_socket}/ws/bulk/job-1", additional_headers=headers),
        ):
            pass
        assert denied.value.response.status_code == refused
        assert json.loads(denied.value.response.body or b"{}")["success"] is False


def test_each_key_has_its_own_limit_that_all_processes_share(
    keyed: Api, tmp_path: Path, installed_url: str
) -> None:
    with serving(tmp_path, installed_url, api_key=ALL, rate_limit_per_minute=3) as second:
        answers = [api.get(JOBS, headers={"X-API-KEY": ALL}) for api in (keyed, second, keyed, second)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["RateLimit"].split(";")[1] for answer in answers] == ["r=2", "r=1", "r=0", "r=0"]
    assert answers[0].headers["RateLimit-Policy"] == '"default";q=3;w=60'
    assert answers[3].json() == {
        "success": False,
        "error": "RATE_LIMIT_EXCEEDED",
        "message": "レート制限を超過しました。しばらく待って再試行してください",
    }
    assert 1 <= int(answers[3].headers["Retry-After"]) <= 20
    assert keyed.get(JOBS, headers={"X-API-KEY": READER}).status_code == 200
    # By the database's clock a third of a minute is one request.
    keyed.execute(
        "UPDATE miraikakaku.rate_limits SET next_free = next_free - interval '20 s' WHERE name = 'api:default'"
    )
    again = [keyed.get(JOBS, headers={"X-API-KEY": ALL}).status_code for _ in range(2)]
    assert again == [200, 429]


@pytest.mark.parametrize(
    ("written", "mode", "sentence"),
    [
        ("reader abc read", 0o600, "no SHA-256"),
        (line("reader", READER, "write"), 0o600, "read or operate"),
        ("reader", 0o600, "line 1"),
        ("", 0o600, "no key"),
        (line("reader", READER, "read"), 0o644, "chmod 600"),
        (f"{line('a', READER, 'read')}\n{line('a', ALL, 'read')}", 0o600, "twice"),
    ],
)
def test_a_wrong_file_of_keys_is_refused(tmp_path: Path, written: str, mode: int, sentence: str) -> None:
    settings = Settings(_env_file=None, api_keys_file=key_file(tmp_path, written, mode=mode))

    with pytest.raises(ConfigurationError, match=sentence) as refused:
        keys_of(settings)
    assert READER not in str(refused.value)


def test_without_a_key_nobody_from_elsewhere_may_ask(tmp_path: Path, installed_url: str) -> None:
    with serving(tmp_path, installed_url) as api:
        for headers in ({"Host": "prices.example"}, {"Origin": "https://evil.example"}):
            assert api.get(JOBS, headers=headers).status_code == 403
        assert api.get(JOBS, headers={"Origin": f"http://localhost:{api.port}"}).status_code == 200
        require_keys(api.ports.settings, "127.0.0.1", "API")
        with pytest.raises(ConfigurationError, match=r"--host 0\.0\.0\.0"):
            require_keys(api.ports.settings, "0.0.0.0", "API")  # noqa: S104


def test_the_time_of_a_comparison_does_not_depend_on_the_key(tmp_path: Path) -> None:
    compared: list[int] = []
    names = [line(f"k{number}", str(number), "read") for number in range(20)]
    keys = keys_of(Settings(_env_file=None, api_keys_file=key_file(tmp_path, *names)))
    with pytest.MonkeyPatch.context() as patch:

        def counting(first: bytes, second: bytes) -> bool:
            compared.append(1)
            return first == second

        patch.setattr("miraikakaku_assets.faces.api.keys.hmac.compare_digest", counting)
        found = [keys.find(key) for key in ("0", "19", "none", None)]

    assert [key and key.name for key in found] == ["k0", "k19", None, None]
    assert len(compared) == 4 * 20


def test_what_is_too_large_or_no_json_is_refused(tmp_path: Path, installed_url: str) -> None:
    with serving(tmp_path, installed_url) as api:
        large = api.post("/api/bulk/start", content=b"x" * (2 * 1024 * 1024 + 1))
        chunked = api.post("/api/bulk/start", content=(b"x" * 65536 for _ in range(40)))
        nested = api.post(
            "/api/bulk/start", content=b"[" * 100_000, headers={"Content-Type": "application/json"}
        )
        lost = api.get("/no/such/path")
        wrong = api.get(JOBS, params={"limit": "many"})
        method = api.client.put(JOBS)

    assert [answer.status_code for answer in (large, chunked)] == [413, 413]
    assert [nested.status_code, nested.json()["error"]] == [400, "VALIDATION_ERROR"]
    assert [lost.status_code, lost.json()["error"]] == [404, "NOT_FOUND"]
    assert [wrong.status_code, wrong.json()["message"]] == [400, "'limit' の値が正しくありません"]
    assert [method.status_code, method.json()["error"]] == [405, "METHOD_NOT_ALLOWED"]


@pytest.mark.slow
def test_who_dribbles_headers_or_a_body_is_left(
    tmp_path: Path, installed_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_HEADER_SECONDS", 0.5)
    monkeypatch.setattr("miraikakaku_assets.faces.api.guard._BODY_SECONDS", 0.5)
    with serving(tmp_path, installed_url) as api:
        with socket.create_connection(("127.0.0.1", api.port), timeout=PATIENCE) as dribbling:
            dribbling.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
            assert dribbling.recv(100) == b""  # closed, however long the client would go on
        client = http.client.HTTPConnection("127.0.0.1", api.port, timeout=PATIENCE)
        client.putrequest("POST", "/api/bulk/start")
        client.putheader("Content-Length", "100")
        client.putheader("Content-Type", "application/json")
        client.endheaders(b"{")
        answer = client.getresponse()
        assert (answer.status, json.load(answer)["error"]) == (408, "REQUEST_TIMEOUT")
        client.close()
        assert api.get("/health").status_code == 200


def test_without_a_database_the_answer_says_so_and_health_goes_on(tmp_path: Path, installed_url: str) -> None:
    nowhere = "postgresql://reader:hunter2@127.0.0.1:9/prices"
    with serving(tmp_path, nowhere) as api:
        down = api.get("/api/bulk/status/job-1")
        health = api.get("/health")

    assert (down.status_code, down.json()["error"]) == (503, "SERVICE_UNAVAILABLE")
    assert down.headers["Retry-After"] == "5"
    assert "hunter2" not in down.text
    assert health.status_code == 200
    assert health.json() == {
        "success": False,
        "status": "degraded",
        "services": {"database": "down", "dagster": "down"},
    }


def test_without_dagster_only_what_needs_it_is_unavailable(tmp_path: Path, installed_url: str) -> None:
    with serving(tmp_path, installed_url) as api:
        update, jobs = api.post("/api/stock-master/update"), api.get(JOBS)

    assert (update.status_code, jobs.status_code) == (503, 200)
    assert "Dagster" in update.json()["message"]


def test_a_thousand_requests_of_a_high_limit_are_all_granted(tmp_path: Path, installed_url: str) -> None:
    with serving(tmp_path, installed_url, rate_limit_per_minute=6000) as api:
        begun = time.monotonic()
        statuses = [api.get(JOBS).status_code for _ in range(300)]
        assert statuses == [200] * 300
        left = int(
            httpx.get(f"http://127.0.0.1:{api.port}{JOBS}").headers["RateLimit"].split("r=")[1].split(";")[0]
        )
        earned = (time.monotonic() - begun) * 100
        assert 6000 - 301 - 200 <= left <= 6000 - 301 + earned + 1
