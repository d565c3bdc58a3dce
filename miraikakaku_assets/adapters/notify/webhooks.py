"""Discord and Slack through Apprise, with the HTTP status kept.

Apprise makes the payload. Its own sending answers only yes or no, sleeps and asks a second time on a 429, follows no
other host, and posts a picture as a second message, so that one of the two may be lost or doubled. Here one message is
one request, to the address as it is, and what was answered is kept.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from apprise.plugins.discord import NotifyDiscord
from apprise.plugins.slack import NotifySlack
from curl_cffi import CurlMime, requests

from miraikakaku_assets.adapters.notify import apprise_log
from miraikakaku_assets.adapters.notify.http_answers import judged
from miraikakaku_assets.application.ports.notices import Answer, Message, Verdict

LONGEST = 10.0
"""Seconds for a whole request: a channel that hangs costs no more."""

DISCORD_LIMIT, SLACK_LIMIT = 2000, 2900
"""Characters of one message; Slack's 3000 are counted after `&` has become `&amp;`."""

_NOT_MADE = Answer(Verdict.UNFIT, "Apprise makes no message of it")
_MARKS = re.compile(r"([\\*_~`|>])")


class _Discord(NotifyDiscord):  # type: ignore[no-untyped-call]
    """Apprise's plugin for one webhook; each of its messages goes to `deliver`."""

    deliver: Callable[[Any], bool]

    def _send(self, payload: Any, *_: Any, **__: Any) -> bool:
        return self.deliver(payload)


class _Slack(NotifySlack):  # type: ignore[no-untyped-call]
    """Likewise."""

    deliver: Callable[[Any], bool]

    def _send(self, url: Any, payload: Any, *_: Any, **__: Any) -> Any:
        del url  # made from the tokens, for Slack's own host
        return {"ok": True} if self.deliver(payload) else False


class JsonWebhook:
    """One address that takes JSON."""

    def __init__(self, name: str, address: str, setting: str) -> None:
        self.name = name
        self._address = address
        self._setting = setting

    def post(self, payload: Any, picture: bytes | None = None) -> Answer:
        """One request with a document, and a picture beside it."""
        body = json.dumps(payload, ensure_ascii=False).encode()
        mime = None if picture is None else _multipart(body, picture)
        given: dict[str, Any] = {"data": body, "headers": {"Content-Type": "application/json; charset=utf-8"}}
        try:
            answer = requests.post(
                self._address,
                timeout=LONGEST,
                allow_redirects=False,  # they would carry the message to somebody else
                **(given if mime is None else {"multipart": mime}),
            )
        except requests.exceptions.Timeout:
            return Answer(Verdict.LATER, f"no answer within {LONGEST:g} seconds")
        except requests.exceptions.RequestException as error:  # its text may quote the address
            return Answer(Verdict.LATER, f"it cannot be reached ({type(error).__name__})")
        finally:
            if mime is not None:
                mime.close()
        headers: Mapping[str, str] = answer.headers  # type: ignore[assignment]
        return judged(answer.status_code, headers, answer.content, self._setting)


class DiscordChannel(JsonWebhook):
    """Implements the port `Channel` over a Discord webhook.

    Args:
        name: Name in the outbox.
        address: ``https://discord.com/api/webhooks/ID/TOKEN``, or the same path at any other host; a ``thread_id`` in
            its query is kept.
        setting: Name of the setting that holds it.
    """

    def __init__(self, name: str, address: str, setting: str) -> None:
        parts = urlsplit(address)
        # Discord then answers after it has stored the message, and says so if it could not.
        query = "&".join(part for part in (parts.query, "wait=true") if part)
        super().__init__(name, parts._replace(query=query).geturl(), setting)
        webhook_id, token = parts.path.rstrip("/").split("/")[-2:]
        thread = parse_qs(parts.query).get("thread_id", [None])[0]
        self._plugin = _Discord(webhook_id, token, avatar=False, thread=thread, overflow="truncate")

    def send(self, message: Message) -> Answer:
        """Sends title, text and picture as one message; nobody is mentioned, whatever the text says."""
        answers: list[Answer] = []

        def deliver(payload: Any) -> bool:
            quiet = payload | {"allowed_mentions": {"parse": []}}
            answers.append(self.post(quiet, message.picture))
            return answers[-1].verdict is Verdict.DELIVERED

        self._plugin.deliver = deliver
        with apprise_log.recorded_codes():
            self._plugin.notify(body=_fitting(_discord_text(message), DISCORD_LIMIT))
        return answers[-1] if answers else _NOT_MADE


class SlackChannel(JsonWebhook):
    """Implements the port `Channel` over a Slack incoming webhook, which takes no pictures.

    Args:
        name: Name in the outbox.
        address: ``https://hooks.slack.com/services/T…/B…/…``, or the same path at any other host.
        setting: Name of the setting that holds it.
    """

    def __init__(self, name: str, address: str, setting: str) -> None:
        super().__init__(name, address, setting)
        first, second, third = urlsplit(address).path.rstrip("/").split("/")[-3:]
        tokens = {"token_a": first, "token_b": second, "token_c": third, "format": "text"}
        self._plugin = _Slack(include_footer=False, **tokens)  # type: ignore[no-untyped-call]

    def send(self, message: Message) -> Answer:
        """Sends title and text."""
        answers: list[Answer] = []

        def deliver(payload: Any) -> bool:
            answers.append(self.post(payload))
            return answers[-1].verdict is Verdict.DELIVERED

        self._plugin.deliver = deliver
        with apprise_log.recorded_codes():
            self._plugin.notify(title=message.title, body=_fitting(message.text, SLACK_LIMIT))
        return answers[-1] if answers else _NOT_MADE


def _discord_text(message: Message) -> str:
    """Bold title and text; what Discord would take for its own marks is shown as it is."""
    return f"**{_plain(message.title)}**\n{_plain(message.text)}"


def _plain(text: str) -> str:
    return _MARKS.sub(r"\\\1", text)


def _fitting(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _multipart(body: bytes, picture: bytes) -> CurlMime:
    mime = CurlMime()
    mime.addpart("payload_json", content_type="application/json", data=body)
    mime.addpart("files[0]", content_type="image/png", filename="chart.png", data=picture)
    return mime
