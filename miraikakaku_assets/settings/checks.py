"""What a value has to look like, setting by setting: each takes a value, and raises what is said behind its name."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, SecretStr, ValidationInfo

from miraikakaku_assets.domain.alerting.routes import parse_routes
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.market.universes import COPPER, FX, JP, UNIVERSES, US
from miraikakaku_assets.domain.market.universes.record import Universe
from miraikakaku_assets.domain.operations.cold_months import LEAST_COLD_AFTER_DAYS
from miraikakaku_assets.domain.words import named_in
from miraikakaku_assets.fault_points import parse_orders

_TIME_OF_DAY = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_DISCORD_PATH = re.compile(r"/api(/v\d+)?/webhooks/\d+/[A-Za-z0-9_-]+/?")
_SLACK_PATH = re.compile(r"/services/[A-Z0-9]+/[A-Z0-9]+/[A-Za-z0-9]+/?")
_MAIL_ADDRESS = re.compile(r"[^@\s,<>]+@[^@\s,<>]+")
_PORTS = 65_536
_APPRISE_URL = re.compile(r"[A-Za-z0-9]+://\S+")
_FIRST_DAY = "1900-01-01"


def _is_web_address(value: str) -> bool:
    try:
        parts = urlsplit(value)
        return bool(parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0)
    except ValueError:  # a port that is none
        return False


def _web_address(value: str) -> str:
    if not _is_web_address(value):
        raise ValueError("must be a web address like https://query2.finance.yahoo.com")
    return value


def _expandable(value: Path) -> Path:
    try:
        value.expanduser()
    except RuntimeError:
        raise ValueError("must not begin with ~ and a name that nobody here has") from None
    return value


def _file_name(value: str) -> str:
    _expandable(Path(value))
    return value


def _address_or_file(value: str) -> str:
    _expandable(Path(value.removeprefix("file://")))
    if "://" in value and not value.startswith("file://") and not _is_web_address(value):
        raise ValueError("must be a web address like https://example.org/list or the path of a file")
    return value


def _nameable(value: Path) -> Path:
    if not str(value).isprintable():  # PostgreSQL keeps it in a file of lines
        raise ValueError("must be a path without line breaks, control characters or undecodable bytes")
    return _expandable(value)


def _postgres_url(value: SecretStr | None) -> SecretStr | None:
    allowed = ("postgresql://", "postgres://", "postgresql+psycopg2://")
    if value is None:
        return None
    if not value.get_secret_value().startswith(allowed):
        raise ValueError("must start with postgresql:// (PostgreSQL is the only database engine)")
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(value.get_secret_value())
    except (ValueError, ArgumentError):  # their messages may quote the password
        raise ValueError("must look like postgresql://user:password@host:5432/database") from None
    if "password" in url.query:  # it is only hidden before the @
        raise ValueError("must carry its password as user:password@host")
    if "@" in (url.host or ""):  # the rest of a password with an @ would be shown as part of the host
        raise ValueError("must write an @ in its password as %40")
    if url.port is not None and not 0 < url.port < _PORTS:
        raise ValueError("must name a port from 1 to 65535")
    return value


def _redis_url(value: SecretStr | None) -> SecretStr | None:
    if value is None:
        return None
    try:
        parts = urlsplit(value.get_secret_value())
        known = parts.scheme in {"redis", "rediss"} and parts.hostname and (parts.port or True)
    except ValueError:  # its message quotes what it could not read
        known = False
    if not known:
        raise ValueError("must look like redis://:password@host:6379/0")
    return value


def _symbols_of(market: Universe) -> Callable[[str], str]:
    """What names symbols of a universe: all it has, or a watch list, which may be empty."""

    def check(value: str) -> str:
        symbols = named_in(value)
        if not market.has_master:
            try:
                for symbol in symbols:
                    market.named_issue(symbol)
            except ConfigurationError as error:
                raise ValueError(str(error)) from None
        if not (symbols or market.has_master) or not all(market.writes(symbol) for symbol in symbols):
            raise ValueError(f"must name {market.symbols_like}")
        return ",".join(symbols)

    return check


def _any_symbols(value: str) -> str:
    symbols = named_in(value)
    markets = UNIVERSES.values()
    if not symbols or not all(any(market.writes(symbol) for market in markets) for symbol in symbols):
        raise ValueError(f"must name symbols like {','.join(market.example for market in markets)}")
    return ",".join(symbols)


def _time_of_day(value: str) -> str:
    if not _TIME_OF_DAY.fullmatch(value):
        raise ValueError("must be a time of day like 07:00")
    return value


def _iso_day(value: str) -> str:
    day = date.fromisoformat(value).isoformat()
    today = datetime.now(ZoneInfo("Asia/Tokyo")).date()  # where a day begins first
    if not _FIRST_DAY <= day <= today.isoformat():
        raise ValueError(f"must be a day from {_FIRST_DAY} to today")
    return day


def _webhook(path: re.Pattern[str], like: str) -> Callable[[SecretStr | None], SecretStr | None]:
    def check(value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return None
        try:
            parts = urlsplit(value.get_secret_value())
            known = parts.scheme in {"http", "https"} and parts.hostname and (parts.port or True)
        except ValueError:  # its message quotes what it could not read
            known = False
        if not known or not path.fullmatch(parts.path):
            raise ValueError(f"must be the address of a webhook like https://{like}")
        return value

    return check


def _ping_address(value: SecretStr | None) -> SecretStr | None:
    if value is None:
        return None
    address = value.get_secret_value()
    try:
        parts = urlsplit(address)
        known = parts.scheme in {"http", "https"} and parts.hostname and (parts.port or True)
    except ValueError:  # its message quotes what it could not read
        known = False
    if not known or not parts.path.strip("/") or re.search(r"[{}]", address.replace("{name}", "")):
        raise ValueError(
            "must be an address like https://hc-ping.com/PING-KEY; {name} in it stands for the schedule's name"
        )
    return value


def _mail_addresses(value: str, info: ValidationInfo) -> str:
    addresses = named_in(value)
    if info.field_name == "from_email" and len(addresses) > 1:
        raise ValueError("must be one address like alerts@example.org")
    if not all(_MAIL_ADDRESS.fullmatch(address) for address in addresses):
        raise ValueError("must be addresses like admin@example.org, with commas between them")
    if info.data.get("smtp_server") and not addresses:
        raise ValueError("must be set with SMTP_SERVER")
    return ",".join(addresses)


def _apprise_urls(value: SecretStr | None) -> SecretStr | None:
    parts = value.get_secret_value().split() if value else []
    if not all(_APPRISE_URL.fullmatch(part) for part in parts):
        raise ValueError("must be Apprise URLs like tgram://bottoken/chat, with blanks between them")
    return value


def _secret_web_address(value: SecretStr | None) -> SecretStr | None:
    if value is not None and not _is_web_address(value.get_secret_value()):
        raise ValueError("must be a web address like http://127.0.0.1:9095/hook")
    return value


def channel_names(given: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the channels that settings set up, in the order in which they are told.

    Args:
        given: Name of a setting → its value.
    """
    names = [name for name in ("discord", "slack") if given.get(f"{name}_webhook_url")]
    recipients = named_in(given.get("to_email") or "") if given.get("smtp_server") else []
    names += ["email" if place == 1 else f"email-{place}" for place in range(1, len(recipients) + 1)]
    others = given.get("notify_urls")
    names += [
        f"other-{place}" for place, _ in enumerate(others.get_secret_value().split() if others else (), 1)
    ]
    return (*names, "alertmanager") if given.get("alertmanager_webhook_url") else tuple(names)


def _alert_routes(value: str, info: ValidationInfo) -> str:
    try:
        parse_routes(value, channel_names(info.data))
    except ConfigurationError as error:
        raise ValueError(f"cannot be used: {error}") from None
    return value


def _utc(value: datetime | None) -> datetime | None:
    if value is not None and value.tzinfo is None:
        raise ValueError("must be a moment with its zone like 2026-11-19T12:00:00+00:00")
    try:
        return value and value.astimezone(UTC)
    except OverflowError:
        raise ValueError("must be a moment within the years 1 to 9999 of UTC") from None


def _web_page(value: str) -> str:
    if not _is_web_address(value):
        raise ValueError("must be the address of a page like https://www.westmetall.com/de/markdaten.php")
    return value


Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]
Many = Annotated[int, Field(gt=0, le=100_000)]


def _origins(value: str) -> str:
    for name in named_in(value):
        if not _is_web_address(name) or name.count("/") != 2 or "@" in name:  # noqa: PLR2004 - those of ://
            raise ValueError(
                f"has {name!r} in it; write sites like https://pro.openbb.co, without path or wildcard"
            )
    return value


def _cold_days(value: int | None) -> int | None:
    if value is not None and value < LEAST_COLD_AFTER_DAYS:
        raise ValueError(
            f"must be at least {LEAST_COLD_AFTER_DAYS}: sources deliver five-minute bars of the last 60 days again, "
            "and those stay in the database"
        )
    return value


def _fault_orders(value: str) -> str:
    parse_orders(value)
    return value


Days = Annotated[int, Field(gt=0, le=36_500)]
ColdDays = Annotated[int | None, Field(le=36_500), AfterValidator(_cold_days)]
Moment = Annotated[datetime | None, AfterValidator(_utc)]
Day = Annotated[str, AfterValidator(_iso_day)]
TimeOfDay = Annotated[str, AfterValidator(_time_of_day)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
WebPage = Annotated[str, AfterValidator(_web_page)]
Origins = Annotated[str, AfterValidator(_origins)]
AddressOrFile = Annotated[str, AfterValidator(_address_or_file)]
FileName = Annotated[str, AfterValidator(_file_name)]
LocalPath = Annotated[Path | None, AfterValidator(lambda value: value and _expandable(value))]
StateFolder = Annotated[Path, AfterValidator(_nameable)]
PostgresUrl = Annotated[SecretStr | None, AfterValidator(_postgres_url)]
RedisUrl = Annotated[SecretStr | None, AfterValidator(_redis_url)]
CurrencyPairs = Annotated[str, AfterValidator(_symbols_of(FX))]
CopperFutures = Annotated[str, AfterValidator(_symbols_of(COPPER))]
TokyoSymbols = Annotated[str, AfterValidator(_symbols_of(JP))]
UsSymbols = Annotated[str, AfterValidator(_symbols_of(US))]
AnySymbols = Annotated[str, AfterValidator(_any_symbols)]
DiscordWebhook = Annotated[
    SecretStr | None, AfterValidator(_webhook(_DISCORD_PATH, "discord.com/api/webhooks/ID/TOKEN"))
]
SlackWebhook = Annotated[
    SecretStr | None, AfterValidator(_webhook(_SLACK_PATH, "hooks.slack.com/services/T…/B…/…"))
]
PingAddress = Annotated[SecretStr | None, AfterValidator(_ping_address)]
MailAddresses = Annotated[str, AfterValidator(_mail_addresses)]
AppriseUrls = Annotated[SecretStr | None, AfterValidator(_apprise_urls)]
SecretWebAddress = Annotated[SecretStr | None, AfterValidator(_secret_web_address)]
FaultOrders = Annotated[str, AfterValidator(_fault_orders)]
AlertRoutes = Annotated[str, AfterValidator(_alert_routes)]
