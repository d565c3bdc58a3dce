"""Pages of the dashboard in Chromium on this machine: until something useful is there, alone and with many viewers.

A viewer opens an address as somebody does who was sent it; a page is there when its title and figures are drawn and
nothing is being drawn any more. Times contain the browser, which shares the processors with the server.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import numpy as np
import psutil

from benchmarks.coverage import make_market, window_of
from miraikakaku_assets.adapters.storage.coverage.store import PostgresCoverage
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.domain.coverage.report import find_coverage
from miraikakaku_assets.domain.market.instruments import JP, Timeframe
from miraikakaku_assets.faces.dashboard.registry import all_pages

if TYPE_CHECKING:
    from playwright.async_api import Browser, Locator, Page

VIEWERS = 20
_CHROMIUM = "/usr/bin/chromium"
_MIB = 2**20
_START_SECONDS, _PAGE_MS = 60.0, 60_000
_USEFUL = """() => document.querySelector('h1')
  && document.querySelector('[data-testid=stMain]').innerText.length > 200
  && !document.querySelector('[data-testid=stSkeleton]')"""
_STILL = """() => document.querySelector('[data-testid=stApp]')
  .getAttribute('data-test-script-state') === 'notRunning'"""


@dataclass(frozen=True)
class Dashboard:
    """A running dashboard.

    Attributes:
        address: Where.
        process: Its process.
    """

    address: str
    process: psutil.Process

    @property
    def mib(self) -> float:
        """Memory of its process tree."""
        tree = [self.process, *self.process.children(recursive=True)]
        return sum(one.memory_info().rss for one in tree) / _MIB


def measure_pages(database: Database, issues: int, sessions: int, rounds: int) -> dict[str, Any]:
    """Times every page, cold and warm, and with many viewers at once.

    Args:
        database: Empty but for its tables.
        issues: Listed issues.
        sessions: Daily bars of each.
        rounds: How often each page is opened warm.

    Returns:
        ``warm_p95_ms``, ``cold_worst_ms``, ``crowd_p95_ms``, ``alone_mib``, ``crowd_mib``, and ``pages`` with the
        median of each.
    """
    fill(database, issues, sessions)
    slugs = [page.slug for page in all_pages()]
    with running(database) as dashboard:
        cold, warm, alone_mib, crowd = asyncio.run(_look(dashboard, slugs, rounds))
        crowd_mib = dashboard.mib
    every = [milliseconds for times in warm.values() for milliseconds in times]
    return {
        "warm_p95_ms": float(np.percentile(every, 95)),
        "cold_worst_ms": max(cold.values()),
        "crowd_p95_ms": float(np.percentile(crowd, 95)),
        "alone_mib": alone_mib,
        "crowd_mib": crowd_mib,
        "pages": {slug: float(np.median(times)) for slug, times in warm.items()},
    }


def measure_filter(
    dashboard: Dashboard, slug: str, choose: "Sequence[tuple[str, str]]", rounds: int
) -> list[float]:
    """Times filters of a page that is open: from the choice to the drawn result, in milliseconds.

    Args:
        dashboard: Running.
        slug: Of the page.
        choose: Label of a select box and what is chosen in it, one after the other.
        rounds: How often.
    """
    return asyncio.run(_filtered(dashboard, slug, choose, rounds))


def fill(database: Database, issues: int, sessions: int) -> None:
    """Puts a market with gaps into the tables and checks its coverage."""
    days = window_of(sessions)
    make_market(database, issues, days, 1.0)
    store = PostgresCoverage(database)
    holdings = store.holdings(JP, Timeframe.D1, days[0], days[-1])
    if holdings is None:
        raise RuntimeError("there is no master")
    findings = find_coverage(days[0], days[-1], holdings, checked_at=datetime.now(UTC), threshold=0.95)
    store.save(findings, "made")


@contextmanager
def running(database: Database, port: int = 8577) -> Iterator[Dashboard]:
    """The dashboard of a database, as a process of its own."""
    environment = {
        **os.environ,
        "DATABASE_URL": database.url,
        "LOG_FILE": "off",
        "DAGSTER_URL": "http://127.0.0.1:9",
    }
    arguments = [sys.executable, "-m", "miraikakaku_assets.faces.dashboard", "--port", str(port)]
    address = f"http://127.0.0.1:{port}"
    with subprocess.Popen(arguments, env=environment, stderr=subprocess.DEVNULL) as child:
        try:
            _await_health(address, child)
            yield Dashboard(address, psutil.Process(child.pid))
        finally:
            child.terminate()


def _await_health(address: str, child: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and child.poll() is None:
        try:
            with urlopen(f"{address}/health", timeout=2):  # noqa: S310 - this machine's
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the dashboard does not answer")


async def _look(
    dashboard: Dashboard, slugs: Sequence[str], rounds: int
) -> tuple[dict[str, float], dict[str, list[float]], float, list[float]]:
    from playwright.async_api import async_playwright

    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=_CHROMIUM, args=["--no-sandbox"])
        cold = {slug: await _opened(browser, dashboard, slug) for slug in slugs}
        context = await browser.new_context()
        page = await context.new_page()
        warm: dict[str, list[float]] = {slug: [] for slug in slugs}
        for _ in range(rounds):
            for slug in slugs:
                warm[slug].append(await _timed(page, f"{dashboard.address}/{slug}"))
        alone_mib = dashboard.mib
        viewers = [_opened(browser, dashboard, slugs[number % len(slugs)]) for number in range(VIEWERS)]
        crowd = list(await asyncio.gather(*viewers))
        await browser.close()
    return cold, warm, alone_mib, crowd


async def _opened(browser: "Browser", dashboard: Dashboard, slug: str) -> float:
    """Opens a page in a window without anything cached."""
    context = await browser.new_context()
    return await _timed(await context.new_page(), f"{dashboard.address}/{slug}")


async def _timed(page: "Page", address: str) -> float:
    begun = time.perf_counter()
    await page.goto(address, wait_until="commit")
    await page.wait_for_function(_USEFUL, timeout=_PAGE_MS)
    return (time.perf_counter() - begun) * 1000


async def _filtered(
    dashboard: Dashboard, slug: str, choose: Sequence[tuple[str, str]], rounds: int
) -> list[float]:
    from playwright.async_api import async_playwright

    times = []
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=_CHROMIUM, args=["--no-sandbox"])
        page = await (await browser.new_context(locale="en-US")).new_page()
        await _timed(page, f"{dashboard.address}/{slug}")
        for number in range(rounds):
            label, option = choose[number % len(choose)]
            await page.get_by_label(label, exact=True).click()
            item: Locator = page.get_by_role("option", name=option, exact=True)
            await item.wait_for()
            begun = time.perf_counter()
            await item.click()
            await page.wait_for_timeout(20)
            await page.wait_for_function(_STILL, timeout=_PAGE_MS)
            times.append((time.perf_counter() - begun) * 1000)
        await browser.close()
    return times


def main(folder: Path) -> None:
    """Prints one measurement of a small market."""
    from miraikakaku_assets.adapters.storage import embedded, migrate
    from miraikakaku_assets.adapters.storage.engine import open_database

    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    database = open_database(folder, None)
    migrate.upgrade(database)
    try:
        print(measure_pages(database, 16_000, 245, 5))
    finally:
        database.close()
        embedded.stop(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
