"""Where prices may come from: the register of price sources, and the settings that are a source's own.

A source is known here by name, so that a wrong setting is refused before anything of a source is loaded.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple
from urllib.parse import urlsplit

from pydantic import AfterValidator, AliasChoices, Field, SecretStr, ValidationInfo
from pydantic_settings import BaseSettings

from miraikakaku_assets.settings.checks import LocalPath, WebAddress, WebPage

YAHOO_BASE_URL = "https://query2.finance.yahoo.com"
_WESTMETALL_PAGE = "/de/markdaten.php?action=table&field=LME_Cu_cash"
WESTMETALL_URL = f"https://www.westmetall.com{_WESTMETALL_PAGE}"
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class RegisteredSource(NamedTuple):
    """A price source that MIRAIKAKAKU_PRICE_SOURCE may name.

    Attributes:
        record: Module that holds its record as ``VENDOR``.
        location: The setting that says where its prices are, a web address or a path; empty if it needs none.
    """

    record: str
    location: str = ""


PRICE_SOURCES: Mapping[str, RegisteredSource] = {
    "yahoo": RegisteredSource("miraikakaku_assets.adapters.sources.yahoo.record", "yahoo_base_url"),
    "archive": RegisteredSource(
        "miraikakaku_assets.adapters.sources.files.record", "miraikakaku_archive_dir"
    ),
}
"""Name of a source, which is stored with its bars → where it is found."""


def _registered(name: str) -> str:
    if name not in PRICE_SOURCES:
        *others, last = (repr(known) for known in PRICE_SOURCES)
        raise ValueError(f"Input should be {', '.join(others)} or {last}")
    return name


def _there_if_needed(value: Path | None, info: ValidationInfo) -> Path | None:
    chosen = PRICE_SOURCES.get(info.data.get("miraikakaku_price_source", ""))
    if chosen is None or chosen.location != info.field_name:
        return value
    if value is None or not value.expanduser().exists():
        shown = "it is not set" if value is None else f"{value} does not exist"
        raise ValueError(
            "must name a file or folder of Parquet or CSV bars while MIRAIKAKAKU_PRICE_SOURCE is "
            f"{info.data['miraikakaku_price_source']}, and {shown}"
        )
    return value


class PriceSourceSettings(BaseSettings):
    """Which price source is chosen, and what each needs to know."""

    miraikakaku_price_source: Annotated[str, AfterValidator(_registered)] = "yahoo"
    miraikakaku_archive_dir: Annotated[LocalPath, AfterValidator(_there_if_needed)] = Field(
        None, validate_default=True
    )
    """File or folder of Parquet/CSV bars, needed when the price source is ``archive``."""
    yahoo_base_url: WebAddress = YAHOO_BASE_URL
    lme_price_source: Literal["auto", "westmetall", "files", "lseg"] = "auto"
    """Where the LME's official copper prices come from; ``auto``: Westmetall, and nowhere beside an archive."""
    westmetall_url: WebPage = WESTMETALL_URL
    """Page of the LME's official prices. A simulated exchange at YAHOO_BASE_URL serves its own unless this is set."""
    copper_drop_dir: LocalPath = None
    """Folder of CSV files of copper prices, needed when LME_PRICE_SOURCE is ``files``."""
    lseg_app_key: SecretStr | None = Field(
        None, validation_alias=AliasChoices("lseg_app_key", "eikon_app_key")
    )
    """Key of the application at LSEG (EIKON_APP_KEY is read, too), for LME_PRICE_SOURCE ``lseg``."""

    @property
    def official_prices_url(self) -> str:
        """The page of the LME's official prices: real ones never come upon those of a simulated exchange."""
        located = web_location(self.model_dump(include={"miraikakaku_price_source", "yahoo_base_url"}))
        is_local = located is not None and urlsplit(located[1]).hostname in LOOPBACK
        if is_local and located is not None and self.westmetall_url == WESTMETALL_URL:
            return located[1].rstrip("/") + _WESTMETALL_PAGE
        return self.westmetall_url

    @property
    def price_location(self) -> str | Path | None:
        """Where the chosen source's prices are: a web address, or a path; None when it needs neither."""
        where = location_setting(self.miraikakaku_price_source)
        return getattr(self, where) if where else None

    @property
    def names_price_source(self) -> bool:
        """Whether somebody has said where prices come from, be it what is the default."""
        chosen, fields = self.miraikakaku_price_source, type(self).model_fields
        is_default = chosen == fields["miraikakaku_price_source"].default
        return not is_default or location_setting(chosen) in self.model_fields_set


def location_setting(source: str) -> str:
    """The setting that says where a source's prices are; empty without one."""
    return PRICE_SOURCES[source].location


def web_location(values: Mapping[str, Any]) -> tuple[str, str] | None:
    """Setting and address of the chosen source, if it is one on the web.

    Args:
        values: Settings that have been validated so far.
    """
    chosen = PRICE_SOURCES.get(values.get("miraikakaku_price_source", ""))
    where = chosen.location if chosen else ""
    address = values.get(where)
    return (where, address) if isinstance(address, str) else None
