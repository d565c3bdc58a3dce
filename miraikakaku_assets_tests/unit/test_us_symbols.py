"""One security, one key: what Nasdaq, the tape, ACT and Alpha Vantage write, and what Yahoo makes of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miraikakaku_assets.domain.market.us_symbols import Dialect, Spelling, read_symbol

# Lines of real directories (2016-01, 2025-07) and of Alpha Vantage's list (2023-07), None where they have none:
# Yahoo: (Nasdaq, CQS 2025, CQS 2016, ACT, Alpha Vantage).
WRITTEN: dict[str, tuple[str, str | None, str | None, str | None, str | None]] = {
    "AAPL": ("AAPL", None, None, None, "AAPL"),
    "BRIDP": ("BRIDP", None, None, None, "BRIDP"),
    "BRK-B": ("BRK.B", "BRK.B", "BRK/B", "BRK.B", "BRK-B"),
    "AKO-A": ("AKO.A", "AKO.A", "AKO/A", "AKO.A", "AKO-A"),
    "AA-PB": ("AA-B", "AApB", "AApB", "AA$B", "AA-P-B"),
    "ABR-PD": ("ABR-D", "ABRpD", None, "ABR$D", "ABR-P-D"),
    "HWM-P": ("HWM-", "HWMp", None, "HWM$", "HWM-P"),
    "BC-PA": ("BC-A", "BCpA", None, "BC$A", "BC/PA"),
    "ACHR-WT": ("ACHR+", "ACHR.WS", None, "ACHR.W", "ACHR-WS"),
    "AIG-WT": ("AIG+", None, "AIG/WS", "AIG.W", None),
    "NE-WTA": ("NE+A", "NE.WS.A", None, None, "NE-WS-A"),
    "BAC-WTB": ("BAC+B", None, "BAC/WS/B", None, None),
    "AACT-UN": ("AACT=", "AACT.U", None, "AACT.U", "AACT-U"),
    "GRP-UN": ("GRP=", "GRP.U", "GRP/U", "GRP.U", None),
    "CELG-RI": ("CELG^", "CELGr", None, "CELG.R", None),
    "NOK-WI": ("NOK#", None, "NOKw", "NOK.V", None),
    "NXG-RIWI": ("NXG^#", "NXGrw", None, None, "NXG-R-W"),
    "MER-PD": ("MER-D*", None, "MERpD/CL", "MER$D", None),
    "MKC-V": ("MKC.V", "MKC.V", "MKC/V", None, "MKC-V"),
    "NA": ("NA", None, None, None, "NA"),
    "NAN": ("NAN", "NAN", "NAN", "NAN", "NAN"),
    "TRUE": ("TRUE", None, None, None, "TRUE"),
    "INF": ("INF", None, "INF", "INF", None),
}


@pytest.mark.parametrize("yahoo", WRITTEN)
def test_every_author_leads_to_the_same_key(yahoo: str) -> None:
    nasdaq, cqs, older_cqs, act, vendor = WRITTEN[yahoo]
    by = [(nasdaq, Dialect.NASDAQ), (cqs, Dialect.CQS), (older_cqs, Dialect.CQS), (act, Dialect.ACT),
          (vendor, Dialect.ALPHA_VANTAGE)]  # fmt: skip
    read = {read_symbol(text, dialect) for text, dialect in by if text is not None}
    assert len(read) == 1
    (spelling,) = read
    assert spelling is not None
    assert spelling.symbol == yahoo
    if cqs is not None:
        assert spelling.cqs == cqs


def test_the_same_letters_mean_something_else_with_another_author() -> None:
    assert read_symbol("AA-B", Dialect.NASDAQ) == Spelling("AA", "preferred", "B")
    assert read_symbol("AA-B", Dialect.ALPHA_VANTAGE) == Spelling("AA", "common", "B")
    assert read_symbol("NE.A", Dialect.ACT) == Spelling(
        "NE", "common", "A"
    )  # the warrants of class A, in truth


@pytest.mark.parametrize(
    ("text", "dialect"),
    [
        ("NXT(EXP20091224)", Dialect.ALPHA_VANTAGE),  # an expired ticker, 2023-07
        ("", Dialect.NASDAQ), ("brk.b", Dialect.NASDAQ), ("BRK.", Dialect.NASDAQ), ("AB%", Dialect.NASDAQ),
        ("AB=C", Dialect.NASDAQ), ("BRK B", Dialect.CQS), ("BRK.BB", Dialect.CQS), ("AB.WS.", Dialect.CQS),
        ("1301.T", Dialect.NASDAQ), ("BRK-", Dialect.ALPHA_VANTAGE), ("^GSPC", Dialect.ALPHA_VANTAGE),
    ],
)  # fmt: skip
def test_what_nobody_writes_is_not_guessed_at(text: str, dialect: Dialect) -> None:
    assert read_symbol(text, dialect) is None


LETTER = st.sampled_from("ABCDEFGHIJKLMNOQRSTUVWXYZ")  # a class P and a preferred without series share a key
spellings = st.builds(
    Spelling,
    root=st.text(st.characters(min_codepoint=65, max_codepoint=90), min_size=1, max_size=5),
    kind=st.sampled_from(["common", "preferred", "warrant"]),
    series=st.one_of(st.just(""), LETTER),
    state=st.sampled_from(["", "issued"]),
) | st.builds(Spelling, root=st.sampled_from(["AB", "CDEF"]), kind=st.sampled_from(["unit", "right"]))


@given(spellings)
def test_the_code_reads_back_as_the_same_security(spelling: Spelling) -> None:
    if (spelling.kind, spelling.series) == ("common", "U"):  # the tape writes units so
        spelling = Spelling(spelling.root, "unit", "", spelling.state)
    assert read_symbol(spelling.cqs, Dialect.CQS) == spelling


@given(spellings, spellings)
def test_different_securities_have_different_codes(first: Spelling, second: Spelling) -> None:
    if "U" not in {first.series, second.series}:
        assert (first.cqs == second.cqs) == (first == second)
