"""Which source of the LME's official prices the settings name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from miraikakaku_assets.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from miraikakaku_assets.adapters.storage.engine import Database
    from miraikakaku_assets.application.ports.copper import QuoteSource
    from miraikakaku_assets.settings import Settings


def official_quotes(
    settings: Settings, database: Callable[[], Database], *, is_archive: bool
) -> QuoteSource | None:
    """The source that LME_PRICE_SOURCE names; None where the chosen source of prices holds everything.

    Args:
        settings: Name it.
        database: Opens where its request rate lives.
        is_archive: Whether prices are collected from files.

    Raises:
        ConfigurationError: What it needs is not named.
    """
    chosen: str = settings.lme_price_source
    if chosen == "auto":
        # Files that are collected from hold what they hold; whoever drops files of the LME beside them says so.
        chosen = "" if is_archive else "westmetall"
    if chosen == "westmetall":
        return _westmetall(settings, database)
    if chosen == "files":
        from miraikakaku_assets.adapters.sources.copper_files.source import CopperFolder

        if settings.copper_drop_dir is None:
            raise ConfigurationError(
                "LME_PRICE_SOURCE is files; name the folder of the files as COPPER_DROP_DIR"
            )
        return CopperFolder(settings.copper_drop_dir.expanduser())
    if chosen == "lseg":
        from miraikakaku_assets.adapters.sources.lseg.source import LsegQuotes

        key = settings.lseg_app_key
        return LsegQuotes("" if key is None else key.get_secret_value())
    return None


def _westmetall(chosen: Settings, database: Callable[[], Database]) -> QuoteSource:
    from miraikakaku_assets.adapters.sources.westmetall.source import (
        BURST,
        REQUESTS_PER_SECOND,
        PageOptions,
        WestmetallQuotes,
    )
    from miraikakaku_assets.adapters.storage.rate_limit.limiter import PostgresRateLimiter
    from miraikakaku_assets.application.ports.rate_limit import LimitRules

    rules = LimitRules(retry_delay=chosen.retry_delay, trial_seconds=2 * chosen.worker_timeout)
    rate = min(REQUESTS_PER_SECOND, chosen.requests_per_second)
    limit = PostgresRateLimiter(database(), "westmetall", rate, BURST, rules)
    options = PageOptions(
        chosen.official_prices_url,
        chosen.worker_timeout,
        chosen.max_retries,
        chosen.retry_delay,
        chosen.backoff_multiplier,
    )
    return WestmetallQuotes(options, limit)
