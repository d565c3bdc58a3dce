"""What kind of security a line of the US directories is.

The directories say so outright for ETFs only. The mark behind the root tells preferred shares, warrants, units
and rights of NYSE's markets, Nasdaq's fifth letter those of Nasdaq, and the name the rest: debt that trades
under a preferred's mark (``BC-A`` is «6.500% Senior Notes due 2048»), notes linked to an index, depositary
receipts, funds that are closed. A trust that does not call itself a fund stays a stock: the directories do
not tell it from a company.
"""

import re

from miraikakaku_assets.domain.market.us_symbols import Spelling

_MARKED = {"preferred", "warrant", "unit", "right"}
_FIFTH_LETTER = 5
_FUND = re.compile(r"\bfunds?\b|\bclosed[- ]end\b", re.IGNORECASE)
_ETN = re.compile(r"\bETNs?\b|\bexchange[- ]traded (?:notes?|access)|\bE-?TRACS\b", re.IGNORECASE)
_DEBT = re.compile(
    r"\b(?:notes?|debentures?|bonds?|certificates?|securities)\b.*?\bdue\b"
    r"|%.*?\b(?:notes?|debentures?|bonds?)\b|\b(?:debentures?|mortgage bonds?)\b"
    r"|\bcorp(?:orate)? backed\b|\bstructured repackaged\b",
    re.IGNORECASE,
)
_RECEIPT = re.compile(r"\bAmerican Deposit[ao]ry\b|\bADRs?\b|\bADSs?\b", re.IGNORECASE)
_PREFERRED = re.compile(r"\b(?:preferred|preference|pfd)\b", re.IGNORECASE)
_INTEREST = re.compile(r"\bDeposit[ao]ry (?:Shares?|Shs)\b", re.IGNORECASE)
_WARRANT = re.compile(r"\bwarrants?\b|\bADW\b", re.IGNORECASE)
_RIGHT = re.compile(r"\brights?\b", re.IGNORECASE)
_UNIT = re.compile(r"\bunits?\b", re.IGNORECASE)
_ETF_NAME = re.compile(r"\bETF\b|\bindex (?:fund|tracking)\b", re.IGNORECASE)


def security_type(name: str, spelling: Spelling, *, is_etf: bool | None, on_nasdaq: bool) -> str:
    """Kind of security.

    Args:
        name: Name as printed. Nasdaq prints ``Issuer - Security``, the others run both together.
        spelling: What the symbol says.
        is_etf: What the directory says; None where it does not (then the name has to tell).
        on_nasdaq: Whether Nasdaq lists it.

    Returns:
        ``stock``, ``adr``, ``etf``, ``etn``, ``closed_end_fund``, ``preferred``, ``note``, ``unit``,
        ``warrant`` or ``right``.
    """
    if is_etf or (is_etf is None and _ETF_NAME.search(name)):
        return "etf"
    security = _security(name, on_nasdaq=on_nasdaq)
    if spelling.kind in _MARKED:
        return "note" if spelling.kind == "preferred" and _DEBT.search(security) else spelling.kind
    fifth = _fifth_letter(spelling.root, security) if on_nasdaq else None
    return fifth or _from_words(name, security)


def _from_words(name: str, security: str) -> str:
    is_receipt = bool(_RECEIPT.search(security))
    answers = (
        ("etn", bool(_ETN.search(name))),
        ("preferred", bool(_PREFERRED.search(security)) and not is_receipt),
        ("note", bool(_DEBT.search(security))),
        ("adr", is_receipt),
        ("preferred", bool(_INTEREST.search(security))),
        ("closed_end_fund", bool(_FUND.search(name))),
    )
    return next((kind for kind, holds in answers if holds), "stock")


def _security(name: str, *, on_nasdaq: bool) -> str:
    """The part of a name that is about the security, not the issuer («Preferred Income Fund Common Shares»)."""
    if on_nasdaq and " - " in name:
        return name.rpartition(" - ")[2]
    return re.split(r"\bfund\b", name, flags=re.IGNORECASE)[-1]


def _fifth_letter(root: str, security: str) -> str | None:
    """Units, warrants and rights of Nasdaq: five letters, and a name that says so.

    «Common Units Representing Limited Partner Interests» are no units: they have four letters.
    """
    if len(root) != _FIFTH_LETTER:
        return None
    if root.endswith("U") and _UNIT.search(security):
        return "unit"
    if _WARRANT.search(security):
        return "warrant"
    return "right" if _RIGHT.search(security) else None
