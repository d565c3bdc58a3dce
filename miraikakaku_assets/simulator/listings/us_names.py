"""Names of invented US securities, in the manner of Nasdaq Trader's files."""

from miraikakaku_assets.simulator.core.noise import key_of
from miraikakaku_assets.simulator.listings.us_listings import Kind, UsListing

_HEADS = (
    "Alder", "Beacon", "Cascade", "Delmar", "Evergreen", "Fairfield", "Granite", "Harbor", "Ironwood", "Juniper",
    "Keystone", "Lakeshore", "Meridian", "Northgate", "Oakmont", "Pinnacle", "Quarry", "Redstone", "Summit",
    "Tidewater", "Union", "Vantage", "Westbrook", "Yellowstone",
)  # fmt: skip
_TAILS = (
    "Bancorp", "Biosciences", "Capital", "Energy", "Financial", "Foods", "Gold", "Health", "Industries",
    "Logistics", "Materials", "Networks", "Pharmaceuticals", "Realty Trust", "Semiconductor", "Software",
    "Therapeutics", "Transportation",
)  # fmt: skip
_FUND_TAILS = (
    "Aggregate Bond", "Buffer", "Clean Energy", "Covered Call", "Dividend Growth", "Emerging Markets Equity",
    "Gold Miners", "High Yield Corporate Bond", "Large Cap Value", "S&P 500 Equal Weight", "Short-Term Treasury",
    "Small Cap Growth", "Ultra Short Income", "2X Long Technology Daily",
)  # fmt: skip
_ENDINGS = ("Inc.", "Corporation", "Holdings, Inc.", "Ltd.", "Group, Inc.", "plc")
_WHAT_NASDAQ = {
    Kind.STOCK: "Common Stock",
    Kind.PREFERRED: "6.250% Series A Cumulative Redeemable Perpetual Preferred Stock",
    Kind.NOTE: "7.125% Notes due 2029",
    Kind.UNIT: "Units",
    Kind.WARRANT: "Warrants",
    Kind.RIGHT: "Rights",
}
_WHAT_OTHER = {
    Kind.STOCK: "Common Stock",
    Kind.PREFERRED: "Depositary Shares, each representing a 1/1000th interest in a share of Series {} Preferred Stock",
    Kind.UNIT: "Units, each consisting of one Class A ordinary share and one-half of one redeemable warrant",
    Kind.WARRANT: "Redeemable Warrants, each whole warrant exercisable for one share at an exercise price of $11.50",
    Kind.RIGHT: "Contingent Value Rights",
}
_KNOWN = {
    "AAPL": "Apple Inc.",
    "MSFT": "Microsoft Corporation",
    "NA": "Nano Labs Ltd",
    "TRUE": "TrueCar, Inc.",
}


def company_name(listing: UsListing) -> str:
    """Return the name of the company or fund behind an issue."""
    known = _KNOWN.get(listing.root)
    if known is not None:
        return known
    draw = key_of("us name", listing.root)
    head = _HEADS[draw % len(_HEADS)]
    draw //= len(_HEADS)
    if listing.kind is Kind.FUND:
        return f"{head} {_FUND_TAILS[draw % len(_FUND_TAILS)]} ETF"
    return f"{head} {_TAILS[draw % len(_TAILS)]} {_ENDINGS[draw // len(_TAILS) % len(_ENDINGS)]}"


def security_name(listing: UsListing) -> str:
    """Return the text of the column «Security Name»."""
    name = company_name(listing)
    if listing.kind is Kind.FUND:
        return name
    if listing.on_nasdaq:
        return f"{name} - {_WHAT_NASDAQ[listing.kind]}"
    what = _WHAT_OTHER[listing.kind].format(listing.series)
    return (
        f"{name} Class {listing.series} {what}"
        if listing.kind is Kind.STOCK and listing.series
        else f"{name} {what}"
    )
