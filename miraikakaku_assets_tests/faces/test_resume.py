"""A source's pause: `status` says how long it lasts and what lifts it, and `resume` does."""

import re

import pytest

from miraikakaku_assets_tests.support.command import Command
from miraikakaku_assets_tests.support.in_process import ports_of
from miraikakaku_assets_tests.support.moments import NOW

pytestmark = pytest.mark.slow

PAUSED = r"paused for another \d+ s, until \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"


def pause(command: Command, reason: str) -> None:
    use = ports_of(command, NOW)
    use.sources.rate_limiter.pause(reason)
    use.database.close()


def test_a_pause_is_said_with_its_end_and_lifted(command: Command) -> None:
    pause(command, "Yahoo answers HTTP 429")

    status = command("status")
    refused = command("master", "update")
    collected = command("collect")
    lifted = command("resume")
    again = command("resume", "--json")

    assert re.search(f"{PAUSED} \\(`miraikakaku resume` lifts the pause\\)", status.out)
    assert refused.code == 0, refused.err  # a list is another source
    assert collected.code == 3
    (sentence,) = collected.errors
    assert "what is left goes on then, or now after `miraikakaku resume`" in sentence
    assert re.search(r" \(\d+ s left\)$", sentence)
    assert (lifted.code, again.code) == (0, 0)
    assert re.match(f"yahoo was {PAUSED}; that is lifted: repeat the collection", lifted.out)
    assert again.document == {
        "succeeded": True,
        "source": "yahoo",
        "was_paused": False,
        "until": None,
        "seconds_left": None,
        "reason": None,
    }
    assert command("collect").code == 0


def test_a_parked_collection_says_when_it_goes_on(command: Command) -> None:
    assert command("master", "update").code == 0
    pause(command, "Yahoo answers HTTP 429")
    assert command("collect").code == 3

    shown = command("status").out

    assert re.search(r"paused +jp 1d: 0 of 8 symbols; goes on in \d+ s, until \d{4}-", shown)


def test_nothing_is_lifted_where_nothing_is_paused(command: Command) -> None:
    before = command("resume")
    database = command.with_(DATABASE_URL="postgresql://reader@127.0.0.1:9/prices")("resume", "--json")

    assert (before.code, before.out) == (0, "yahoo is not paused; there is nothing to lift\n")
    assert database.code == 3
    assert database.document["exit_code"] == 3
