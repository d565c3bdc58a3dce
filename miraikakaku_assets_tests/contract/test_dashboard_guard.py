"""Who may look at the dashboard: nobody but this machine without a key, and who shows one where keys are set."""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.faces.api.keys import keys_of
from miraikakaku_assets.faces.dashboard.access import COOKIE, LASTS, Access
from miraikakaku_assets.faces.dashboard.guard import Guard, RootedPages
from miraikakaku_assets.faces.dashboard.reads import awaited
from miraikakaku_assets.faces.dashboard.routes import routes
from miraikakaku_assets.settings import Settings
from miraikakaku_assets_tests.support.moments import NOW

KEY, READING = "the-key", "a-key-that-reads"
PAGE = {"accept": "text/html"}


async def page(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("<html><head></head>figures</html>", media_type="text/html")


async def stream(socket: WebSocket) -> None:
    await socket.accept()
    await socket.close()


@contextmanager
def dashboard(database: Database, folder: Path, **options: Any) -> Iterator[TestClient]:
    settings = Settings(
        _env_file=None,
        miraikakaku_home=folder,
        database_url=database.url,
        **options,
    )
    use = Ports(settings, lambda: NOW)
    access = Access(keys_of(settings))
    app = Starlette(
        routes=[*routes(use, access), Route("/coverage", page), WebSocketRoute("/_stcore/stream", stream)]
    )
    guarded: Any = Guard(RootedPages(app), access, lambda: NOW)
    with TestClient(guarded, base_url="http://127.0.0.1:8501", follow_redirects=False) as client:
        yield client
    awaited(use.serving.async_database.close())


@pytest.fixture
def keyed(database: Database, tmp_path: Path) -> Iterator[TestClient]:
    keys = tmp_path / "keys"
    keys.write_text(f"viewer {sha256(READING.encode()).hexdigest()} read\n")
    keys.chmod(0o600)
    with dashboard(database, tmp_path, api_key=KEY, api_keys_file=keys, rate_limit_per_minute=5) as client:
        yield client


def test_without_a_key_only_this_machine_looks(database: Database, tmp_path: Path) -> None:
    with dashboard(database, tmp_path) as client:
        assert client.get("/coverage").status_code == 200
        assert client.get("/coverage", headers={"host": "prices.example.org"}).status_code == 403
        assert client.get("/coverage", headers={"origin": "http://127.0.0.1:9999"}).status_code == 403
        assert client.get("/find?q=1").json() == {"issues": []}
        with (
            pytest.raises(WebSocketDisconnect),
            client.websocket_connect("/_stcore/stream", headers={"host": "rebound.example.org"}),
        ):
            pass


def test_another_address_is_refused_without_a_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from miraikakaku_assets import bootstrap
    from miraikakaku_assets.faces.api.keys import require_keys

    settings = bootstrap.use(Settings(_env_file=None, miraikakaku_home=tmp_path, log_file="off")).settings
    require_keys(settings, "127.0.0.1", "dashboard")
    with pytest.raises(
        ConfigurationError, match=r"without API_KEY .* the dashboard listens on 127\.0\.0\.1 only"
    ):
        require_keys(settings, "0.0.0.0", "dashboard")  # noqa: S104 - refused


def test_the_form_takes_a_key_once_and_a_cookie_stands_for_it(keyed: TestClient) -> None:
    assert keyed.get("/health").json()["status"] == "healthy"
    assert keyed.get("/find?q=1").status_code == 401
    sent = keyed.get("/coverage?universe=us", headers=PAGE)
    assert (sent.status_code, sent.headers["location"]) == (303, "/login?next=/coverage%3Funiverse%3Dus")
    wrong = keyed.post("/login", content="key=nobodys&next=/coverage")
    assert wrong.status_code == 401
    assert "This is no key" in wrong.text
    right = keyed.post("/login", content=f"key={KEY}&next=/coverage")
    assert (right.status_code, right.headers["location"]) == (303, "/coverage")
    assert {"HttpOnly", "SameSite=lax"} <= set(right.headers["set-cookie"].split("; "))
    shown = keyed.get("/coverage")
    assert "figures" in shown.text
    assert "BACKEND_BASE_URL" in shown.text
    with keyed.websocket_connect("ws://127.0.0.1:8501/_stcore/stream"):
        pass


def test_a_form_never_sends_anybody_elsewhere_nor_takes_tries_without_end(keyed: TestClient) -> None:
    for place in ("https://evil.example.org/", "//evil.example.org", "/\\evil.example.org"):
        assert keyed.post("/login", content=f"key={KEY}&next={place}").headers["location"] == "/"
    codes = [keyed.post("/login", content="key=guess").status_code for _ in range(4)]
    assert codes[-1] == 429


def test_a_cookie_that_is_changed_or_old_or_of_another_process_is_nothing() -> None:
    settings = Settings(_env_file=None, api_key=KEY)
    access, other = Access(keys_of(settings)), Access(keys_of(settings))
    cookie = access.cookie(KEY, NOW)
    assert cookie is not None
    name, ends, signature = cookie.split(".")
    key = access.key(None, cookie, NOW)
    assert key is not None
    assert key.name == "default"
    for forged in (
        f"{name}.{int(ends) + 1}.{signature}",
        f"{b'viewer'.hex()}.{ends}.{signature}",
        f"{name}.{ends}.é",
        f"zz.{ends}.{signature}",
        "",
        None,
    ):
        assert access.key(None, forged, NOW) is None
    assert access.key(None, cookie, NOW + LASTS) is None
    assert other.key(None, cookie, NOW) is None
    assert access.key("guess", cookie, NOW) is None
    assert COOKIE
