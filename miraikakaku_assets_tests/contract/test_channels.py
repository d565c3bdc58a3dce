"""The channels themselves: what arrives at Discord, Slack and a mailbox, what refusals mean, and no secret anywhere."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from pydantic import SecretStr

from miraikakaku_assets.adapters.notify.channels import Addresses, Channels
from miraikakaku_assets.adapters.notify.http_answers import judged
from miraikakaku_assets.application.ports.notices import Message, Severity, Verdict
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.settings.checks import channel_names
from miraikakaku_assets_tests.fakes.mail_sink import MailSink, mail_sink
from miraikakaku_assets_tests.fakes.webhook_receiver import (
    DISCORD_PATH,
    SLACK_PATH,
    TOKEN,
    Receiver,
    Reply,
    webhook_receiver,
)

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40
PASSWORD = "s3cr3t-Passw0rd"  # noqa: S105 - what must not be seen
MESSAGE = Message("【売り】反転 7203.T", "価格: 2,812.5円\nRSI_14 *70* @everyone", Severity.INFO, PNG)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with webhook_receiver() as listening:
        yield listening


@pytest.fixture
def sink() -> Iterator[MailSink]:
    with mail_sink() as listening:
        yield listening


def mail(sink: MailSink, *recipients: str, password: str | None = None) -> Channels:
    return Channels(
        Addresses(
            mail_server="127.0.0.1",
            mail_port=sink.port,
            mail_from="bot@example.org",
            mail_to=recipients,
            mail_password=password,
        )
    )


def test_discord_gets_text_and_picture_as_one_message(receiver: Receiver) -> None:
    answer = Channels(Addresses(discord=receiver.discord))["discord"].send(MESSAGE)
    assert answer.verdict is Verdict.DELIVERED
    (got,) = receiver.got
    assert (got.path, got.query) == (DISCORD_PATH, {"wait": ["true"]})
    assert got.text == "**【売り】反転 7203.T**\n価格: 2,812.5円\nRSI\\_14 \\*70\\* @everyone"
    assert got.payload["allowed_mentions"] == {"parse": []}
    assert got.pictures == [("chart.png", PNG)]


def test_discord_without_a_picture_is_json_and_a_thread_is_kept(receiver: Receiver) -> None:
    channel = Channels(Addresses(discord=f"{receiver.discord}?thread_id=77"))["discord"]
    assert channel.send(Message("t", "あ" * 5000, Severity.WARNING)).verdict is Verdict.DELIVERED
    (got,) = receiver.got
    assert (got.query, got.pictures) == ({"thread_id": ["77"], "wait": ["true"]}, [])
    assert len(got.text) <= 2000


def test_slack_gets_title_and_text(receiver: Receiver) -> None:
    receiver.script(SLACK_PATH, Reply(body=b"ok"))
    channel = Channels(Addresses(slack=receiver.slack))["slack"]
    assert channel.send(MESSAGE).verdict is Verdict.DELIVERED
    assert channel.send(Message("t", "x" * 9000, Severity.INFO)).verdict is Verdict.DELIVERED
    first, second = (str(request.payload) for request in receiver.got)
    assert "【売り】反転 7203.T" in first
    assert "2,812.5円" in first
    assert "x" * 2800 in second
    assert "x" * 3001 not in second


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (204, Verdict.DELIVERED),
        (429, Verdict.LATER),
        (500, Verdict.LATER),
        (503, Verdict.LATER),
        (408, Verdict.LATER),
        (400, Verdict.UNFIT),
        (413, Verdict.UNFIT),
        (401, Verdict.CLOSED),
        (404, Verdict.CLOSED),
        (302, Verdict.CLOSED),
    ],
)
def test_each_status_has_its_meaning(receiver: Receiver, status: int, verdict: Verdict) -> None:
    elsewhere = {"Location": f"{receiver.base_url}/elsewhere"} if status == 302 else {}
    body = b"" if status == 204 else f'{{"message": "{TOKEN}"}}'.encode()
    for path in (DISCORD_PATH, SLACK_PATH):
        receiver.script(path, Reply(status, body, elsewhere))
    channels = Channels(Addresses(discord=receiver.discord, slack=receiver.slack))
    for name in channels:
        answer = channels[name].send(MESSAGE)
        assert answer.verdict is verdict
        assert TOKEN not in answer.explanation
    assert {request.path for request in receiver.got} == {DISCORD_PATH, SLACK_PATH}


def test_a_wish_to_be_left_alone_is_read_in_every_spelling() -> None:
    def wait(headers: dict[str, str], body: bytes = b"", status: int = 429) -> float | None:
        return judged(status, headers, body, "X").wait

    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=900), usegmt=True)
    theirs = {"Date": "Wed, 21 Oct 2015 07:26:30 GMT", "Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}
    assert wait(theirs) == 90  # whatever our clock says
    assert wait({"Retry-After": "65"}) == 65
    assert 60 < (wait({"Retry-After": soon}) or 0) <= 900
    assert wait({"Retry-After": "1"}, b'{"retry_after": 64.57}') == 64.57
    assert wait({"Retry-After": "7"}, status=503) == 7
    assert wait({"Retry-After": "-5"}) == 1
    for nothing in ({}, {"Retry-After": "soon"}):
        assert wait(nothing, b"<html>") is None
    assert wait({"X-RateLimiter-Remaining": "0", "X-RateLimiter-Reset-After": "0.5"}, status=200) == 0.5
    assert wait({"X-RateLimiter-Remaining": "3", "X-RateLimiter-Reset-After": "0.5"}, status=200) is None


def test_each_recipient_gets_a_letter_of_his_own(sink: MailSink) -> None:
    channels = mail(sink, "admin@example.org", "second@example.org")
    assert list(channels) == ["email", "email-2"]
    for name in channels:
        assert channels[name].send(MESSAGE).verdict is Verdict.DELIVERED
    first, second = sink.letters
    assert ["admin@example.org" in str(first["To"]), "second@example.org" in str(second["To"])] == [True] * 2
    assert (str(first["Subject"]), "bot@example.org" in str(first["From"])) == (MESSAGE.title, True)
    body = first.get_body(("plain",))
    assert body is not None
    assert "価格: 2,812.5円" in body.get_content()
    (picture,) = first.iter_attachments()
    assert (picture.get_content_type(), picture.get_content()) == ("image/png", PNG)


def test_a_password_never_goes_over_an_open_line(sink: MailSink) -> None:
    sink.offers = ("AUTH PLAIN LOGIN",)  # and no STARTTLS
    answer = mail(sink, "admin@example.org", password=PASSWORD)["email"].send(MESSAGE)
    assert answer.verdict is not Verdict.DELIVERED
    assert sink.said
    assert PASSWORD not in sink.heard
    assert PASSWORD not in answer.explanation
    assert sink.letters == []


@pytest.mark.parametrize(
    ("command", "answer", "verdict"),
    [
        ("RCPT", "550 5.1.1 no such user", Verdict.CLOSED),
        ("RCPT", "451 4.7.1 greylisted", Verdict.LATER),
        ("MAIL", "552 5.3.4 too large", Verdict.CLOSED),
        ("DATA", "421 4.3.2 going down", Verdict.LATER),
    ],
)
def test_what_a_mail_server_refuses_for_good_and_for_now(
    sink: MailSink, command: str, answer: str, verdict: Verdict
) -> None:
    sink.answers[command] = answer
    delivery = mail(sink, "admin@example.org")["email"].send(MESSAGE)
    assert (delivery.verdict, answer[:3] in delivery.explanation) == (verdict, True)


def test_a_mail_server_that_is_not_there_is_tried_later(sink: MailSink) -> None:
    gone = Addresses(
        mail_server="127.0.0.1", mail_port=9, mail_from="a@example.org", mail_to=("c@example.org",)
    )
    assert Channels(gone)["email"].send(MESSAGE).verdict is Verdict.LATER


@pytest.mark.parametrize(
    ("status", "verdict"), [(200, Verdict.DELIVERED), (500, Verdict.LATER), (401, Verdict.CLOSED)]
)
def test_any_service_of_apprise_is_a_channel(receiver: Receiver, status: int, verdict: Verdict) -> None:
    receiver.script(f"/{TOKEN}", Reply(status))
    url = receiver.base_url.replace("http://", "json://") + f"/{TOKEN}"
    channels = Channels(Addresses(others=(url, url)))
    assert list(channels) == ["other-1", "other-2"]
    answer = channels["other-2"].send(MESSAGE)
    assert answer.verdict is verdict
    assert TOKEN not in answer.explanation
    assert receiver.got[-1].payload["title"] == MESSAGE.title


def test_an_apprise_url_that_means_nothing_is_named_by_its_place_only() -> None:
    channels = Channels(Addresses(others=("json://localhost", f"nonsense://{TOKEN}/x")))
    with pytest.raises(ConfigurationError, match=r"NOTIFY_URLS: .* number 2 \(nonsense://…\)") as caught:
        channels["other-2"]
    assert TOKEN not in str(caught.value)


def test_the_settings_name_the_channels_that_there_are() -> None:
    given = {
        "discord_webhook_url": "d",
        "slack_webhook_url": "s",
        "smtp_server": "mail",
        "to_email": "c@d,e@f",
        "notify_urls": SecretStr("json://x json://y"),
        "alertmanager_webhook_url": "http://a",
    }
    others = ("json://x", "json://y")
    channels = Channels(Addresses("d", "s", "mail", 25, "a@b", ("c@d", "e@f"), None, others, "http://a"))
    assert channel_names(given) == tuple(channels)
    assert channel_names({"to_email": "c@d"}) == tuple(Channels(Addresses(mail_to=("c@d",)))) == ()


def test_no_secret_is_in_any_log(
    receiver: Receiver, sink: MailSink, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger().setLevel(logging.DEBUG)
    receiver.script(DISCORD_PATH, Reply(404))
    receiver.script(SLACK_PATH, Reply(500))
    receiver.script(f"/{TOKEN}", Reply(403))
    addresses = Addresses(
        receiver.discord, receiver.slack, "127.0.0.1", sink.port, "a@example.org", ("b@example.org",), PASSWORD,
        (receiver.base_url.replace("http://", "json://") + f"/{TOKEN}",),
    )  # fmt: skip
    channels = Channels(addresses)
    deliveries = [str(channels[name].send(MESSAGE)) for name in channels]
    out, err = capfd.readouterr()
    everything = "\n".join([*deliveries, caplog.text, out, err, repr(addresses), repr(channels)])
    assert len(deliveries) == 4
    for secret in (TOKEN, SLACK_PATH.rpartition("/")[2], PASSWORD):
        assert secret not in everything
