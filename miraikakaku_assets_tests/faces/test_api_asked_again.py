"""What is asked again and again is answered from what was prepared, and as of now."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from miraikakaku_assets.adapters.storage.async_database import AsyncDatabase
from miraikakaku_assets.adapters.storage.rate_limit.keys import PostgresKeyLimits
from miraikakaku_assets_tests.support.api import Api, serving
from miraikakaku_assets_tests.support.databases import INSTALLED, fresh_database

TOYOTA, SONY = ("jp", "7203", "7203.T", "トヨタ自動車"), ("jp", "6758", "6758.T", "ソニーグループ")
LIST = "/api/stock-master/list"
PLAIN = {"Accept-Encoding": "identity"}
MANY = 60


@pytest.fixture(scope="module")
def api(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with (
        fresh_database(server_url, INSTALLED) as url,
        serving(tmp_path_factory.mktemp("api"), url) as running,
    ):
        running.list_issues(TOYOTA)
        yield running


def update(api: Api) -> None:
    """Records an update of the master, as everything that changes it does."""
    api.execute(
        "INSERT INTO miraikakaku.stock_master_updates"
        " (universe, update_type, total_stocks, status, source, list_date, completed_at)"
        " VALUES ('jp', 'manual', 1, 'success', 'made', '2025-01-06', '2025-01-06T09:00:00Z')"
    )


def test_a_list_stays_the_same_until_the_next_update(api: Api) -> None:
    update(api)
    first, again = (api.get(LIST, headers=PLAIN) for _ in range(2))
    assert (again.content, again.headers["ETag"]) == (first.content, first.headers["ETag"])
    assert {*again.headers} == {*first.headers}
    assert again.headers["Last-Modified"] == first.headers["Last-Modified"] == "Mon, 06 Jan 2025 09:00:00 GMT"
    known = {"If-None-Match": first.headers["ETag"]}
    unchanged = api.get(LIST, headers=known)
    assert (unchanged.status_code, unchanged.content) == (304, b"")

    for number in range(MANY):
        api.list_issues(("jp", f"{9000 + number}", f"{9000 + number}.T", f"銘柄 {number}"))
    update(api)
    changed = api.get(LIST, headers=known | PLAIN)
    assert (changed.status_code, changed.json()["total"]) == (200, 1 + MANY)
    compressed = api.get(LIST, headers={"Accept-Encoding": "gzip"})
    assert compressed.headers["Content-Encoding"] == "gzip"
    assert int(compressed.headers["Content-Length"]) < len(changed.content)
    assert compressed.content == changed.content
    assert {"Accept", "Accept-Encoding"} <= set(compressed.headers["Vary"].split(", "))
    assert "Content-Encoding" not in changed.headers
    assert api.get(LIST, params={"limit": "many"}).status_code == 400


def test_everybody_who_asks_for_a_status_sees_what_was_changed_before(api: Api) -> None:
    job_id = api.post("/api/bulk/start", json={"symbols": ["7203.T"]}).json()["job_id"]
    path = f"/api/bulk/status/{job_id}"
    first = api.get(path)
    with ThreadPoolExecutor(10) as clients:
        for verb, shown in (("pause", "paused"), ("resume", "running")) * 3:
            api.post(f"/api/bulk/{verb}/{job_id}")
            answers = list(clients.map(lambda _: api.get(path).json()["job"]["status"], range(20)))
            assert answers == [shown] * 20
    assert {*api.get(path).headers} == {*first.headers}

    api.execute(f"DELETE FROM miraikakaku.bulk_jobs WHERE id = '{job_id}'")
    assert [api.get(path).json()["error"] for _ in range(2)] == ["NOT_FOUND"] * 2


def test_requests_at_once_do_not_forfeit_what_others_have_taken(api: Api) -> None:
    async def taken() -> list[int]:
        database = AsyncDatabase(api.ports.opened.url, api.ports.opened.shown)
        limits = PostgresKeyLimits(database, 6000)
        allowances = await asyncio.gather(*(limits.take("at-once") for _ in range(MANY)))
        await database.close()
        assert all(allowance.is_granted for allowance in allowances)
        return [allowance.left for allowance in allowances]

    # A hundred were taken, as a second's worth; each for himself would have taken all of a minute's.
    assert min(asyncio.run(taken())) >= 6000 - 100
