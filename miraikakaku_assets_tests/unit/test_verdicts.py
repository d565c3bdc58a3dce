"""The verdict of a served symbol, whatever was written of it and by whom."""

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from miraikakaku_assets.application.collection.outcomes import MarketFacts, outcomes_of
from miraikakaku_assets.application.ports import BarRequest, Delivery, SymbolOutcome, WriteResult
from miraikakaku_assets.domain.bars.validation import validate_daily
from miraikakaku_assets_tests.support.bars.raw_bars import SESSIONS, bar, context, raw

SYMBOL = "1301.T"


def outcome(
    inserted: int, restated: int, unchanged: int, refused: int, *, bare: bool, whole: bool
) -> SymbolOutcome:
    """Of one delivery: bars that were written as these numbers say, and bars that were refused."""
    accepted = inserted + restated + unchanged
    days = SESSIONS[: accepted + refused]
    rows = [bar(day, 10.0 if place < accepted else -1.0, symbol=SYMBOL) for place, day in enumerate(days)]
    delivery = Delivery((SYMBOL,), raw(rows))
    known = frozenset({SYMBOL})
    validated = validate_daily(delivery.bars, context())
    counts = pl.DataFrame(
        {
            "symbol": [SYMBOL],
            "inserted": [inserted],
            "restated": [restated],
            "unchanged": [unchanged],
            "withdrawn": [0],
            "reconsidered": [0],
        }
    )
    requests = {SYMBOL: BarRequest(SYMBOL, SESSIONS[0], SESSIONS[-1])}
    facts = MarketFacts(requests, known, frozenset(), known if bare else frozenset(), whole)
    (result,) = outcomes_of(delivery, validated, WriteResult(counts), validated.refused.clear(), facts, {})
    return result


few = st.integers(0, 2)


@settings(deadline=None)
@given(inserted=few, restated=few, unchanged=few, refused=few, bare=st.booleans(), whole=st.booleans())
def test_a_symbol_is_without_bars_only_if_none_was_stored_before_and_none_now(
    inserted: int, restated: int, unchanged: int, refused: int, *, bare: bool, whole: bool
) -> None:
    result = outcome(inserted, restated, unchanged, refused, bare=bare, whole=whole)

    assert result.rows_read == inserted + restated + unchanged + refused
    assert (result.inserted, result.restated, result.unchanged, result.quarantined) == (
        inserted, restated, unchanged, refused
    )  # fmt: skip
    assert (result.verdict == "ok") == bool(inserted or restated)
    # Bars that somebody else stored a moment ago come back as unchanged.
    assert result.without_bars == (bare and not (inserted or restated or unchanged))
    if result.without_bars:
        nothing_came = "never_delivered" if whole else "none_in_window"
        assert result.verdict == ("all_refused" if refused else nothing_came)
