"""US listings: Nasdaq Trader's two directories, and what a vendor adds, reconciled into one list.

Precedence: the directories are the exchanges' own word. What they list is listed, under their name, type and
exchange; what they do not list is not, whatever a vendor says. Alpha Vantage adds the day of the listing
(``ipoDate``) and, for issues that have left, the day of the delisting; where it disagrees with the directories
it is counted, never believed: its list of 2023-07 gives 152 issues the same day of 1990 as the day of their
listing, spells expired tickers ``NXT(EXP20091224)`` and calls closed-end funds ETFs.

Every line of a directory ends exactly once: as an issue, or in the counts under the reason why it is none.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from miraikakaku_assets.domain.market.master import ListedIssue
from miraikakaku_assets.domain.market.us_security_types import security_type
from miraikakaku_assets.domain.market.us_symbols import Dialect, Spelling, read_symbol

LONGEST_CODE = 10  # characters of the column stock_code; real codes have up to 8

# Codes of the column Exchange, from Nasdaq Trader's definitions of the symbol directories; M is NYSE Texas,
# formerly NYSE Chicago. An exchange that is new to this table keeps its letter: its issues are listed.
_EXCHANGES = {
    "A": "NYSE American",
    "M": "NYSE Texas",
    "N": "NYSE",
    "P": "NYSE Arca",
    "V": "IEX",
    "Z": "Cboe BZX",
}
_TIERS = {
    "G": "Nasdaq Global Market",
    "Q": "Nasdaq Global Select Market",
    "S": "Nasdaq Capital Market",
}
NASDAQ = "NASDAQ"
_VENDOR_EXCHANGES = {
    "AMEX": "NYSE American",
    "BATS": "Cboe BZX",
    "NASDAQ": NASDAQ,
    "NYSE": "NYSE",
    "NYSE ARCA": "NYSE Arca",
    "NYSE MKT": "NYSE American",
}


@dataclass(frozen=True)
class DirectoryLine:
    """One line of a symbol directory.

    Attributes:
        symbol: Nasdaq's symbol (column ``Symbol`` or ``NASDAQ Symbol``).
        name: Name as printed.
        exchange: Letter of the exchange in otherlisted.txt; None for an issue of Nasdaq.
        tier: Letter of the market category in nasdaqlisted.txt; None for an issue of another exchange.
        is_etf: Whether it is an exchange-traded fund; None where the directory does not say (nasdaqlisted.txt
            until 2016).
        is_test: Whether it only exists to test systems.
        cqs: Symbol on the tape, where the directory gives one.
    """

    symbol: str
    name: str
    exchange: str | None
    tier: str | None
    is_etf: bool | None
    is_test: bool
    cqs: str | None = None


@dataclass(frozen=True)
class VendorLine:
    """One line of Alpha Vantage's LISTING_STATUS.

    Attributes:
        symbol: Alpha Vantage's symbol.
        exchange: Its name for the exchange.
        asset_type: ``Stock`` or ``ETF``.
        ipo_date: Day of the listing, as far as it knows.
        delisting_date: Day of the delisting of an issue that has left.
        is_active: Whether it is listed.
    """

    symbol: str
    exchange: str
    asset_type: str
    ipo_date: date | None
    delisting_date: date | None
    is_active: bool


@dataclass(frozen=True)
class Reconciled:
    """The one list.

    Attributes:
        issues: Listed issues, codes and symbols unique, in the order of the directories.
        left_out: Lines of the directories that are no issue, by reason: ``test_issue``, ``unknown_spelling``
            (the symbol is not written as Nasdaq writes), ``same_symbol`` (another line has the same key).
        disagreements: What a source says otherwise, by kind: ``cqs_spelling_differs``, ``unknown_exchange``,
            ``vendor_unknown_spelling``, ``vendor_only`` (active at Alpha Vantage, in no directory),
            ``vendor_misses``, ``vendor_says_delisted``, ``vendor_exchange_differs``, ``vendor_type_differs``.
        delisted: Code → day of the delisting, for issues in no directory.
    """

    issues: tuple[ListedIssue, ...]
    left_out: Mapping[str, int]
    disagreements: Mapping[str, int]
    delisted: Mapping[str, date]


def reconcile(
    lines: Iterable[DirectoryLine], vendor: Iterable[VendorLine] | None, list_date: date
) -> Reconciled:
    """Makes one list of the directories' lines and what a vendor adds.

    Args:
        lines: Lines of both directories.
        vendor: Lines of Alpha Vantage; None when it was not asked.
        list_date: Date of the directories (US Eastern); a listing or delisting after it is not believed.
    """
    left_out, disagreements = Counter[str](), Counter[str]()
    listed: dict[str, tuple[DirectoryLine, Spelling]] = {}
    for line in lines:
        spelling = read_symbol(line.symbol, Dialect.NASDAQ)
        if line.is_test:
            left_out["test_issue"] += 1
        elif spelling is None or len(spelling.cqs) > LONGEST_CODE:
            left_out["unknown_spelling"] += 1
        elif spelling.symbol in listed:
            left_out["same_symbol"] += 1
        else:
            listed[spelling.symbol] = line, spelling
            disagreements["cqs_spelling_differs"] += (
                line.cqs is not None and read_symbol(line.cqs, Dialect.CQS) != spelling
            )
            disagreements["unknown_exchange"] += line.exchange is not None and line.exchange not in _EXCHANGES
    known = _vendor_by_key(vendor or (), disagreements)
    issues = []
    for key, (line, spelling) in listed.items():
        vendor_line = known.get(key)
        issue = _issue(line, spelling, vendor_line, list_date)
        issues.append(issue)
        if vendor is not None:
            disagreements.update(_disagreements(issue, vendor_line))
    gone = {key: vendor_line for key, vendor_line in known.items() if key not in listed}
    disagreements["vendor_only"] += sum(vendor_line.is_active for vendor_line in gone.values())
    counted = {kind: count for kind, count in disagreements.items() if count}
    return Reconciled(tuple(issues), dict(left_out), counted, _delisted(gone, list_date))


def _issue(
    line: DirectoryLine, spelling: Spelling, vendor_line: VendorLine | None, list_date: date
) -> ListedIssue:
    if line.exchange is None:
        exchange, market = NASDAQ, _TIERS.get(line.tier or "", f"Nasdaq market {line.tier}")
    else:
        exchange = market = _EXCHANGES.get(line.exchange, f"exchange {line.exchange}")
    ipo = vendor_line.ipo_date if vendor_line is not None and vendor_line.is_active else None
    return ListedIssue(
        code=spelling.cqs,
        name=line.name.strip(),
        market=market,
        exchange=exchange,
        symbol=spelling.symbol,
        security_type=security_type(line.name, spelling, is_etf=line.is_etf, on_nasdaq=exchange == NASDAQ),
        listed_on=ipo if ipo is not None and ipo <= list_date else None,
    )


def _vendor_by_key(vendor: Iterable[VendorLine], disagreements: Counter[str]) -> dict[str, VendorLine]:
    """The vendor's lines by key; of a ticker that was used before, the active line."""
    by_symbol: dict[str, VendorLine] = {}
    for line in vendor:
        spelling = read_symbol(line.symbol, Dialect.ALPHA_VANTAGE)
        if spelling is None:
            disagreements["vendor_unknown_spelling"] += 1
        elif spelling.symbol not in by_symbol or line.is_active:
            by_symbol[spelling.symbol] = line
    return by_symbol


def _disagreements(issue: ListedIssue, vendor_line: VendorLine | None) -> Iterable[str]:
    if vendor_line is None:
        yield "vendor_misses"
    elif not vendor_line.is_active:
        yield "vendor_says_delisted"
    else:
        if _VENDOR_EXCHANGES.get(vendor_line.exchange, vendor_line.exchange) != issue.exchange:
            yield "vendor_exchange_differs"
        if (vendor_line.asset_type == "ETF") != (issue.security_type == "etf"):
            yield "vendor_type_differs"


def _delisted(gone: Mapping[str, VendorLine], list_date: date) -> dict[str, date]:
    delisted = {}
    for line in gone.values():
        spelling, day = read_symbol(line.symbol, Dialect.ALPHA_VANTAGE), line.delisting_date
        if spelling is not None and not line.is_active and day is not None and day <= list_date:
            delisted[spelling.cqs] = day
    return delisted
