"""The dashboard in a real browser, on an installation after `pipeline`."""

import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from sqlalchemy.engine import make_url

from miraikakaku_assets.adapters.storage.security.roles import READER
from miraikakaku_assets.faces.dashboard.registry import all_pages
from miraikakaku_assets_tests.support.browser import Look, chromium, look
from miraikakaku_assets_tests.support.command import Command
from miraikakaku_assets_tests.support.databases import fresh_database, send_everybody_away
from miraikakaku_assets_tests.support.free_port import free_port
from miraikakaku_assets_tests.support.patience import PATIENCE, until

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow
OURS = tuple(page.slug for page in all_pages())
SCRIPTED = "<img src=x onerror=alert(1)>"

# Forecasts of 7203 from each of the last 21 sessions, one session ahead, by those that are there; and what came.
MONTH_OF_FORECASTS = """
WITH days AS (
    SELECT b.instrument_id, (b.ts AT TIME ZONE 'Asia/Tokyo')::date AS day, b.close,
           lead((b.ts AT TIME ZONE 'Asia/Tokyo')::date) OVER (ORDER BY b.ts) AS target
    FROM miraikakaku.price_bars b JOIN miraikakaku.instruments i ON i.id = b.instrument_id
    WHERE i.symbol = '7203.T' AND b.timeframe = '1d' AND b.close IS NOT NULL ORDER BY b.ts DESC LIMIT 21)
INSERT INTO miraikakaku.daily_predictions
    (point, lo80, hi80, lo95, hi95, close, made_at, instrument_id, as_of, target, horizon, model, version)
SELECT 0.001, -0.02, 0.02, -0.04, 0.04, days.close, now(), days.instrument_id, days.day, days.target, 1, 'ensemble', '1'
FROM days WHERE days.target IS NOT NULL
ON CONFLICT DO NOTHING
"""
MONTH_OF_OUTCOMES = """
INSERT INTO miraikakaku.prediction_outcomes (actual, naive, scored_at, instrument_id, as_of, target, horizon)
SELECT 0.01, 0.01, now(), p.instrument_id, p.as_of, p.target, 1
FROM miraikakaku.daily_predictions p JOIN miraikakaku.instruments i ON i.id = p.instrument_id
WHERE i.symbol = '7203.T' AND p.model = 'ensemble' AND p.horizon = 1
  AND p.as_of < (SELECT max(as_of) FROM miraikakaku.daily_predictions WHERE instrument_id = p.instrument_id)
ON CONFLICT DO NOTHING
"""


@contextmanager
def shown(command: Command) -> Iterator[str]:
    """The dashboard of an installation: its address."""
    port = free_port()
    process = command.start("dashboard", "--port", port)
    address = f"http://127.0.0.1:{port}"
    try:
        until(lambda: process.poll() is not None or answers(address), pause=0.2)
        yield address
    finally:
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE)
    assert "Traceback" not in errors, errors


def answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/health", timeout=PATIENCE).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


@pytest.fixture(scope="module")
def home(filled_once: Command, server_url: str) -> Iterator[Command]:
    """A copy of an installation after `pipeline`, with an alert, a gap, and somebody's HTML in a name."""
    original = filled_once.variables["DATABASE_URL"]
    send_everybody_away(server_url, original)
    with fresh_database(server_url, str(make_url(original).database)) as url:
        command = filled_once.with_(DATABASE_URL=url)
        command.execute(
            f"UPDATE miraikakaku.stock_master SET stock_name = '{SCRIPTED}' WHERE yahoo_symbol = '6758.T'"
        )
        command.execute(
            "INSERT INTO miraikakaku.alerts (key, severity, kind, title, message, details, raised_at, last_seen_at,"
            " waiting_since, occurrences, is_condition) VALUES ('collection/jp', 'WARNING', 'collection',"
            f" '収集に失敗しました', '2銘柄 {SCRIPTED}', '{{}}', now(), now(), now(), 1, true)"
        )
        command.execute(
            "INSERT INTO miraikakaku.coverage_gap_ranges (instrument_id, timeframe, first_session, last_session,"
            " sessions, missing_bars, cause, checked_at) SELECT i.id, '1d', d.session, d.session, 1, 1,"
            " 'fetch_failed', now() FROM miraikakaku.instruments i, (SELECT max(session) AS session"
            " FROM miraikakaku.coverage_days WHERE universe = 'jp') d WHERE i.symbol = '6758.T'"
            " ON CONFLICT DO NOTHING"
        )
        command.execute(MONTH_OF_FORECASTS)
        command.execute(MONTH_OF_OUTCOMES)
        granted = command("db", "roles")
        assert granted.code == 0, granted.err
        narrow = make_url(url).set(username=READER, password=None).render_as_string(hide_password=False)
        yield command.with_(DATABASE_READER_URL=narrow)


@pytest.fixture(scope="module")
def address(home: Command) -> Iterator[str]:
    with shown(home) as place:
        yield place


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def desk(browser: "Browser") -> Iterator[Look]:
    """A large window, light, in Japanese."""
    with look(browser, 1440, "light", "ja-JP") as seen:
        yield seen


@pytest.fixture(scope="module")
def phone(browser: "Browser") -> Iterator[Look]:
    """A phone, dark, in English."""
    with look(browser, 390, "dark", "en-US") as seen:
        yield seen


@pytest.fixture(scope="module")
def desk_at_night(browser: "Browser") -> Iterator[Look]:
    """A large window, dark, in English."""
    with look(browser, 1440, "dark", "en-US") as seen:
        yield seen


@pytest.fixture(scope="module")
def phone_by_day(browser: "Browser") -> Iterator[Look]:
    """A phone, light, in Japanese."""
    with look(browser, 390, "light", "ja-JP") as seen:
        yield seen


def test_from_the_overview_to_what_is_missing_and_back_is_one_step_each(desk: Look, address: str) -> None:
    desk.open(address)
    desk.page.get_by_role("link", name="足りない足とその理由").first.click()
    desk.page.wait_for_url(re.compile("/coverage.*session="))
    desk.settle()
    assert "銘柄に" in desk.text()
    desk.page.go_back()
    desk.page.wait_for_url(re.compile(rf"{address}/(\?|$)"))
    desk.page.get_by_role("heading", name="概況", exact=True).wait_for()


@pytest.mark.parametrize("slug", OURS)
def test_every_page_is_shown_on_a_desk_and_on_a_phone_without_errors_or_barriers(
    slug: str, desk: Look, phone: Look, desk_at_night: Look, phone_by_day: Look, address: str
) -> None:
    title = next(page.title for page in all_pages() if page.slug == slug)
    by_turns = (
        ((desk, "ja"), (phone, "en")),
        ((desk_at_night, "en"), (phone_by_day, "ja")),
    )  # a page is seen in either size, language and theme, and over all pages every two of them come together
    for seen, language in by_turns[OURS.index(slug) % 2]:
        seen.complaints.clear()
        seen.open(f"{address}/{slug}")
        assert seen.page.locator("h1").inner_text() == title[language]
        assert ("simulated" in seen.text().lower()) or ("シミュレーション" in seen.text())
        assert seen.complaints == []
        assert seen.barriers() == []
        width = seen.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert width <= 0, f"{slug} is wider than the window by {width} px"


def test_a_symbol_is_found_from_the_keyboard_alone(desk: Look, address: str) -> None:
    desk.open(f"{address}/operations")
    desk.page.keyboard.press("/")
    desk.page.keyboard.type("7203", delay=20)
    option = desk.page.get_by_role("option").first
    option.wait_for()
    assert "7203.T" in option.inner_text()
    desk.page.keyboard.press("Enter")
    desk.page.wait_for_url(re.compile(r"symbol=7203\.T"))
    desk.settle()
    assert "7203.T" in desk.text()


def test_whoever_types_ahead_of_the_answers_gets_what_was_typed_last(desk: Look, address: str) -> None:
    desk.open(f"{address}/operations")
    desk.page.keyboard.press("/")
    desk.page.keyboard.type("7203", delay=0)
    desk.page.keyboard.press("Enter")
    desk.page.wait_for_url(re.compile(r"symbol=7203\.T"))


def test_which_issues_lack_a_bar_and_why_stands_in_an_address_for_others(
    desk: Look, phone: Look, address: str
) -> None:
    desk.open(f"{address}/coverage?cause=fetch_failed")
    assert "1 銘柄に 1 件の不足" in desk.text()
    shared = desk.page.url
    assert "cause=fetch_failed" in shared
    phone.open(shared)
    assert "gaps 1, issues 1" in phone.text()
    phone.open(f"{address}/coverage?universe=nowhere&session=yesterday&cause=%3Cb%3E&p=-7")
    assert "Traceback" not in phone.text()
    assert phone.page.locator("h1").inner_text() == "Coverage"


def test_an_alert_is_acknowledged_with_two_clicks_and_its_markup_stays_text(
    desk: Look, home: Command, address: str
) -> None:
    desk.open(address)
    assert SCRIPTED in desk.text()
    assert desk.page.locator("img[src='x']").count() == 0
    desk.page.get_by_role("button", name="操作").first.click()
    desk.page.get_by_role("button", name="対応する").first.click()
    asked = "SELECT acknowledged_at IS NOT NULL FROM miraikakaku.alerts WHERE key = 'collection/jp'"
    until(lambda: home.rows(asked) == [(True,)])
    desk.page.get_by_text("対応中:").first.wait_for()


def test_a_table_is_saved_as_it_is_shown(desk: Look, address: str, tmp_path: Path) -> None:
    import polars as pl

    desk.open(f"{address}/coverage?cause=fetch_failed")
    with desk.page.expect_download() as saved:
        desk.page.get_by_role("button", name="Parquet").first.click()
    path = tmp_path / "gaps.parquet"
    saved.value.save_as(path)
    assert pl.read_parquet(path)["symbol"].to_list() == ["6758.T"]


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("symbol?symbol=%3Cb%3Enone", "There is no instrument <b>none"),
        ("symbol?symbol=6758.T&tf=7y&basis=x&bars=-1", "6758.T"),
        ("forecasts?symbol=nowhere&h=99", "There is no instrument nowhere"),
        ("forecasts?view=market&market=mars&h=x", "What this order was worth"),
        ("screener?rsi_14=thirty", "write its ends like 20..30"),
        ("screener?q=nothing-like-it", "Nothing matches"),
        ("models?market=us&window=1", "Models"),
        ("copper?years=never", "Copper"),
    ],
)
def test_an_address_that_makes_no_sense_is_answered_in_a_sentence(
    place: str, said: str, phone: Look, address: str
) -> None:
    phone.complaints.clear()
    phone.open(f"{address}/{place}")
    assert said in phone.text()
    assert "Traceback" not in phone.text()
    assert phone.page.locator("img[src='x']").count() == 0
    assert phone.complaints == []


def test_candles_are_drawn_and_another_timeframe_stands_in_the_address(desk: Look, address: str) -> None:
    desk.open(f"{address}/symbol?symbol=7203.T")
    chart = desk.page.locator("[role=group][aria-label*='7203.T (1d)']")
    chart.locator("canvas").first.wait_for()
    assert chart.bounding_box()["width"] > 600  # type: ignore[index]
    desk.page.get_by_text("週足").click()
    desk.page.wait_for_url(re.compile(r"tf=1w"))
    desk.page.locator("[role=group][aria-label*='7203.T (1w)'] canvas").first.wait_for()
    with desk.page.expect_download() as saved:
        desk.page.get_by_role("button", name="PNG 保存").click()
    assert saved.value.suggested_filename == "7203.T-1w.png"


def test_a_view_of_the_screener_is_made_by_clicks_and_opened_by_its_address(
    desk: Look, phone: Look, address: str
) -> None:
    desk.open(f"{address}/screener")
    desk.page.get_by_role("button", name="安値圏").click()
    desk.page.wait_for_url(re.compile(r"above_low_250=\.\.0\.02"))
    shared = desk.page.url
    phone.open(shared)
    assert "ABOVE LOW 250" in phone.text().upper() or "from low" in phone.text()
