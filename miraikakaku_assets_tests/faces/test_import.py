"""Bars from files: what is taken, what is refused and how that is said."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from miraikakaku_assets.domain.market.sessions import session_table
from miraikakaku_assets_tests.support.command import Command
from miraikakaku_assets_tests.support.databases import fresh_database
from miraikakaku_assets_tests.support.in_process import InProcess
from miraikakaku_assets_tests.support.installations.imports import DAYS, csv, installed

pytestmark = pytest.mark.slow

GOOD = ["6758.T,2025-01-06,100,103,99,101,5000", "6758.T,2025-01-07,101,104,100,102,6000"]
ELSEWHERE = "is neither in Asia/Tokyo nor in UTC; the bars of jp are dated there"
BARS = "SELECT * FROM miraikakaku.price_bars ORDER BY instrument_id, ts"
Site = tuple[Command, list[tuple[Any, ...]]]


FUTURE = session_table("XTKS")["session"][-1]


def months_of(symbol: str) -> pl.DataFrame:
    """Two months of unremarkable bars."""
    closes = [1000.0 + 3 * (position % 7) for position in range(len(DAYS))]
    return pl.DataFrame(
        {
            "symbol": symbol,
            "date": DAYS,
            "open": closes,
            "high": [close + 2 for close in closes],
            "low": [close - 2 for close in closes],
            "close": [close + 1 for close in closes],
            "volume": 10_000,
        }
    )


@pytest.fixture(scope="module")
def site_once(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A master, the bars of one symbol, and what is stored of them."""
    with fresh_database(server_url) as url:
        command = installed(url, tmp_path_factory.mktemp("import"))
        months_of("7203.T").write_parquet(command.folder / "7203.parquet")
        ended = command("import", "7203.parquet", "--json")
        assert ended.code == 0, ended.err
        assert ended.err == ""
        assert ended.document["inserted"] == ended.document["rows_read"] == len(DAYS)
        yield command, command.rows(BARS)


@pytest.fixture
def site(site_once: Site, here: InProcess) -> Site:
    """The same, its commands inside the test's process."""
    command, stored = site_once
    return replace(command, inside=here), stored


def test_the_same_file_again_changes_nothing(site: Site) -> None:
    command, stored = site

    ended = command("import", "7203.parquet")

    assert ended.code == 0, ended.err
    assert command.rows(BARS) == stored
    counts = {words[-2]: words[-1] for words in map(str.split, ended.out.splitlines()) if len(words) > 1}
    assert (counts["read"], counts["inserted"], counts["unchanged"]) == (f"{len(DAYS)}", "0", f"{len(DAYS)}")


BAD = [
    ("not_finite", "7203.T,2025-01-08,100,NaN,99,101,5000"),
    ("not_finite", "7203.T,2025-01-09,inf,inf,99,101,5000"),
    ("not_positive", "7203.T,2025-01-10,-100,103,-101,101,5000"),
    ("inconsistent_range", "7203.T,2025-01-14,100,101,99,102,5000"),
    ("bad_volume", "7203.T,2025-01-15,100,103,99,101,-5"),
    ("future_bar", f"7203.T,{FUTURE},100,103,99,101,5000"),
    ("not_a_session", "7203.T,2025-01-11,100,103,99,101,5000"),
    ("not_in_master", "0000.T,2025-01-08,100,103,99,101,5000"),
    ("price_out_of_range", "7203.T,2025-01-16,400000000,400000001,399999999,400000000,5"),
]


def test_bad_rows_are_named_with_file_row_and_rule_and_what_is_stored_stays(site: Site) -> None:
    command, stored = site
    (command.folder / "bad.csv").write_text(csv(*(row for _, row in BAD)), encoding="utf-8")

    ended = command("import", "bad.csv", "--json")

    assert ended.code == 1
    rules = Counter(rule for rule, _ in BAD)
    first = {rule: position for position, (rule, _) in reversed(list(enumerate(BAD)))}
    sentences = {sentence.rpartition("[rule ")[2].partition(";")[0]: sentence for sentence in ended.errors}
    assert set(sentences) == set(rules)
    for rule, sentence in sentences.items():
        symbol, day = BAD[first[rule]][1].split(",")[:2]
        assert sentence.startswith(f"bad.csv, row {first[rule] + 2}: {symbol} {day}: ")
        assert sentence.endswith(f"; {rules[rule]} row{'s' if rules[rule] > 1 else ''} in quarantine]")
    document = ended.document
    assert document["refusals"] == ended.errors
    assert document["quarantined_by_rule"] == rules
    assert (document["rows_read"], document["quarantined"], document["inserted"]) == (len(BAD), len(BAD), 0)
    assert document["succeeded"] is False
    assert command.rows(BARS) == stored
    kept = "SELECT rule, row_number FROM miraikakaku.quarantined_bars ORDER BY row_number"
    assert command.rows(kept) == [(rule, position + 2) for position, (rule, _) in enumerate(BAD)]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (
            csv("7203.T,2025-01-08 09:00:00-05:00,100,103,99,101,5000"),
            f"row 2: 2025-01-08 09:00:00-05:00 {ELSEWHERE} [rule wrong_time_zone]",
        ),
        (
            csv("7203.T,8. Januar,100,103,99,101,5000"),
            "row 2: '8. Januar' is not a date like 2025-01-06 [rule bad_date]",
        ),
        (
            csv("7203.T,2025-01-08,100", header="symbol,date,price"),
            "row 1: column open is missing; columns are: symbol, date, price [rule missing_column]",
        ),
        ("<html><body>login</body></html>\n", "row 1: it is an HTML page, not a table [rule unknown_layout]"),
        ("", "the file is empty [rule empty_file]"),
    ],
    ids=["time-zone", "date", "layout", "html", "empty"],
)
def test_a_file_that_cannot_be_read_imports_nothing(site: Site, content: str, problem: str) -> None:
    command, stored = site
    (command.folder / "other.csv").write_text(content, encoding="utf-8")

    ended = command("import", "other.csv")

    separator = ", " if problem.startswith("row") else ": "
    assert (ended.code, ended.errors) == (1, [f"other.csv{separator}{problem}"])
    assert command.rows(BARS) == stored


def test_good_rows_beside_bad_ones_are_stored_unless_the_import_is_strict(
    server_url: str, tmp_path: Path, here: InProcess
) -> None:
    rows = [
        *GOOD,
        "6758.T,2025-01-08,100,NaN,99,101,5000",
        "1301.T,2025-01-08,100,103,99,101,5000",
        "1301.T,2025-01-08,100,103,99,101,5000",  # the same bar again
        "9984.T,2025-01-08,100,103,99,101,5000",
        "9984.T,2025-01-08,100,103,99,102,5000",  # another bar for the same session
    ]
    with fresh_database(server_url) as url:
        command = installed(url, tmp_path, here)
        (tmp_path / "mixed.csv").write_text(csv(*rows), encoding="utf-8")

        strict = command("import", "mixed.csv", "--strict", "--json")
        after_strict = command.rows(BARS) + command.rows("SELECT * FROM miraikakaku.quarantined_bars")
        usual = command("import", "mixed.csv", "--json")

        (sentence,) = strict.errors
        assert (strict.code, strict.document["error"]) == (1, sentence)
        assert sentence == (
            "mixed.csv, row 4: 6758.T 2025-01-08: a price is missing, NaN or infinite; nothing was imported "
            "[rule not_finite]"
        )
        assert after_strict == []
        assert usual.code == 1
        assert (usual.document["rows_read"], usual.document["inserted"]) == (7, 3)
        assert usual.document["quarantined_by_rule"] == {
            "conflicting_duplicate": 2,
            "duplicate_bar": 1,
            "not_finite": 1,
        }
        assert len(usual.errors) == 3
        assert len(command.rows(BARS)) == 3


def test_a_path_that_does_not_exist(site: Site) -> None:
    ended = site[0]("import", "no [such] file.csv")

    assert (ended.code, ended.errors) == (
        1,
        ["no [such] file.csv: there is no such file or folder [rule no_such_file]"],
    )


def test_a_file_whose_name_is_no_symbol_is_refused_before_a_row_is_read_into_quarantine(site: Site) -> None:
    command, stored = site
    unknown = "SELECT * FROM miraikakaku.quarantined_bars WHERE symbol = 'toyota_2025.T'"
    months_of("7203.T").drop("symbol").write_csv(command.folder / "toyota_2025.csv")

    ended = command("import", "toyota_2025.csv")
    named = command("import", "toyota_2025.csv", "--symbol", "7203.T")

    assert ended.code == 1
    (sentence,) = ended.errors
    assert sentence.startswith(
        "toyota_2025.csv: its name stands for toyota_2025.T, which is in no stock master of jp"
    )
    assert "--symbol" in sentence
    assert named.code == 0
    assert command.rows(BARS) == stored
    assert command.rows(unknown) == []


def test_a_folder_without_bars_is_named(site: Site) -> None:
    (site[0].folder / "nothing").mkdir()

    ended = site[0]("import", "nothing")

    assert ended.code == 1
    assert ended.errors[0].startswith("nothing: there is no Parquet or CSV file in the folder; ")


def test_a_folder_with_an_unreadable_file_is_not_imported_in_silence(site: Site) -> None:
    command, stored = site
    folder = command.folder / "folder"
    folder.mkdir()
    months_of("7203.T").write_csv(folder / "7203.csv")
    (folder / "9984.csv").write_text("<html>quota exceeded</html>\n", encoding="utf-8")

    ended = command("import", "folder", "--json")

    assert ended.code == 1
    assert ended.document["unchanged"] == len(DAYS)
    assert "9984.csv" in ended.errors[0]
    assert "it is an HTML page, not a table" in ended.errors[0]
    assert command.rows(BARS) == stored


def test_monthly_files_keep_the_bar_before_a_break_and_name_the_bar_that_a_later_month_undoes(
    site: Site,
) -> None:
    command, _ = site

    def month(name: str, *rows: str) -> Any:
        (command.folder / name).write_text(csv(*rows))
        return command("import", name)

    # 9984.T trades at a fifth from the last day of a month on; 1301.T does so on that day only.
    first = month(
        "m1.csv",
        "9984.T,2025-01-30,6050,6050,6050,6050,100",
        "9984.T,2025-01-31,1210,1210,1210,1210,100",
        "1301.T,2025-01-30,1900,1900,1900,1900,100",
        "1301.T,2025-01-31,1300,1300,1300,1300,100",
    )
    assert first.code == 1
    assert "limit_absurd" in first.err
    second = month(
        "m2.csv", "9984.T,2025-02-03,1215,1215,1215,1215,100", "1301.T,2025-02-03,1900,1900,1900,1900,100"
    )
    assert second.code == 1
    assert "a stored bar was withdrawn: 1301.T 2025-01-31: close 1300 [limit_undone]" in second.err
    stored = """
        SELECT i.symbol, b.close FROM miraikakaku.price_bars b JOIN miraikakaku.instruments i ON i.id = b.instrument_id
        WHERE i.symbol IN ('1301.T', '9984.T') AND b.timeframe = '1d' ORDER BY i.symbol, b.ts"""
    assert command.rows(stored) == [
        ("1301.T", 1900.0), ("1301.T", 1900.0), ("9984.T", 6050.0), ("9984.T", 1210.0), ("9984.T", 1215.0)
    ]  # fmt: skip
    assert command.rows("SELECT kind, severity FROM miraikakaku.alerts") == [("withdrawn", "WARNING")]


def test_empty_five_minute_rows_are_counted_beside_the_rows_read(site: Site) -> None:
    command, _ = site
    daily = BARS.replace("ORDER", "WHERE timeframe = '1d' ORDER")
    stored = command.rows(daily)
    rows = ["6758.T,2025-01-07 09:00:00+09:00,100,103,99,101,5000"]
    rows += [f"6758.T,2025-01-07 {clock}:00+09:00,,,,," for clock in ("11:35", "12:00", "12:25")]
    (command.folder / "5m.csv").write_text(csv(*rows).replace("date", "datetime", 1), encoding="utf-8")

    ended = command("import", "5m.csv", "--timeframe", "5m", "--json")

    assert ended.code == 0, ended.err
    document = ended.document
    assert (document["rows_read"], document["inserted"], document["quarantined"]) == (1, 1, 0)
    assert document["empty_rows"] == 3
    assert command.rows(daily) == stored
