"""Symbols by what somebody types."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from miraikakaku_assets.application.reading.find_symbols import NamedIssue, SymbolIndex
from miraikakaku_assets.domain.market.search_names import folded, latin

ISSUES = (
    NamedIssue("7203.T", "7203", "トヨタ自動車", "jp"),
    NamedIssue("6758.T", "6758", "ソニーグループ", "jp"),
    NamedIssue("9984.T", "9984", "ソフトバンクグループ", "jp"),
    NamedIssue("3088.T", "3088", "マツキヨココカラ＆カンパニー", "jp"),
    NamedIssue("7974.T", "7974", "任天堂", "jp"),
    NamedIssue("130A.T", "130A", "Ｖｅｒｉｔａｓ　Ｉｎ　Ｓｉｌｉｃｏ", "jp"),
    NamedIssue("AAPL", "AAPL", "Apple Inc. - Common Stock", "us"),
    NamedIssue("USDJPY=X", "USDJPY=X", "US dollar / yen", "fx"),
    NamedIssue("7202.T", "7202", "トヨタ旧社", "jp", is_active=False),
)


@pytest.mark.parametrize(
    ("typed", "symbol"),
    [
        ("7203", "7203.T"),
        ("７２０３", "7203.T"),
        ("7203.t", "7203.T"),
        ("トヨタ", "7203.T"),
        ("とよた", "7203.T"),
        ("ﾄﾖﾀ", "7203.T"),
        ("toyota", "7203.T"),
        ("Sony", "6758.T"),
        ("softbank", "9984.T"),
        ("sofutobank", "9984.T"),
        ("matsukiyo", "3088.T"),
        ("任天", "7974.T"),
        ("veritas in", "130A.T"),
        ("130a", "130A.T"),
        ("apple", "AAPL"),
        ("usdjpy", "USDJPY=X"),
    ],
)
def test_code_kanji_kana_and_latin_letters_find_an_issue(typed: str, symbol: str) -> None:
    found = SymbolIndex(ISSUES).find(typed)
    assert found, typed
    assert found[0].symbol == symbol


def test_listed_issues_come_before_those_that_were() -> None:
    assert [issue.symbol for issue in SymbolIndex(ISSUES).find("トヨタ")] == ["7203.T", "7202.T"]


def test_blanks_and_unknown_names_find_nothing() -> None:
    index = SymbolIndex(ISSUES)
    assert index.find("  ") == []
    assert index.find("does not exist") == []


@given(st.text(max_size=30))
@example("a-\N{COMBINING ACUTE ACCENT}")
def test_any_text_is_folded_once_and_for_all(text: str) -> None:
    once = folded(text)
    assert folded(once) == once
    assert isinstance(latin(text), str)
    assert isinstance(SymbolIndex(ISSUES).find(text), list)
