"""Alpha Vantage over HTTP: its list, its refusals, and a key that nobody ever sees."""

import traceback
from collections.abc import Iterator

import pytest

from miraikakaku_assets.adapters.sources.us_listings.alpha_vantage import fetch_listing_status
from miraikakaku_assets.adapters.sources.us_listings.directories import UsAddresses, UsDirectories
from miraikakaku_assets.domain.errors import DependencyUnavailableError, InputFileError
from miraikakaku_assets_tests.fakes.scripted_yahoo import (
    NEVER,
    Answer,
    ScriptedYahoo,
    answered,
    scripted_yahoo,
)
from miraikakaku_assets_tests.support.markets.us_directories import (
    listing_status,
    nasdaq_listed,
    other_listed,
)

KEY = "K3Y&with=marks"
SAID = listing_status("AAPL,Apple Inc,NASDAQ,Stock,1980-12-12,null,Active")


@pytest.fixture
def exchange() -> Iterator[ScriptedYahoo]:
    with scripted_yahoo() as server:
        server.script("/symdir/nasdaqlisted.txt", Answer(200, nasdaq_listed()))
        server.script("/symdir/otherlisted.txt", Answer(200, other_listed()))
        server.script("/query", Answer(200, SAID))
        yield server


def source(exchange: ScriptedYahoo, key: str = KEY) -> UsDirectories:
    base = exchange.base_url
    addresses = UsAddresses(
        f"{base}/symdir/nasdaqlisted.txt", f"{base}/symdir/otherlisted.txt", f"{base}/", key
    )
    assert not key or key not in repr(addresses)
    return UsDirectories(2.0, addresses)


def test_all_parts_are_fetched_and_the_key_is_sent_but_not_shown(exchange: ScriptedYahoo) -> None:
    us = source(exchange)
    publication = us.fetch(None)
    assert exchange.asked == [
        ("/symdir/nasdaqlisted.txt", {}),
        ("/symdir/otherlisted.txt", {}),
        ("/query", {"function": "LISTING_STATUS", "apikey": KEY}),
    ]
    assert [file.name for file in publication.files][-1] == f"{exchange.base_url}/query"
    assert us.locations[1:] == (f"{exchange.base_url}/symdir/otherlisted.txt", f"{exchange.base_url}/")
    assert len(us.parse(publication).issues) == 6


def test_without_a_key_it_is_not_asked(exchange: ScriptedYahoo) -> None:
    us = source(exchange, "")
    assert us.parse(us.fetch(None)).counts == {"test_issue": 1}
    assert "/query" not in [path for path, _ in exchange.asked]
    assert len(us.locations) == 2


def test_both_directories_below_another_address(exchange: ScriptedYahoo) -> None:
    us = source(exchange)
    assert len(us.parse(us.fetch(f"{exchange.base_url}/symdir/")).issues) == 6
    assert "/query" not in [path for path, _ in exchange.asked]


# Bodies as Alpha Vantage sends them, HTTP 200 all; the second one repeats the caller's key.
REFUSALS = {
    "Note": (
        "Thank you for using Alpha Vantage! Our standard API call frequency is 5 calls per minute.",
        "its limit of requests is used up",
    ),
    "Information": (
        f"We have detected your API key as {KEY} and our standard API rate limit is 25 requests per day.",
        "its limit of requests is used up",
    ),
    "Error Message": ("the parameter apikey is invalid or missing.", "ALPHA_VANTAGE_API_KEY is refused"),
    "information": (
        "The **demo** API key is for demo purposes only.",
        "the demo key serves its own examples only",
    ),
    "Warning": ("Something else.", "it gives no reason we know"),
}


@pytest.mark.parametrize("kind", REFUSALS)
def test_a_refusal_costs_its_days_only_and_its_body_is_not_repeated(
    exchange: ScriptedYahoo, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    body, meaning = REFUSALS[kind]
    exchange.script("/query", answered({kind: body}))
    publication = source(exchange).fetch(None)
    assert [file.part for file in publication.files] == ["nasdaqlisted.txt", "otherlisted.txt"]
    assert meaning in caplog.text
    assert "The list is made without it." in caplog.text
    assert KEY not in caplog.text
    assert body not in caplog.text


@pytest.mark.parametrize(
    "answer",
    [Answer(503, b"busy"), Answer(200, SAID, delay=NEVER), Answer(200, SAID, cut=10)],
    ids=["503", "slow", "cut"],
)
def test_no_part_of_an_error_holds_the_key(
    exchange: ScriptedYahoo, answer: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    exchange.script("/query", answer)
    with pytest.raises(DependencyUnavailableError) as caught:
        fetch_listing_status(exchange.base_url, KEY, 1.0)
    trace = "".join(traceback.format_exception(caught.value))
    assert "K3Y" not in trace
    assert f"{exchange.base_url}/query" in str(caught.value)
    assert len(source(exchange).fetch(None).files) == 2
    assert "K3Y" not in caplog.text
    assert f"{exchange.base_url}/query" in caplog.text


def test_an_empty_list_is_none(exchange: ScriptedYahoo) -> None:
    exchange.script("/query", Answer(200, b"\r\n"))
    with pytest.raises(InputFileError, match="empty"):
        source(exchange).fetch(None)
