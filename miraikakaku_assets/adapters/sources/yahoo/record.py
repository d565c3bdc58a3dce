"""Yahoo as a price source."""

from __future__ import annotations

import math
import os
from datetime import timedelta
from typing import TYPE_CHECKING

from miraikakaku_assets.adapters.sources.vendor import PriceVendor
from miraikakaku_assets.domain.market.instruments import Timeframe

if TYPE_CHECKING:
    from miraikakaku_assets.adapters.sources.vendor import Installation
    from miraikakaku_assets.adapters.sources.yahoo.probe import YahooProbe
    from miraikakaku_assets.adapters.sources.yahoo.session import RetryPolicy
    from miraikakaku_assets.adapters.sources.yahoo.source import YahooSource

_SYMBOLS_PER_PROCESS = 60  # a second; beyond it one interpreter cannot fetch, validate and store as well


def _source(installation: Installation) -> YahooSource:
    from miraikakaku_assets.adapters.sources.yahoo.source import YahooOptions, YahooSource

    settings = installation.settings
    processes = math.ceil(settings.requests_per_second / _SYMBOLS_PER_PROCESS)
    options = YahooOptions(
        settings.yahoo_base_url,
        _retry_policy(installation),
        settings.max_workers,
        settings.batch_size,
        max(1, min(os.cpu_count() or 1, processes, settings.max_workers)),
    )
    return YahooSource(options, installation.rate_limiter)


def _probe(installation: Installation) -> YahooProbe:
    from miraikakaku_assets.adapters.sources.yahoo.probe import YahooProbe

    base_url = installation.settings.yahoo_base_url
    return YahooProbe(base_url, _retry_policy(installation), installation.rate_limiter)


def _retry_policy(installation: Installation) -> RetryPolicy:
    from miraikakaku_assets.adapters.sources.yahoo.session import RetryPolicy

    settings = installation.settings
    return RetryPolicy(
        settings.worker_timeout, settings.max_retries, settings.retry_delay, settings.backoff_multiplier
    )


VENDOR = PriceVendor(
    name="yahoo",
    title="Yahoo",
    origin="Yahoo through yfinance",
    pool="yahoo",
    kinds=frozenset({"yfinance"}),
    limit_row="yahoo",
    make=_source,
    make_probe=_probe,
    may_be_simulated=True,
    # Older requests are answered with HTTP 422 ("within the last 60 days").
    lookback={Timeframe.M5: timedelta(days=60)},
)
