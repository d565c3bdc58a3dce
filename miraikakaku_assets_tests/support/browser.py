"""A Chromium of the system, driven by Playwright, and what it is asked of a page of the dashboard."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from miraikakaku_assets_tests.support.patience import PATIENCE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

AXE = Path(__file__).parents[1] / "vendor" / "axe-core" / "axe.min.js"
GRAVE = frozenset({"serious", "critical"})
_MILLISECONDS = PATIENCE * 1000
_SETTLED = """() => document.querySelector('h1')
  && document.querySelector('[data-testid=stApp]').getAttribute('data-test-script-state') === 'notRunning'
  && !document.querySelector('[data-testid=stSkeleton]')"""
_SEARCH = ".search input[placeholder]"  # its script sets the text there
# What Streamlit's own frame and its table of canvas are marked with is theirs.
_OF_STREAMLIT = (
    *('[data-testid="stHeader"]', '[data-testid="stSidebar"]', '[data-testid="stDataFrame"]'),
    *('[data-testid="stToolbar"]', '[data-testid="stElementToolbar"]', ".js-plotly-plot"),
)


@dataclass
class Look:
    """A page as somebody sees it.

    Attributes:
        page: Playwright's.
        complaints: Errors of its console and scripts.
    """

    page: "Page"
    complaints: list[str] = field(default_factory=list)

    def open(self, address: str) -> None:
        """Goes there and waits until everything is drawn."""
        self.page.goto(address)
        self.settle()

    def settle(self) -> None:
        """Waits until nothing is being drawn any more, and the search takes what is typed."""
        self.page.wait_for_function(_SETTLED, timeout=_MILLISECONDS)
        self.page.locator(_SEARCH).wait_for()

    def text(self) -> str:
        """What it says."""
        return self.page.locator('[data-testid="stMain"]').inner_text()

    def barriers(self) -> list[str]:
        """Grave findings of axe-core about what we have put on the page."""
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found: dict[str, Any] = self.page.evaluate(
            "excluded => axe.run({exclude: excluded.map(place => [place])}, {resultTypes: ['violations']})",
            list(_OF_STREAMLIT),
        )
        return [
            f"{finding['id']}: {[node['html'][:160] for node in finding['nodes'][:3]]}"
            for finding in found["violations"]
            if finding["impact"] in GRAVE
        ]


@contextmanager
def chromium() -> Iterator["Browser"]:
    """The browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def look(browser: "Browser", width: int, theme: str, locale: str) -> Iterator[Look]:
    """A window of a browser.

    Args:
        browser: Which.
        width: Of the window in pixels.
        theme: ``light`` or ``dark``.
        locale: E.g. ``ja-JP``.
    """
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=theme,  # type: ignore[arg-type]
        locale=locale,
        accept_downloads=True,
    )
    context.set_default_timeout(_MILLISECONDS)
    seen = Look(context.new_page())
    seen.page.on(
        "console", lambda message: seen.complaints.append(message.text) if message.type == "error" else None
    )
    seen.page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    try:
        yield seen
    finally:
        context.close()
