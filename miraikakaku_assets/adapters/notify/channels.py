"""The channels that are set up, by name. Which of them is told what is `domain.alerting.routes`.

Apprise is loaded when a channel is used for the first time (0.3 s).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from miraikakaku_assets.application.ports.notices import Channel

_MAIL = "email"


@dataclass(frozen=True)
class Addresses:
    """Where people are told; empty means nowhere. Never to be printed: it is full of secrets.

    Attributes:
        discord: Webhook.
        slack: Webhook.
        mail_server: Host of the mail server.
        mail_port: Its port.
        mail_from: Sender, and name of the account.
        mail_to: Recipients.
        mail_password: Of the account.
        others: Apprise URLs.
        alertmanager: Address that takes Alertmanager's webhook JSON.
    """

    discord: str = ""
    slack: str = ""
    mail_server: str = ""
    mail_port: int = 587
    mail_from: str = ""
    mail_to: tuple[str, ...] = ()
    mail_password: str | None = None
    others: tuple[str, ...] = ()
    alertmanager: str = ""

    def __repr__(self) -> str:
        return "Addresses(…)"


class Channels(Mapping[str, Channel]):
    """Name → channel: ``discord``, ``slack``, ``email`` (then ``email-2``, …), ``other-1``, …, ``alertmanager``.

    Args:
        addresses: Where people are told.
    """

    def __init__(self, addresses: Addresses) -> None:
        self._makers = dict(_makers(addresses))
        self._made: dict[str, Channel] = {}

    def __getitem__(self, name: str) -> Channel:
        if name not in self._made:
            self._made[name] = self._makers[name]()
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)


def _makers(addresses: Addresses) -> Iterator[tuple[str, Callable[[], Channel]]]:
    if addresses.discord:
        yield "discord", partial(_discord, addresses.discord)
    if addresses.slack:
        yield "slack", partial(_slack, addresses.slack)
    if addresses.mail_server:
        for place, recipient in enumerate(addresses.mail_to, 1):
            name = _MAIL if place == 1 else f"{_MAIL}-{place}"
            yield name, partial(_mail, name, addresses, recipient)
    for place, url in enumerate(addresses.others, 1):
        yield f"other-{place}", partial(_other, f"other-{place}", url, place)
    if addresses.alertmanager:
        yield "alertmanager", partial(_alertmanager, addresses.alertmanager)


def _discord(address: str) -> Channel:
    from miraikakaku_assets.adapters.notify.webhooks import DiscordChannel

    return DiscordChannel("discord", address, "DISCORD_WEBHOOK_URL")


def _slack(address: str) -> Channel:
    from miraikakaku_assets.adapters.notify.webhooks import SlackChannel

    return SlackChannel("slack", address, "SLACK_WEBHOOK_URL")


def _mail(name: str, addresses: Addresses, recipient: str) -> Channel:
    from miraikakaku_assets.adapters.notify.services import mail_channel

    server = (addresses.mail_server, addresses.mail_port)
    return mail_channel(name, server, addresses.mail_from, recipient, addresses.mail_password)


def _other(name: str, url: str, place: int) -> Channel:
    from miraikakaku_assets.adapters.notify.services import service_channel

    return service_channel(name, url, place)


def _alertmanager(address: str) -> Channel:
    from miraikakaku_assets.adapters.notify.alertmanager import AlertmanagerWebhook

    return AlertmanagerWebhook("alertmanager", address, "ALERTMANAGER_WEBHOOK_URL")
