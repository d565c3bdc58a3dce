"""`master update` for the US exchanges: from a folder, from their addresses, and what it refuses."""

from pathlib import Path

import pytest

from miraikakaku_assets_tests.fakes.scripted_yahoo import Answer, answered, scripted_yahoo
from miraikakaku_assets_tests.support.command import Command
from miraikakaku_assets_tests.support.markets.us_directories import (
    AAPL,
    NA,
    folder_of,
    nasdaq_listed,
    other_listed,
)

COUNTED = ("added", "updated", "removed", "returned", "unchanged")
KEY = "open-sesame-4711"


def test_a_master_from_a_folder_and_once_more(command: Command) -> None:
    folder_of(command.folder / "lists of [July]", nasdaq_listed(), other_listed(), before="2025-07-21_")

    first = command("master", "update", "--universe", "us", "--file", "lists of [July]", "--json")
    again = command("master", "update", "--universe", "us", "--file", command.folder / "lists of [July]")

    assert first.code == 0, first.err
    (stage,) = first.document["stages"]
    assert (stage["universe"], stage["listed"], stage["list_date"]) == ("us", 6, "2025-07-21")
    assert [stage[name] for name in COUNTED] == [6, 0, 0, 0, 0]
    assert stage["counts"] == {"test_issue": 1}
    assert again.code == 0
    assert "us master, list of 2025-07-21" in again.out
    assert again.out.splitlines()[-1].split() == ["6", "0", "0", "0", "0", "6"]
    assert command.rows("SELECT yahoo_symbol FROM miraikakaku.stock_master ORDER BY id")[3:] == [
        ("BRK-B",), ("SPY",), ("BAC-PB",),
    ]  # fmt: skip


def test_a_master_from_the_addresses_of_the_settings_and_a_key_nobody_sees(command: Command) -> None:
    with scripted_yahoo() as exchange:
        exchange.script("/nasdaqlisted.txt", Answer(200, nasdaq_listed(AAPL, NA)))
        exchange.script("/otherlisted.txt", Answer(200, other_listed()))
        exchange.script(
            "/query", answered({"Information": f"We have detected your API key as {KEY}: rate limit."})
        )
        us = command.with_(
            NASDAQ_LISTED_URL=f"{exchange.base_url}/nasdaqlisted.txt",
            OTHER_LISTED_URL=f"{exchange.base_url}/otherlisted.txt",
            ALPHA_VANTAGE_BASE_URL=exchange.base_url,
        )
        served = us("master", "update", "--universe", "us", "--json")
        refusing = us.apart.with_(ALPHA_VANTAGE_API_KEY=KEY)  # only a process shows its log on the screen
        refused = refusing("master", "update", "--universe", "us", "--json")

    assert served.code == 0, served.err
    assert served.document["stages"][0]["added"] == 5
    assert refused.code == 0, refused.err  # the extra is not there; the exchanges' own lists are
    assert "its limit of requests is used up" in refused.err
    assert "The list is made without it." in refused.err
    assert KEY not in served.out + served.err + refused.out + refused.err
    stored = "SELECT count(*) FROM dagster.event_logs WHERE event LIKE '%%" + KEY + "%%'"
    assert command.rows(stored) == [(0,)]
    assert not [
        path for path in command.folder.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()
    ]


@pytest.mark.parametrize(
    ("file", "problem"),
    [
        ("nowhere", "there is no such folder"),
        ("nasdaqlisted.txt", "it is a single file"),
        (".", "it holds no otherlisted.txt"),
    ],
)
def test_what_is_no_us_list_is_refused_in_one_sentence(command: Command, file: str, problem: str) -> None:
    Path(command.folder / "nasdaqlisted.txt").write_bytes(nasdaq_listed())

    ended = command("master", "update", "--universe", "us", "--file", file)

    assert ended.code == 1
    assert problem in ended.errors[0]


@pytest.mark.parametrize(
    ("name", "problem"), [("fx", "No exchange publishes a list of fx"), ("eu", "'eu' is not collected here")]
)
def test_a_universe_without_a_list_is_a_usage_error(nowhere: Command, name: str, problem: str) -> None:
    ended = nowhere("master", "update", "--universe", name)

    assert ended.code == 2
    assert problem in ended.errors[0]
