"""Two directories and a vendor become one list; every line ends once, as an issue or under a reason."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miraikakaku_assets.domain.market.us_listings import DirectoryLine, VendorLine, reconcile

DAY = date(2025, 7, 21)
APPLE = DirectoryLine("AAPL", "Apple Inc. - Common Stock", None, "Q", is_etf=False, is_test=False)
BERKSHIRE = DirectoryLine(
    "BRK.B",
    "Berkshire Hathaway Inc. Class B Common Stock",
    "N",
    None,
    is_etf=False,
    is_test=False,
    cqs="BRK.B",
)
SPY = DirectoryLine("SPY", "SPDR S&P 500", "P", None, is_etf=True, is_test=False, cqs="SPY")
TEST = DirectoryLine("ZVZZT", "NASDAQ TEST STOCK", None, "G", is_etf=None, is_test=True)
APPLE_BY_VENDOR = VendorLine("AAPL", "NASDAQ", "Stock", date(1980, 12, 12), None, is_active=True)

symbols = st.from_regex(r"[A-Z]{1,4}([-.+][A-Z]?|=|\^)?[#*]?|[a-z%]{1,3}", fullmatch=True)
lines = st.builds(
    DirectoryLine,
    symbol=symbols,
    name=st.just("Some Company Common Stock"),
    exchange=st.sampled_from([None, "N", "P", "Z", "H"]),
    tier=st.sampled_from(["Q", "G", "S"]),
    is_etf=st.sampled_from([True, False, None]),
    is_test=st.booleans(),
)
vendor_lines = st.builds(
    VendorLine,
    symbol=st.from_regex(r"[A-Z]{1,4}(-[A-Z]|-P-[A-Z]|-WS)?", fullmatch=True),
    exchange=st.sampled_from(["NYSE", "NASDAQ", "BATS"]),
    asset_type=st.sampled_from(["Stock", "ETF"]),
    ipo_date=st.one_of(st.none(), st.dates()),
    delisting_date=st.one_of(st.none(), st.dates()),
    is_active=st.booleans(),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(lines, max_size=30), st.one_of(st.none(), st.lists(vendor_lines, max_size=30)))
def test_every_line_ends_once(listed: list[DirectoryLine], vendor: list[VendorLine] | None) -> None:
    market = reconcile(listed, vendor, DAY)
    assert len(market.issues) + sum(market.left_out.values()) == len(listed)
    assert set(market.left_out) <= {"test_issue", "unknown_spelling", "same_symbol"}
    assert len({issue.code for issue in market.issues}) == len(market.issues)
    assert len({issue.symbol for issue in market.issues}) == len(market.issues)
    assert all(issue.listed_on is None or issue.listed_on <= DAY for issue in market.issues)
    assert not set(market.delisted) & {issue.code for issue in market.issues}


@settings(max_examples=100, deadline=None)
@given(st.lists(lines, max_size=20), st.lists(vendor_lines, max_size=20))
def test_a_vendor_adds_no_issue_and_takes_none_away(
    listed: list[DirectoryLine], vendor: list[VendorLine]
) -> None:
    alone, together = reconcile(listed, None, DAY), reconcile(listed, vendor, DAY)
    assert [issue.comparable for issue in alone.issues] == [issue.comparable for issue in together.issues]
    assert alone.left_out == together.left_out


def test_an_issue_of_each_directory() -> None:
    apple, berkshire, spy = reconcile([APPLE, BERKSHIRE, SPY, TEST], None, DAY).issues
    assert (apple.code, apple.exchange, apple.market, apple.security_type) == (
        "AAPL", "NASDAQ", "Nasdaq Global Select Market", "stock",
    )  # fmt: skip
    assert (berkshire.code, berkshire.symbol, berkshire.exchange) == ("BRK.B", "BRK-B", "NYSE")
    assert (spy.exchange, spy.market, spy.security_type) == ("NYSE Arca", "NYSE Arca", "etf")


def test_what_the_directories_leave_out_is_counted() -> None:
    called, odd = replace(BERKSHIRE, symbol="BRK.B*", cqs="BRK.B.CL"), replace(APPLE, symbol="AB%")
    market = reconcile([BERKSHIRE, called, odd, TEST], None, DAY)
    assert market.left_out == {"test_issue": 1, "unknown_spelling": 1, "same_symbol": 1}
    assert market.disagreements == {}


def test_an_exchange_that_is_new_and_a_tape_that_disagrees_are_counted_and_listed() -> None:
    market = reconcile([replace(SPY, exchange="H"), replace(BERKSHIRE, cqs="BRKpB")], None, DAY)
    assert [issue.exchange for issue in market.issues] == ["exchange H", "NYSE"]
    assert market.disagreements == {"unknown_exchange": 1, "cqs_spelling_differs": 1}


def test_a_vendor_gives_the_listing_date_and_is_counted_where_it_disagrees() -> None:
    vendor = [
        APPLE_BY_VENDOR,
        VendorLine("BRK-B", "NYSE MKT", "ETF", date(2030, 1, 1), None, is_active=True),
        VendorLine("SPY", "NYSE ARCA", "ETF", None, date(2020, 1, 2), is_active=False),
        VendorLine("XYZ", "NYSE", "Stock", None, None, is_active=True),
        VendorLine("NXT(EXP20091224)", "NASDAQ", "Stock", None, None, is_active=True),
        VendorLine("OLD-P-A", "NYSE", "Stock", None, date(2025, 7, 18), is_active=False),
        VendorLine("SOON", "NYSE", "Stock", None, date(2025, 8, 1), is_active=False),
    ]
    market = reconcile([APPLE, BERKSHIRE, SPY], vendor, DAY)
    assert [issue.listed_on for issue in market.issues] == [date(1980, 12, 12), None, None]
    assert market.disagreements == {
        "vendor_exchange_differs": 1,
        "vendor_type_differs": 1,
        "vendor_says_delisted": 1,
        "vendor_only": 1,
        "vendor_unknown_spelling": 1,
    }
    assert market.delisted == {"OLDpA": date(2025, 7, 18)}


def test_of_a_ticker_that_was_used_before_the_active_line_counts() -> None:
    before = VendorLine("AAPL", "NYSE", "Stock", date(1970, 1, 2), date(1975, 1, 2), is_active=False)
    for vendor in ([before, APPLE_BY_VENDOR], [APPLE_BY_VENDOR, before]):
        (issue,) = reconcile([APPLE], vendor, DAY).issues
        assert issue.listed_on == date(1980, 12, 12)


# Lines of the directories of 2016-01-05 and 2025-07-21: (symbol, name, exchange, ETF column) → kind.
KINDS = {
    ("AAPL", "Apple Inc. - Common Stock", None, False): "stock",
    ("PFBC", "Preferred Bank - Common Stock", None, False): "stock",
    ("ARLP", "Alliance Resource Partners, L.P. - Common Units Representing Limited Partnership Interests",
     None, False): "stock",
    ("AB", "AllianceBernstein Holding L.P.  Units", "N", False): "stock",
    ("BDJ", "Blackrock Enhanced Equity Dividend Trust", "N", False): "stock",
    ("EDAP", "EDAP TMS S.A. - American Depositary Shares, each representing One Ordinary Share",
     None, False): "adr",
    ("CIB", "Grupo Cibest S.A. American Depositary Shares each representing four Preferred Shares",
     "N", False): "adr",
    ("SPY", "SPDR S&P 500", "P", True): "etf",
    ("ACTX", "Global X Guru Activist ETF", None, None): "etf",  # 2016: the column was not there yet
    ("GLDI", "ETRACS Gold Shares Covered Call ETNs due February 2, 2033", None, False): "etn",
    ("PTA", "Cohen & Steers Tax-Advantaged Preferred Securities and Income Fund Common Shares of Beneficial Interest",
     "N", False): "closed_end_fund",
    ("ARCC", "Ares Capital Corporation - Closed End Fund", None, False): "closed_end_fund",
    ("HWM-", "Howmet Aerospace Inc. $3.75 Preferred Stock", "A", False): "preferred",
    ("CCIA", "Carlyle Credit Income Fund 8.75% Series A Preferred Shares due 2028", "N", False): "preferred",
    ("CDZIP", "Cadiz, Inc. - Depositary Shares", None, False): "preferred",
    ("BC-A", "Brunswick Corporation 6.500% Senior Notes due 2048", "N", False): "note",
    ("ALL-B", "Allstate Corporation (The) 5.100% Fixed-to-Floating Rate Subordinated Debentures due 2053",
     "N", False): "note",
    ("AGIIL", "Argo Group International Holdings, Ltd. - 6.5% Senior Notes Due 2042", None, False): "note",
    ("BNDX", "Vanguard Total International Bond ETF", None, True): "etf",
    ("AACBU", "Artius II Acquisition Inc. - Units", None, False): "unit",
    ("HYAC=", "Haymaker Acquisition Corp. 4 Units, each consisting one Class A Share and one-half of one Warrant",
     "N", False): "unit",
    ("ACHR+", "Archer Aviation Inc. Redeemable Warrants, each whole warrant exercisable for one share",
     "N", False): "warrant",
    ("EXEEL", "Expand Energy Corporation - Class C Warrants", None, False): "warrant",
    ("AACBR", "Artius II Acquisition Inc. - Rights", None, False): "right",
    ("CELGZ", "Celgene Corporation - Contingent Value Right", None, False): "right",
    ("CELG^", "Bristol-Myers Squibb Company Celegne Contingent Value Rights", "N", False): "right",
}  # fmt: skip


@pytest.mark.parametrize("given_line", KINDS, ids=lambda each: each[0])
def test_kind_of_security(given_line: tuple[str, str, str | None, bool | None]) -> None:
    symbol, name, exchange, is_etf = given_line
    line = DirectoryLine(symbol, name, exchange, None if exchange else "Q", is_etf=is_etf, is_test=False)
    (issue,) = reconcile([line], None, DAY).issues
    assert issue.security_type == KINDS[given_line]
