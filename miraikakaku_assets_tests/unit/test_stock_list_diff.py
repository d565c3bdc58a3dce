"""Comparing a new list with the master: five disjoint answers, blind to what printing changes."""

from dataclasses import replace
from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from miraikakaku_assets.domain.market.master import KnownIssue, ListedIssue, compare, normalised
from miraikakaku_assets.domain.market.tokyo import tokyo_issue

codes = st.from_regex(r"[0-9][0-9A-Z][0-9][0-9A-Z][0-9]?", fullmatch=True)
issues = st.builds(
    tokyo_issue,
    code=codes,
    name=st.sampled_from(["極洋", "ニッスイ", "伊藤園第1種優先株式"]),
    market=st.sampled_from(["プライム（内国株式）", "スタンダード（内国株式）"]),
    size=st.sampled_from([None, "TOPIX Small 1"]),
)
lists = st.lists(issues, unique_by=lambda issue: issue.code, max_size=25)
masters = st.lists(st.tuples(issues, st.booleans()), unique_by=lambda entry: entry[0].code, max_size=25).map(
    lambda entries: {issue.code: KnownIssue(issue, is_active=active) for issue, active in entries}
)


@settings(max_examples=200, deadline=None)
@given(masters, lists)
def test_every_listed_code_is_in_exactly_one_answer(
    known: dict[str, KnownIssue], listed: list[ListedIssue]
) -> None:
    diff = compare(known, listed)
    answers = [*diff.added, *diff.updated, *diff.returned, *diff.unchanged]
    assert sorted(issue.code for issue in answers) == sorted(issue.code for issue in listed)
    assert all(issue in listed for issue in answers)


@settings(max_examples=200, deadline=None)
@given(masters, lists)
def test_every_active_code_that_is_not_listed_is_removed_and_no_other(
    known: dict[str, KnownIssue], listed: list[ListedIssue]
) -> None:
    active = {code for code, entry in known.items() if entry.is_active}
    removed = [issue.code for issue in compare(known, listed).removed]
    assert sorted(removed) == sorted(active - {issue.code for issue in listed})


@settings(max_examples=200, deadline=None)
@given(masters, lists)
def test_answers_are_what_they_say(known: dict[str, KnownIssue], listed: list[ListedIssue]) -> None:
    diff = compare(known, listed)
    assert all(issue.code not in known for issue in diff.added)
    assert all(not known[issue.code].is_active for issue in diff.returned)
    assert all(known[issue.code].issue.comparable == issue.comparable for issue in diff.unchanged)
    assert all(known[issue.code].issue.comparable != issue.comparable for issue in diff.updated)
    assert all(known[issue.code].is_active for issue in (*diff.updated, *diff.unchanged))


@settings(max_examples=100, deadline=None)
@given(lists)
def test_list_compared_with_itself_changes_nothing(listed: list[ListedIssue]) -> None:
    known = {issue.code: KnownIssue(issue, is_active=True) for issue in listed}
    diff = compare(known, listed)
    assert list(diff.unchanged) == listed
    assert [diff.added, diff.updated, diff.returned, diff.removed] == [[]] * 4


SHOP = tokyo_issue("1301", "ＡＢＣ　マート", "プライム（内国株式）", sector17="情報通信・サービスその他")


def test_width_and_spacing_are_no_change() -> None:
    printed_otherwise = replace(
        SHOP, name="ABC マート", market="プライム(内国株式)", sector17="情報通信・サービスその他 "
    )
    diff = compare({"1301": KnownIssue(SHOP, is_active=True)}, [printed_otherwise])
    assert diff.unchanged == [printed_otherwise]


def test_each_field_that_changes_is_an_update() -> None:
    for name in (
        "name",
        "market",
        "exchange",
        "symbol",
        "security_type",
        "sector33_code",
        "sector33",
        "sector17_code",
        "sector17",
        "size_code",
        "size",
    ):
        changed = replace(SHOP, **{name: "別"})  # type: ignore[arg-type] # all of these are texts
        assert compare({"1301": KnownIssue(SHOP, is_active=True)}, [changed]).updated == [changed], name


def test_nothing_and_something_differ() -> None:
    # «-» of the list is None: an issue that joins TOPIX gets a size.
    assert compare({"1301": KnownIssue(SHOP, is_active=True)}, [replace(SHOP, size="TOPIX Small 2")]).updated


def test_issue_that_comes_back_under_another_name_is_returned() -> None:
    # 8303 leaves JPX's lists and comes back renamed.
    before = KnownIssue(tokyo_issue("8303", "新生銀行", "スタンダード（内国株式）"), is_active=False)
    back = tokyo_issue("8303", "ＳＢＩ新生銀行", "プライム（内国株式）")
    diff = compare({"8303": before}, [back])
    assert diff.returned == [back]
    assert diff.former_names == {"8303": "新生銀行"}
    assert [diff.added, diff.updated] == [[], []]


def test_issue_that_comes_back_under_its_name_has_no_former_one() -> None:
    diff = compare({"1301": KnownIssue(SHOP, is_active=False)}, [replace(SHOP, name="ABC マート ")])
    assert (len(diff.returned), diff.former_names) == (1, {})


def test_what_a_vendor_says_of_the_listing_date_is_no_change() -> None:
    diff = compare({"1301": KnownIssue(SHOP, is_active=True)}, [replace(SHOP, listed_on=date(2000, 1, 4))])
    assert len(diff.unchanged) == 1


def test_normalised_text() -> None:
    assert normalised(None) is None
    assert normalised(" ＴＯＰＩＸ　Ｓｍａｌｌ \t１ ") == "TOPIX Small 1"
    assert normalised("プライム（内国株式）") == "プライム(内国株式)"


def test_kind_of_security_is_read_from_segment_and_code() -> None:
    kinds = {
        ("1305", "ETF・ETN"): "etf",
        ("8951", "REIT・ベンチャーファンド・カントリーファンド・インフラファンド"): "reit",
        ("8421", "出資証券"): "contribution_certificate",
        ("130A", "PRO Market"): "pro_market",
        ("1773", "スタンダード（外国株式）"): "foreign_stock",
        ("25935", "プライム（内国株式）"): "preferred",
        ("7203", "プライム（内国株式）"): "stock",
        ("130A", "グロース（内国株式）"): "stock",
    }
    read = {key: tokyo_issue(key[0], "銘柄", key[1]).security_type for key in kinds}
    assert read == kinds
    issue = tokyo_issue("130A", "銘柄", "グロース（内国株式）")
    assert (issue.symbol, issue.exchange) == ("130A.T", "TSE")
