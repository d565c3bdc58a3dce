"""Tokyo: which symbol an issue of JPX's list has and what kind of security it is."""

from typing import Any

from miraikakaku_assets.domain.market.master import ListedIssue, normalised

EXCHANGE = "TSE"
_SUFFIX = ".T"
_ISSUER_DIGITS = 4

_TYPE_MARKS = (
    ("ETF", "etf"),
    ("REIT", "reit"),
    ("出資証券", "contribution_certificate"),
    ("PRO Market", "pro_market"),
    ("外国株", "foreign_stock"),
)


def tokyo_issue(code: str, name: str, market: str, **classification: Any) -> ListedIssue:
    """One line of JPX's list.

    Args:
        code: Securities code as text: ``1301``, ``130A``, ``25935``.
        name: Name as printed, full-width letters and U+3000 included.
        market: Market segment and product class, e.g. ``プライム（内国株式）``.
        classification: The sector and size fields of `ListedIssue`.
    """
    return ListedIssue(
        code=code,
        name=name,
        market=market,
        exchange=EXCHANGE,
        symbol=f"{code}{_SUFFIX}",
        security_type=tokyo_security_type(code, market),
        **classification,
    )


def tokyo_security_type(code: str, market: str) -> str:
    """Kind of security, read from the market segment and the length of the code."""
    segment = normalised(market) or ""
    for mark, kind in _TYPE_MARKS:
        if mark in segment:
            return kind
    # Preferred and class shares carry a fifth digit behind the issuer's four (25935 is Ito En's preferred).
    return "preferred" if len(code) > _ISSUER_DIGITS else "stock"
