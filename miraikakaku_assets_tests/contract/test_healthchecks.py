"""Pings of a dead man's switch: where they go, what they carry, and that nobody waits for them."""

import pytest

from miraikakaku_assets.adapters.notify.healthchecks import HealthcheckPings, ping_address
from miraikakaku_assets.application.monitoring.ping_schedules import (
    Pinged,
    ScheduledRun,
    SkippedTick,
    ping_schedules,
)
from miraikakaku_assets.application.ports.operations.pings import Signal
from miraikakaku_assets_tests.fakes.ping_receiver import ping_receiver

RUN = "5f0c1a2e-0000-4000-8000-000000000001"


@pytest.mark.parametrize(
    ("address", "signal", "sent"),
    [
        ("https://hc.example/key", Signal.SUCCESS, f"https://hc.example/key/jp-daily?rid={RUN}"),
        ("https://hc.example/key/", Signal.START, f"https://hc.example/key/jp-daily/start?rid={RUN}"),
        (
            "https://hc.example/key?create=1",
            Signal.FAILURE,
            f"https://hc.example/key/jp-daily/fail?create=1&rid={RUN}",
        ),
        (
            "https://hc.example/{name}/ping",
            Signal.FAILURE,
            f"https://hc.example/jp-daily/ping/fail?rid={RUN}",
        ),
    ],
)
def test_the_name_is_the_last_part_or_where_the_address_says(address: str, signal: Signal, sent: str) -> None:
    assert ping_address(address, "jp_daily", signal, RUN) == sent


def test_a_ping_carries_the_end_of_the_log_and_is_tried_again_within_seconds() -> None:
    waited: list[float] = []
    with ping_receiver() as receiver:
        receiver.statuses = [503, 429, 200]
        pings = HealthcheckPings(receiver.address, waited.append)
        assert pings.ping("jp_daily", Signal.FAILURE, text="あ" * 9_000 + "the end") is None
    assert receiver.paths == ["/jp-daily/fail"] * 3
    assert receiver.got[-1][1].endswith("the end")
    assert len(receiver.got[-1][1].encode()) <= 10_000
    assert 0 < sum(waited) < 5


def test_a_ping_that_does_not_arrive_is_left_and_its_address_shows_nowhere() -> None:
    waited: list[float] = []
    pings = HealthcheckPings("http://127.0.0.1:9/ping-key-s3cr3t", waited.append)
    trouble = pings.ping("jp_daily", Signal.SUCCESS)
    assert trouble is not None
    assert "ping success of jp_daily" in trouble
    assert "s3cr3t" not in f"{trouble} {pings!r}"
    assert len(waited) == 2
    pings.ping("us_daily", Signal.SUCCESS)
    assert len(waited) == 2  # one silence costs the others no time

    with ping_receiver() as receiver:
        receiver.statuses = [404]
        wrong = HealthcheckPings(receiver.address, waited.append).ping("jp_daily", Signal.SUCCESS)
    assert wrong == "the ping success of jp_daily did not arrive: HTTP 404; correct HEALTHCHECK_URL"
    assert len(receiver.got) == 1


def test_without_an_address_nobody_is_asked() -> None:
    assert HealthcheckPings("").ping("jp_daily", Signal.SUCCESS) is None


def test_starts_come_before_their_ends_and_each_is_said_once() -> None:
    with ping_receiver() as receiver:
        pings = HealthcheckPings(receiver.address)

        def say(*runs: ScheduledRun, before: Pinged, skipped: tuple[SkippedTick, ...] = ()) -> Pinged:
            return ping_schedules(runs, skipped, before, pings, lambda run: f"log of {run}")

        short = ScheduledRun("fx_cycle", "short", Signal.SUCCESS)
        said = say(short, ScheduledRun("jp_daily", "long"), before=Pinged())
        waits = SkippedTick("jp_daily", "The previous one still runs.")
        said = say(short, before=said, skipped=(waits, SkippedTick("us_daily", "The market is closed.")))
        say(ScheduledRun("jp_daily", "long", Signal.FAILURE), before=said)
    assert receiver.paths == [
        "/fx-cycle/start?rid=short",
        "/fx-cycle?rid=short",
        "/jp-daily/start?rid=long",
        "/us-daily",
        "/jp-daily/fail?rid=long",
    ]
    assert [body for _, body in receiver.got] == [
        "",
        "log of short",
        "",
        "The market is closed.",
        "log of long",
    ]
