"""US issues of the simulated world: proportions and spellings of the real directories, and their daily changes."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path

import pytest

from miraikakaku_assets.domain.market.us_symbols import Dialect, read_symbol
from miraikakaku_assets.simulator.core.config import SimulatorConfig
from miraikakaku_assets.simulator.listings.us_directory import listing_status, nasdaq_listed, other_listed
from miraikakaku_assets.simulator.listings.us_listings import Kind, UsListing, us_listings
from miraikakaku_assets.simulator.world.world import World

NOW = datetime(2026, 11, 20, 21, 40, tzinfo=UTC)
TODAY = date(2026, 11, 20)


@pytest.fixture(scope="module")
def market() -> list[UsListing]:
    """8,700 listed issues and those that are not listed today."""
    world = World(SimulatorConfig(us_symbols=8_700, symbols=1), int(NOW.timestamp()))
    return world.members.us_listings


def listed(market: list[UsListing], day: date = TODAY) -> list[UsListing]:
    return [listing for listing in market if listing.is_listed(day)]


def rows(body: bytes) -> list[list[str]]:
    return [line.split("|") for line in body.decode().splitlines()]


def test_the_market_has_the_proportions_of_a_real_one(market: list[UsListing]) -> None:
    kinds = Counter(listing.kind for listing in listed(market))
    total = kinds.total()
    assert total == 8_700
    assert 2_800 < kinds[Kind.FUND] < 3_500
    assert 0.5 < kinds[Kind.STOCK] / total < 0.6
    for kind, low, high in (
        (Kind.PREFERRED, 0.02, 0.06),
        (Kind.WARRANT, 0.02, 0.06),
        (Kind.UNIT, 0.005, 0.03),
        (Kind.RIGHT, 0.002, 0.02),
        (Kind.NOTE, 0.001, 0.02),
    ):
        assert low < kinds[kind] / total < high, kind


def test_every_publisher_spells_an_issue_so_that_it_is_found_at_yahoo(market: list[UsListing]) -> None:
    for listing in market:
        if listing.on_nasdaq:
            assert listing.symbol == listing.directory_symbol == listing.alpha_vantage_symbol
            continue
        for text, dialect in (
            (listing.directory_symbol, Dialect.ACT),
            (listing.tape_symbol, Dialect.CQS),
            (listing.nasdaq_symbol, Dialect.NASDAQ),
            (listing.alpha_vantage_symbol, Dialect.ALPHA_VANTAGE),
        ):
            spelling = read_symbol(text, dialect)
            assert spelling is not None, text
            assert spelling.symbol == listing.symbol, text
    names = Counter(listing.symbol for listing in market)
    assert max(names.values()) == 1
    assert {
        "BRK-A",
        "BRK-B",
        "BAC-PE",
        "ACHR-WT",
        "CHEB-UN",
        "NHICW",
        "NA",
        "NAN",
        "TRUE",
        "INF",
        "ON",
    } <= set(names)


def test_a_larger_world_begins_with_the_smaller_one() -> None:
    assert list(islice(us_listings(7), 300)) == list(islice(us_listings(7), 9_000))[:300]
    assert list(islice(us_listings(8), 300)) != list(islice(us_listings(7), 300))


def test_the_directories_look_like_the_real_ones(market: list[UsListing], real_data: Path) -> None:
    folder = real_data / "us"
    for pattern, write in (
        ("hemza83*nasdaqlisted.txt", nasdaq_listed),
        ("hemza83*otherlisted.txt", other_listed),
    ):
        real = rows(next(folder.glob(pattern)).read_bytes())
        ours = rows(write(listed(market), NOW))
        assert real[0] == ours[0]
        assert ours[-1][0] == "File Creation Time: 1120202621:31"
        assert real[-1][1:] == ours[-1][1:]
        assert {len(row) for row in real[:-1]} == {len(row) for row in ours[:-1]} == {8}
        for column, title in enumerate(real[0]):
            if title in {"Market Category", "Exchange", "Test Issue", "ETF", "Round Lot Size", "NextShares"}:
                assert {row[column] for row in ours[1:-1]} <= {row[column] for row in real[1:-1]}, title
        assert [row[0] for row in ours[1:-1]] == sorted(row[0] for row in ours[1:-1])
    tests = {row[0] for row in rows(nasdaq_listed([], NOW))[1:-1]}
    assert {"ZAZZT", "ZVZZT"} <= tests


def test_issues_come_and_go_with_the_days(market: list[UsListing]) -> None:
    weeks = [
        {listing.symbol for listing in listed(market, TODAY + timedelta(days=days))} for days in (0, 7, 14)
    ]
    for before, after in ((weeks[0], weeks[1]), (weeks[1], weeks[2])):
        assert 0 < len(after - before) < 40
        assert 0 < len(before - after) < 40


def test_the_listing_status_tells_the_days_of_both(market: list[UsListing]) -> None:
    active = listing_status(market, TODAY, delisted=False).decode()
    gone = listing_status(market, TODAY, delisted=True).decode()
    assert active.startswith("symbol,name,exchange,assetType,ipoDate,delistingDate,status\r\n")
    now, then = ([line.split(",") for line in text.split("\r\n")[1:-1]] for text in (active, gone))
    assert len(now) == 8_702  # two test issues
    assert {row[5] for row in now} == {"null"}
    assert {row[6] for row in now} == {"Active"}
    assert then
    assert all(row[4] < row[5] <= TODAY.isoformat() for row in then)
    assert {row[3] for row in now} == {"Stock", "ETF"}
