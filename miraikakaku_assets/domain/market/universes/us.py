"""The US exchanges: every stock and ETF of Nasdaq Trader's directories."""

from miraikakaku_assets.domain.market.master import GuardLimits
from miraikakaku_assets.domain.market.universes.record import Default, Universe

US = Universe(
    name="us",
    title="Nasdaq, NYSE and the other US exchanges, stocks and ETFs",
    calendar="XNYS",
    time_zone="America/New_York",
    currency="USD",
    partitions="us_symbols",
    intraday_partitions="us_intraday",
    example="AAPL",
    symbol_shape=r"\^?[A-Z][A-Z0-9]*(?:-[A-Z0-9]+|\.(?!T$)[A-Z0-9]+)?",
    symbols_like="US symbols like AAPL,BRK-B",
    watched=Default((), "US_WATCH_LIST"),
    least_issues=Default(8500, "MIN_US_STOCKS"),
    # The directories are published daily. On real days of 2016, 0.02-0.11 % of 8,380 issues came, 0.04-0.14 % went, and
    # none changed its market; a list that was not read for a month is still within these limits.
    guard=GuardLimits(fewer=0.01, more=0.02, market_changed=0.05, removed=0.03),
    list_file="folder (or base URL) of nasdaqlisted.txt, otherlisted.txt and, if at hand, listing_status.csv",
    price_word="ドル",
)
