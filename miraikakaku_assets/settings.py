"""Settings: the only place that reads the environment.

Values come from the environment and from ``.env`` in the working directory. A wrong value is refused when
the settings are loaded, with the variable's name and what is allowed. Secrets are ``SecretStr``: printing
the settings never shows them.
"""

import re
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.market.symbol_shapes import written_like
from miraikakaku_assets.domain.words import named_in

JPX_LIST_URL = "https://www.jpx.co.jp/markets/statistics-equities/misc/tvdivq0000001vg2-att/data_j.xls"
NASDAQ_LISTED_URL = "https://www.nasdaqtrader.com/dynamic/SymDir/nasdaqlisted.txt"
OTHER_LISTED_URL = "https://www.nasdaqtrader.com/dynamic/SymDir/otherlisted.txt"
ALPHA_VANTAGE_BASE_URL = "https://www.alphavantage.co"
YAHOO_BASE_URL = "https://query2.finance.yahoo.com"
CANARY_SYMBOLS = "7203.T,285A.T,AAPL,USDJPY=X,HG=F"

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_TIME_OF_DAY = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_DISCORD_PATH = re.compile(r"/api(/v\d+)?/webhooks/\d+/[A-Za-z0-9_-]+/?")
_SLACK_PATH = re.compile(r"/services/[A-Z0-9]+/[A-Z0-9]+/[A-Za-z0-9]+/?")
_MAIL_ADDRESS = re.compile(r"[^@\s,<>]+@[^@\s,<>]+")
_PORTS = 65_536
_APPRISE_URL = re.compile(r"[A-Za-z0-9]+://\S+")
Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]
Many = Annotated[int, Field(gt=0, le=100_000)]
_FIRST_DAY = "1900-01-01"


class Settings(BaseSettings):
    """Everything the environment may say. Field names are the variables' names in lower case."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True, env_ignore_empty=True)

    miraikakaku_home: Path = Path(".miraikakaku")
    """State of this installation: postgres/, dagster/, reports/, masters/, quarantine/."""
    database_url: SecretStr | None = None
    """External PostgreSQL (``postgresql://…``); unset means the embedded server."""
    miraikakaku_price_source: Literal["yahoo", "archive"] = "yahoo"
    miraikakaku_archive_dir: Path | None = Field(None, validate_default=True)
    """File or folder of Parquet/CSV bars, needed when the price source is ``archive``."""
    yahoo_base_url: str = YAHOO_BASE_URL
    jpx_list_url: str = JPX_LIST_URL
    """URL or file path of ``data_j.xls``."""
    nasdaq_listed_url: str = NASDAQ_LISTED_URL
    """URL or file path of ``nasdaqlisted.txt``."""
    other_listed_url: str = OTHER_LISTED_URL
    """URL or file path of ``otherlisted.txt``."""
    alpha_vantage_api_key: SecretStr | None = None
    """Unset means that Alpha Vantage is not asked; the exchanges' directories do without it."""
    alpha_vantage_base_url: str = ALPHA_VANTAGE_BASE_URL
    miraikakaku_now: datetime | None = None
    """When a rehearsal takes place (UTC here): the clock of every process begins at this moment and goes on."""
    fx_pairs: str = "USDJPY=X,EURJPY=X,GBPJPY=X,AUDJPY=X,EURUSD=X,GBPUSD=X,AUDUSD=X,USDCHF=X"
    """Currency pairs that are collected, Yahoo symbols with commas between them."""
    copper_symbols: str = "HG=F"
    """COMEX copper futures that are collected, Yahoo symbols with commas between them."""
    collection_time: str = "07:00"
    """When copper is collected on weekdays, HH:MM in Tokyo."""

    jp_watch_list: str = ""
    """TSE symbols whose five-minute bars are collected, with commas between them; none by default."""
    us_watch_list: str = ""
    """US symbols whose five-minute bars are collected, with commas between them; none by default."""

    requests_per_second: Annotated[float, Field(ge=0.01, le=100_000, allow_inf_nan=False)] = 5.0
    burst_limit: Annotated[int, Field(gt=0, le=100_000)] = 20
    max_workers: Annotated[int, Field(gt=0, le=200)] = 10
    worker_timeout: Annotated[float, Field(gt=0, le=600, allow_inf_nan=False)] = 30.0
    """Seconds before one HTTP request is given up."""
    max_retries: Annotated[int, Field(ge=0, le=20)] = 3
    retry_delay: Annotated[float, Field(ge=0, le=3_600, allow_inf_nan=False)] = 2.0
    """Seconds before the first retry."""
    backoff_multiplier: Annotated[float, Field(ge=1, le=10, allow_inf_nan=False)] = 2.0
    canary_symbols: str = CANARY_SYMBOLS
    """Symbols by which the health of Yahoo is judged, with commas between them; one of each kind."""
    batch_size: Annotated[int, Field(gt=0, le=5_000)] = 50
    """Symbols whose bars are written in one transaction when they arrive one by one."""

    min_japanese_stocks: Many = 4000
    min_us_stocks: Many = 8500
    min_etfs: Many = 2900
    coverage_alert_threshold: Annotated[float, Field(gt=0, le=1)] = 0.95
    """Share of expected sessions below which a segment's coverage is reported as below threshold."""

    price_basis: Literal["raw", "split_adjusted", "adjusted"] = "split_adjusted"
    """Prices that indicators and patterns are computed from; a change computes all of them anew."""
    pattern_definition: Literal["v1", "v2"] = "v2"
    """Definition of the six patterns that is looked for."""
    max_processing_time: Seconds = 300.0
    """Seconds a five-minute cycle may take before a warning; twice as long is critical."""
    min_success_rate: Annotated[float, Field(gt=0, le=1)] = 0.95
    """Share of a cycle's symbols that should be processed; below it is noted, below 0.90 is a warning."""
    max_error_count: Annotated[int, Field(gt=0, le=1_000)] = 5
    """Cycles in a row that may fail altogether before it is critical."""

    discord_webhook_url: SecretStr | None = None
    """``https://discord.com/api/webhooks/…``; unset means that nothing is sent there."""
    slack_webhook_url: SecretStr | None = None
    """``https://hooks.slack.com/services/…``."""
    smtp_server: str = ""
    smtp_port: Annotated[int, Field(gt=0, lt=65536)] = 587
    from_email: str = Field("", validate_default=True)
    """Sender of e-mails and name of the account at SMTP_SERVER."""
    to_email: str = Field("", validate_default=True)
    """Who gets e-mails, addresses with commas between them."""
    email_password: SecretStr | None = None
    notify_urls: SecretStr | None = None
    """Further channels as Apprise URLs, with blanks between them, e.g. ``tgram://bottoken/chat``."""

    restatement_sessions: Annotated[int, Field(ge=1, le=1_000)] = 10
    """Newest sessions that every collection asks for again, because sources restate them."""
    history_start: str = "2020-01-01"
    """First day asked for when a symbol has no bars yet."""
    partitions_per_run: Many = 250
    event_log_retention_days: Annotated[int, Field(gt=0, le=3_650)] = 30
    """Days for which Dagster's web UI keeps runs and asset events that newer ones have overtaken."""
    dagster_storage: Literal["pooled", "stock"] = "pooled"
    """``stock`` goes back to Dagster's own PostgreSQL storage (one connection per event)."""
    miraikakaku_schedules: Literal["off", "on"] = "off"
    """Whether schedules run by default; `miraikakaku schedule` turns them on for what it starts."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @property
    def names_price_source(self) -> bool:
        """Whether somebody has said where prices come from, be it what is the default."""
        return self.miraikakaku_price_source == "archive" or "yahoo_base_url" in self.model_fields_set

    @field_validator("miraikakaku_home")
    @classmethod
    def _nameable(cls, value: Path) -> Path:
        if not str(value).isprintable():  # PostgreSQL keeps it in a file of lines
            raise ValueError("must be a path without line breaks, control characters or undecodable bytes")
        return value

    @field_validator("miraikakaku_archive_dir")
    @classmethod
    def _there_if_needed(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if info.data.get("miraikakaku_price_source") != "archive":
            return value
        if value is None or not value.expanduser().exists():
            shown = "it is not set" if value is None else f"{value} does not exist"
            raise ValueError(
                "must name a file or folder of Parquet or CSV bars while MIRAIKAKAKU_PRICE_SOURCE is archive, "
                f"and {shown}"
            )
        return value

    @field_validator("database_url")
    @classmethod
    def _postgres_only(cls, value: SecretStr | None) -> SecretStr | None:
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

    @field_validator("yahoo_base_url", "alpha_vantage_base_url")
    @classmethod
    def _web_address(cls, value: str) -> str:
        if not _is_web_address(value):
            raise ValueError("must be a web address like https://query2.finance.yahoo.com")
        return value

    @field_validator("miraikakaku_now")
    @classmethod
    def _rehearsed(cls, value: datetime | None, info: ValidationInfo) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("must be a moment with its zone like 2026-11-19T12:00:00+00:00")
        host = urlsplit(info.data.get("yahoo_base_url", "")).hostname
        if info.data.get("miraikakaku_price_source") == "yahoo" and host not in _LOOPBACK:
            raise ValueError(  # real bars, judged by a wrong clock, would be stored as final or as from the future
                "is for simulated and recorded prices; unset it, or point YAHOO_BASE_URL at a simulator on this machine"
            )
        return value.astimezone(UTC)

    @field_validator("jpx_list_url", "nasdaq_listed_url", "other_listed_url")
    @classmethod
    def _address_or_file(cls, value: str) -> str:
        if "://" in value and not value.startswith("file://") and not _is_web_address(value):
            raise ValueError("must be a web address like https://example.org/list or the path of a file")
        return value

    @field_validator("fx_pairs", "copper_symbols")
    @classmethod
    def _named(cls, value: str, info: ValidationInfo) -> str:
        from miraikakaku_assets.domain.market.instruments import COPPER, FX
        from miraikakaku_assets.domain.market.named import named_issue

        universe, like = (
            (FX, "currency pairs like USDJPY=X,EURUSD=X")
            if info.field_name == "fx_pairs"
            else (COPPER, "copper futures like HG=F")
        )
        named = named_in(value)
        if not named:
            raise ValueError(f"must name {like}")
        try:
            for symbol in named:
                named_issue(universe, symbol)
        except ConfigurationError as error:
            raise ValueError(str(error)) from None
        return ",".join(named)

    @field_validator("collection_time")
    @classmethod
    def _time_of_day(cls, value: str) -> str:
        if not _TIME_OF_DAY.fullmatch(value):
            raise ValueError("must be a time of day like 07:00")
        return value

    @field_validator("canary_symbols", "jp_watch_list", "us_watch_list")
    @classmethod
    def _symbols(cls, value: str, info: ValidationInfo) -> str:
        named = named_in(value)
        needed = info.field_name == "canary_symbols"
        market = {"jp_watch_list": "jp", "us_watch_list": "us"}.get(info.field_name or "", "any")
        like = written_like(market, named or ["none"] * needed)
        if like is not None:
            raise ValueError(f"must name {like}")
        return ",".join(named)

    @field_validator("discord_webhook_url", "slack_webhook_url")
    @classmethod
    def _webhook(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if value is None:
            return None
        discord = info.field_name == "discord_webhook_url"
        like = "discord.com/api/webhooks/ID/TOKEN" if discord else "hooks.slack.com/services/T…/B…/…"
        path = _DISCORD_PATH if discord else _SLACK_PATH
        try:
            parts = urlsplit(value.get_secret_value())
            known = parts.scheme in {"http", "https"} and parts.hostname and (parts.port or True)
        except ValueError:  # its message quotes what it could not read
            known = False
        if not known or not path.fullmatch(parts.path):
            raise ValueError(f"must be the address of a webhook like https://{like}")
        return value

    @field_validator("from_email", "to_email")
    @classmethod
    def _mail_addresses(cls, value: str, info: ValidationInfo) -> str:
        named = named_in(value)
        if info.field_name == "from_email" and len(named) > 1:
            raise ValueError("must be one address like alerts@example.org")
        if not all(_MAIL_ADDRESS.fullmatch(one) for one in named):
            raise ValueError("must be addresses like admin@example.org, with commas between them")
        if info.data.get("smtp_server") and not named:
            raise ValueError("must be set with SMTP_SERVER")
        return ",".join(named)

    @field_validator("notify_urls")
    @classmethod
    def _apprise_urls(cls, value: SecretStr | None) -> SecretStr | None:
        parts = value.get_secret_value().split() if value else []
        if not all(_APPRISE_URL.fullmatch(part) for part in parts):
            raise ValueError("must be Apprise URLs like tgram://bottoken/chat, with blanks between them")
        return value

    @field_validator("history_start")
    @classmethod
    def _iso_day(cls, value: str) -> str:
        from datetime import date, datetime
        from zoneinfo import ZoneInfo

        day = date.fromisoformat(value).isoformat()
        today = datetime.now(ZoneInfo("Asia/Tokyo")).date()  # where a day begins first
        if not _FIRST_DAY <= day <= today.isoformat():
            raise ValueError(f"must be a day from {_FIRST_DAY} to today")
        return day

    def watch_list(self, universe: str) -> tuple[str, ...]:
        """Symbols of a universe whose five-minute bars are collected, each once."""
        lists = {"jp": self.jp_watch_list, "us": self.us_watch_list, "fx": self.fx_pairs}
        return tuple(named_in(lists.get(universe, "")))

    def named_symbols(self, universe: str) -> tuple[str, ...]:
        """Symbols of a universe that no exchange publishes a list of, each once; none of any other."""
        lists = {"fx": self.fx_pairs, "copper": self.copper_symbols}
        return tuple(named_in(lists.get(universe, "")))

    @property
    def mail_recipients(self) -> tuple[str, ...]:
        """The addresses of TO_EMAIL, each once; none without SMTP_SERVER."""
        return tuple(named_in(self.to_email)) if self.smtp_server else ()

    @property
    def canaries(self) -> tuple[str, ...]:
        """The symbols of CANARY_SYMBOLS, each once."""
        return tuple(named_in(self.canary_symbols))

    @property
    def home(self) -> Path:
        """Absolute path of the state folder."""
        return self.miraikakaku_home.expanduser().resolve()


def _is_web_address(value: str) -> bool:
    try:
        parts = urlsplit(value)
        return bool(parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0)
    except ValueError:  # a port that is none
        return False


def load_settings() -> Settings:
    """Reads the environment now.

    Raises:
        ConfigurationError: A variable has a value that is not allowed; the message names it.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]).upper() if first["loc"] else "the environment"
        raise ConfigurationError(
            f"{name}: {first['msg'].removeprefix('Value error, ')}; correct it in the environment or in .env"
        ) from None


def as_environment(chosen: Settings) -> dict[str, str]:
    """Variables by which a child process gets the same settings, where it would read others; secrets included."""
    values = {name: getattr(chosen, name) for name in Settings.model_fields}
    differing = {name: value for name, value in values.items() if value != getattr(settings(), name)}
    return {
        name.upper(): value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        for name, value in differing.items()
        if value is not None  # there is no variable that says so
    }


@cache
def settings() -> Settings:
    """The settings of this process, read once."""
    return load_settings()
