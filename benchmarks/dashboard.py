"""Pages of the dashboard in Chromium on this machine: until everything is drawn, alone and with many viewers.

A viewer opens an address as somebody does who was sent it; a page is there when its title and figures are drawn and
nothing is being drawn any more. Times contain the browser, which shares the processors with the server.
"""

import asyncio
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import urlopen

import numpy as np
import psutil

from benchmarks.dashboard_market import LAST, SYMBOL, fill
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.faces.dashboard.parts.screen_address import PRESETS
from miraikakaku_assets.faces.dashboard.registry import all_pages
from miraikakaku_assets_tests.support.free_port import free_port

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

CHROMIUM = Path("/usr/bin/chromium")
VIEWERS = 20
_MIB = 2**20
_START_SECONDS, _PAGE_MS = 60.0, 60_000
_QUERIES = {"symbol": f"?symbol={SYMBOL}", "forecasts": f"?symbol={SYMBOL}"}
_STILL = """document.querySelector('[data-testid=stApp]').getAttribute('data-test-script-state') === 'notRunning'"""
_DRAWN = f"""() => document.querySelector('h1')
  && document.querySelector('[data-testid=stMain]').innerText.length > 200
  && !document.querySelector('[data-testid=stSkeleton]') && {_STILL}"""
_AHEAD = "words => document.querySelector('[data-testid=stMain]').innerText.includes(words) && " + _STILL
_ADDRESSED = f"""wanted => {{
  const query = new URLSearchParams(location.search);
  return query.size === Object.keys(wanted).length
    && Object.entries(wanted).every(([name, value]) => query.get(name) === value) && {_STILL}
}}"""


@dataclass(frozen=True)
class Looks:
    """What was measured.

    Attributes:
        stored: What the database holds, in words.
        cold: Page → milliseconds in a new browser, the first time that anybody opens it.
        warm: Page → milliseconds of every further opening in one browser.
        crowd: Milliseconds of every viewer where all open a page at once.
        filters: Milliseconds from a choice on the screener to its drawn result, none of them asked before.
        alone_mib: Memory of the dashboard with one viewer.
        crowd_mib: With all of them.
    """

    stored: str
    cold: Mapping[str, float]
    warm: Mapping[str, Sequence[float]]
    crowd: Sequence[float]
    filters: Sequence[float]
    alone_mib: float
    crowd_mib: float

    def named(self) -> list[tuple[str, float, float | None, str]]:
        """Name, value, floor and what was measured, of each metric."""
        every = [milliseconds for times in self.warm.values() for milliseconds in times]
        pages = ", ".join(f"{page} {np.median(times):.0f}" for page, times in self.warm.items())
        first = ", ".join(f"{page} {milliseconds:.0f}" for page, milliseconds in self.cold.items())
        grown = (self.crowd_mib - self.alone_mib) / VIEWERS
        where = f"no peer: Chromium on the same machine; {self.stored}"
        views = f"no peer: median of {len(self.filters)} views, from the click to the drawn table; "
        views += f"slowest {max(self.filters):.0f} ms"
        crowd = f"no peer: {VIEWERS} browsers without a cache open pages at once, all pages by turns; "
        crowd += f"median {np.median(self.crowd):.0f} ms"
        return [
            ("dashboard_page_ms_p95", _p95(every), None, f"{where}; medians of pages: {pages}"),
            ("dashboard_cold_ms", max(self.cold.values()), None, f"no peer: the slowest page; {first}"),
            (
                "screener_filter_ms",
                float(np.median(self.filters)),
                None,
                views,
            ),
            (
                "dashboard_viewers_ms_p95",
                _p95(self.crowd),
                None,
                crowd,
            ),
            ("dashboard_rss_mib", self.alone_mib, None, "no peer: all pages opened by one viewer"),
            ("dashboard_viewer_mib", grown, None, f"no peer: per viewer, {VIEWERS} of them"),
        ]


def measure(database: Database, home: Path, issues: int, sessions: int, rounds: int) -> Looks:
    """Times every page, cold and warm, filters of the screener, and many viewers at once.

    Args:
        database: Empty but for its tables.
        home: State folder of the dashboard.
        issues: Listed issues.
        sessions: Daily bars of each.
        rounds: How often each page is opened warm.
    """
    stored = fill(database, issues, sessions)
    with running(database, home) as (address, process):
        return asyncio.run(_look(address, process, stored, rounds))


@contextmanager
def running(database: Database, home: Path) -> Iterator[tuple[str, psutil.Process]]:
    """Address and process of the dashboard of a database, in a process of its own.

    Raises:
        RuntimeError: It does not answer.
    """
    port = free_port()
    environment = {
        **os.environ,
        "DATABASE_URL": database.url,
        "MIRAIKAKAKU_HOME": str(home),
        "LOG_FILE": "off",
        "LOG_LEVEL": "ERROR",
        "DAGSTER_URL": "http://127.0.0.1:9",
        "MIRAIKAKAKU_NOW": f"{LAST}T12:00:00+00:00",  # which is for prices of this machine
        "YAHOO_BASE_URL": "http://127.0.0.1:9",
    }
    arguments = [sys.executable, "-m", "miraikakaku_assets.faces.dashboard", "--port", str(port)]
    address = f"http://127.0.0.1:{port}"
    with subprocess.Popen(arguments, env=environment) as child:
        try:
            _await_health(address, child)
            yield address, psutil.Process(child.pid)
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


async def _look(address: str, process: psutil.Process, stored: str, rounds: int) -> Looks:
    from playwright.async_api import async_playwright

    places = {page.slug: f"{address}/{page.slug}{_QUERIES.get(page.slug, '')}" for page in all_pages()}
    places["ranking"] = f"{address}/forecasts?view=market"
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        cold = {name: await _opened(browser, place, is_kept=False) for name, place in places.items()}
        page = await (await browser.new_context(locale="en-US")).new_page()
        warm: dict[str, list[float]] = {name: [] for name in places}
        for _ in range(rounds):
            for name, place in places.items():
                warm[name].append(await _timed(page, place))
        alone_mib = _mib(process)
        filters = await _filtered(page, f"{address}/screener")
        await page.context.close()
        turns = [list(places.values())[number % len(places)] for number in range(VIEWERS)]
        crowd = await asyncio.gather(*(_opened(browser, place, is_kept=True) for place in turns))
        crowd_mib = _mib(process)
        await browser.close()
    return Looks(stored, cold, warm, crowd, filters, alone_mib, crowd_mib)


def _mib(process: psutil.Process) -> float:
    tree = [process, *process.children(recursive=True)]
    return float(sum(member.memory_info().rss for member in tree)) / _MIB


async def _opened(browser: "Browser", place: str, *, is_kept: bool) -> float:
    """Opens a page in a browser that has nothing cached, and leaves it open or not."""
    context = await browser.new_context(locale="en-US")
    milliseconds = await _timed(await context.new_page(), place)
    if not is_kept:
        await context.close()
    return milliseconds


async def _timed(page: "Page", place: str) -> float:
    begun = time.perf_counter()
    await page.goto(place, wait_until="commit")
    await page.wait_for_function(_DRAWN, timeout=_PAGE_MS)
    return (time.perf_counter() - begun) * 1000


async def _filtered(page: "Page", place: str) -> list[float]:
    """Chooses every horizon and every ready-made view once."""
    await _timed(page, place)
    times = []
    for horizon in range(2, 6):
        await page.get_by_role("combobox", name=re.compile("Forecast, sessions ahead")).click()
        option = page.get_by_role("option", name=str(horizon), exact=True)
        await option.wait_for()
        begun = time.perf_counter()
        await option.click()
        await page.wait_for_function(_AHEAD, arg=f"forecasts {horizon} ahead", timeout=_PAGE_MS)
        times.append((time.perf_counter() - begun) * 1000)
    for name, parameters in PRESETS.items():
        button = page.locator(f".st-key-preset-{name} button")
        begun = time.perf_counter()
        await button.click()
        await page.wait_for_function(_ADDRESSED, arg=dict(parameters), timeout=_PAGE_MS)
        times.append((time.perf_counter() - begun) * 1000)
    return times


def _p95(times: Sequence[float]) -> float:
    return float(np.percentile(times, 95))
