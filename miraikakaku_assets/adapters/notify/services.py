"""E-mail, and every other service that Apprise knows, as channels.

Apprise says only whether a message was taken; why not is read out of its log.
"""

from typing import Any

from apprise import AppriseAttachment, NotifyType
from apprise.apprise import Apprise
from apprise.attachment.memory import AttachMemory
from apprise.exception import AppriseImproperlyConfigured
from apprise.plugins.base import NotifyBase
from apprise.plugins.email import NotifyEmail

from miraikakaku_assets.adapters.notify.apprise_log import Codes, recorded_codes
from miraikakaku_assets.application.ports.notices import Answer, Message, Severity, Verdict
from miraikakaku_assets.domain.errors import ConfigurationError

SMTP_SECONDS = 15.0
"""Longest wait for each answer of a mail server; some greet slowly on purpose."""

_TYPES = {
    Severity.INFO: NotifyType.INFO,
    Severity.WARNING: NotifyType.WARNING,
    Severity.CRITICAL: NotifyType.FAILURE,
}
_TLS = 465


class ServiceChannel:
    """Implements the port `Channel` over any plugin of Apprise.

    Args:
        name: Name in the outbox.
        plugin: Made by Apprise.
        setting: Name of the setting behind it.
    """

    def __init__(self, name: str, plugin: NotifyBase, setting: str) -> None:
        self.name = name
        self._plugin = plugin
        self._setting = setting

    def send(self, message: Message) -> Answer:
        """Sends title, text and, where the service takes one, the picture."""
        with recorded_codes() as codes:
            try:
                arrived = self._plugin.notify(
                    title=message.title,
                    body=message.text,
                    notify_type=_TYPES[message.severity],
                    attach=self._attached(message.picture),
                )
            except Exception as error:  # noqa: BLE001 - plugins of a hundred services raise what they like
                return Answer(Verdict.LATER, f"it failed with {type(error).__name__}")
        return Answer(Verdict.DELIVERED) if arrived else self._judged(codes)

    def _attached(self, picture: bytes | None) -> Any:
        if picture is None or not self._plugin.attachment_support:
            return None
        attached = AppriseAttachment()
        memory = AttachMemory(content=picture, name="chart.png", mimetype="image/png")  # type: ignore[no-untyped-call]
        attached.add(memory)
        return attached

    def _judged(self, codes: Codes) -> Answer:
        correct = f"correct {self._setting}"
        smtp, http = (replies[-1] if replies else None for replies in (codes.smtp, codes.http))
        if smtp is not None:
            closed = smtp >= 500  # noqa: PLR2004 - SMTP's permanent errors
            advice = correct if closed else "it is tried again"
            return Answer(
                Verdict.CLOSED if closed else Verdict.LATER, f"the mail server answers {smtp}; {advice}"
            )
        if http is not None and 400 <= http < 500 and http not in {408, 429}:  # noqa: PLR2004
            return Answer(Verdict.CLOSED, f"HTTP {http}: it refuses the message; {correct}")
        why = f"HTTP {http}" if http is not None else "it cannot be reached or does not take the message"
        return Answer(Verdict.LATER, why)


def mail_channel(
    name: str, server: tuple[str, int], sender: str, recipient: str, password: str | None
) -> ServiceChannel:
    """E-mail to one recipient; one channel each, so that one that is refused never doubles the others.

    A password only ever goes over TLS: port 465 speaks it from the start, any other one has to offer STARTTLS.

    Args:
        name: Name in the outbox.
        server: Host and port.
        sender: Sender, and name of the account.
        recipient: Address.
        password: Of the account; None to send without logging in.

    Raises:
        ConfigurationError: Apprise does not take an address.
    """
    host, port = server
    mode = "ssl" if port == _TLS else "insecure" if password is None else "starttls"
    login = {} if password is None else {"user": sender, "password": password}
    settings = "SMTP_SERVER, FROM_EMAIL, TO_EMAIL or EMAIL_PASSWORD"
    try:
        plugin = NotifyEmail(  # type: ignore[no-untyped-call]
            smtp_host=host,
            host=host,
            port=port,
            secure=mode != "insecure",
            secure_mode=mode,
            from_addr=f"Miraikakaku <{sender}>",
            targets=[recipient],
            format="text",
            cto=SMTP_SECONDS,
            rto=SMTP_SECONDS,
            **login,
        )
    except AppriseImproperlyConfigured:  # its message may quote what is wrong
        raise ConfigurationError(
            f"{name}: Apprise cannot make a sender of e-mail of this; correct {settings}"
        ) from None
    plugin.request_rate_per_sec = 0
    return ServiceChannel(name, plugin, settings)


def service_channel(name: str, url: str, place: int) -> ServiceChannel:
    """The service behind an Apprise URL.

    Args:
        name: Name in the outbox.
        url: Apprise URL.
        place: Which of NOTIFY_URLS it is, from 1.

    Raises:
        ConfigurationError: Apprise does not understand it.
    """
    with recorded_codes():
        plugin = Apprise.instantiate(url, suppress_exceptions=True)
    if not isinstance(plugin, NotifyBase):
        scheme = url.partition("://")[0]
        raise ConfigurationError(
            f"NOTIFY_URLS: Apprise does not understand number {place} ({scheme}://…); "
            "see https://appriseit.com/services for how to write it"
        )
    return ServiceChannel(name, plugin, f"number {place} of NOTIFY_URLS")
