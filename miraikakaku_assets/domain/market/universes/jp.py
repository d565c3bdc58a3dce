"""Tokyo: every issue of JPX's list."""

from datetime import date, timedelta

from miraikakaku_assets.domain.market.universes.record import Default, Universe

JP = Universe(
    name="jp",
    title="Tokyo Stock Exchange, all listed issues incl. ETF and REIT",
    calendar="XTKS",
    time_zone="Asia/Tokyo",
    currency="JPY",
    partitions="jp_symbols",
    intraday_partitions="jp_intraday",
    example="7203.T",
    symbol_shape=r"[0-9][0-9A-Z][0-9][0-9A-Z]5?\.T",  # the fifth digit is that of a preferred share (25935)
    symbols_like="TSE symbols like 7203.T,285A.T",
    symbol_suffix=".T",
    watched=Default((), "JP_WATCH_LIST"),
    least_issues=Default(4000, "MIN_JAPANESE_STOCKS"),
    list_file="URL or path of data_j.xls",
    price_word="円",
    has_price_limits=True,
    # In 83 sessions of 50 TSE issues in 2025, 3,765 of 4,101 bars of 15:25 had no price; before the extension to 15:30
    # trading went on until the close.
    closing_call=(date(2024, 11, 5), timedelta(minutes=5)),
)
