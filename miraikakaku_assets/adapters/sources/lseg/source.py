"""Official prices from LSEG Data (which took Eikon's place), by its library ``lseg-data``, where somebody installed it.

The library needs LSEG Workspace running on the same machine, or the credentials of the platform in its own
configuration file; the key of the application is LSEG_APP_KEY.
"""

import threading
from collections.abc import Callable
from datetime import date
from importlib import import_module
from typing import Any

import polars as pl

from miraikakaku_assets.adapters.sources.official_prices import TENORS
from miraikakaku_assets.application.ports.copper import QuoteDelivery
from miraikakaku_assets.domain.copper.quotes import RAW_QUOTES
from miraikakaku_assets.domain.copper.units import Unit
from miraikakaku_assets.domain.errors import ConfigurationError, DependencyUnavailableError
from miraikakaku_assets.domain.market.universes.copper import LME_3M, LME_CASH

_RICS = {"CMCU0": LME_CASH, "CMCU3": LME_3M}
"""LSEG's names of the LME's official copper prices."""
_FIELD = "OFF_ASK"  # the official settlement is the seller's price
_FIRST_DAY = date(2008, 1, 1)


def library() -> Any:
    """The library.

    Raises:
        ConfigurationError: It is not installed.
    """
    try:
        return import_module("lseg.data")  # no dependency of this project
    except ImportError as error:
        raise ConfigurationError(
            "LME_PRICE_SOURCE is lseg, and the library lseg-data is not installed: `.venv/bin/pip install lseg-data`, "
            "or choose westmetall or files"
        ) from error


class LsegQuotes:
    """Implements the port `QuoteSource`.

    Args:
        app_key: Key of the application; empty for the library's own configuration.
        load: Where the library comes from.
    """

    name = "lseg"

    def __init__(self, app_key: str, load: Callable[[], Any] = library) -> None:
        self._app_key = app_key
        self._load = load

    def deliver(self, since: date | None, stopping: threading.Event | None = None) -> QuoteDelivery:  # noqa: ARG002
        """Cash and three months; see `QuoteSource`.

        Raises:
            ConfigurationError: The library is not installed.
            DependencyUnavailableError: No session could be opened, or nothing was answered.
        """
        client = self._load()
        try:
            client.open_session(app_key=self._app_key or None)
        except Exception as error:  # the library raises errors of many kinds
            raise DependencyUnavailableError(
                f"LSEG opens no session ({type(error).__name__}): start LSEG Workspace on this machine and log in, or "
                "correct LSEG_APP_KEY (Eikon and its API were switched off on 2025-06-30)"
            ) from error
        try:
            quotes = [_quotes(client, ric, contract, since) for ric, contract in _RICS.items()]
        except Exception as error:
            raise DependencyUnavailableError(
                f"LSEG does not answer for {', '.join(_RICS)} ({type(error).__name__}); does the licence cover the LME?"
            ) from error
        finally:
            client.close_session()
        return QuoteDelivery(self.name, pl.concat(quotes), requests=len(quotes))


def _quotes(client: Any, ric: str, contract: str, since: date | None) -> pl.DataFrame:
    table = client.get_history(
        universe=ric, fields=[_FIELD], interval="daily", start=str(since or _FIRST_DAY)
    )
    rows = [
        (contract, TENORS[contract], moment.date(), float(value), Unit.USD_PER_TONNE.value, None, None, row)
        for row, (moment, value) in enumerate(zip(table.index, table[_FIELD], strict=True), start=1)
    ]
    return pl.DataFrame(rows, schema=RAW_QUOTES, orient="row")
