"""Updating the stock master, from a real .xls to the tables: what comes into force, what waits, what is recorded."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from miraikakaku_assets.adapters.files.state_folders import FolderFileStore
from miraikakaku_assets.adapters.sources.jpx.stock_list import JpxList
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.masters.store import PostgresMasters
from miraikakaku_assets.application.ports import MasterUpdate
from miraikakaku_assets.application.reference.update_master import update_master
from miraikakaku_assets.domain.errors import DependencyUnavailableError, InputFileError, MasterRefusedError
from miraikakaku_assets.domain.market.instruments import JP
from miraikakaku_assets_tests.support.markets.stored_market import rows_of
from miraikakaku_assets_tests.support.markets.workbooks import ETF, Cell, line, workbook

NOW = datetime(2025, 12, 5, 6, tzinfo=UTC)
STANDARD = "スタンダード（内国株式）"


class Office:
    """A folder for lists, and the use case over real adapters."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.masters, self.folder, self.home = PostgresMasters(database), folder, folder / "home"

    def published(self, lines: Iterable[list[Cell]], name: str = "data_j.xls") -> Path:
        path = self.folder / name
        path.write_bytes(workbook(lines))
        return path

    def update(self, location: str | Path, **options: Any) -> MasterUpdate:
        return update_master(
            JP, str(location), source=JpxList(5.0), store=self.masters, shelf=FolderFileStore(self.home),
            clock=lambda: NOW, **options,
        )  # fmt: skip


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Office:
    return Office(database, tmp_path)


HISTORY = (
    "status, total_stocks, added_stocks, updated_stocks, removed_stocks, returned_stocks, unchanged_stocks,"
    " list_date, rule, update_type, accepted_mass_change"
)
MANY: list[list[Cell]] = [line(float(code), name=f"銘柄{code}") for code in range(1301, 1401)]
SEPTEMBER, OCTOBER = date(2025, 9, 30), date(2025, 10, 31)


def dated(lines: Iterable[list[Cell]], day: float) -> list[list[Cell]]:
    return [[day, *each[1:]] for each in lines]


def test_first_list_is_added_as_a_whole(database: Database, office: Office) -> None:
    lines = [line(1301.0), line("130A", "ＶＩＳ　ホールディングス"), line(25935.0), line(1306.0, market=ETF)]
    update = office.update(office.published(lines))
    assert (update.status, update.total_stocks, update.added_stocks, update.unchanged_stocks) == (
        "success",
        4,
        4,
        0,
    )
    columns = "stock_code, stock_name, yahoo_symbol, security_type, sector, size_category, is_active, status, listed_on"
    assert rows_of(database, "stock_master", columns, "id") == [
        ("1301", "極洋", "1301.T", "stock", "水産・農林業", "TOPIX Small 2", True, "listed", None),
        (
            "130A",
            "ＶＩＳ　ホールディングス",
            "130A.T",
            "stock",
            "水産・農林業",
            "TOPIX Small 2",
            True,
            "listed",
            None,
        ),
        ("25935", "極洋", "25935.T", "preferred", "水産・農林業", "TOPIX Small 2", True, "listed", None),
        ("1306", "極洋", "1306.T", "etf", None, None, True, "listed", None),
    ]
    assert rows_of(database, "instruments", "symbol, universe, kind, currency, price_unit, calendar", "id")[0] == (
        "1301.T", "jp", "stock", "JPY", "JPY per share", "XTKS"
    )  # fmt: skip
    assert rows_of(database, "stock_master_updates", HISTORY) == [
        ("success", 4, 4, 0, 0, 0, 0, SEPTEMBER, None, "manual", False)
    ]


def test_same_list_again_changes_nothing_but_the_history(database: Database, office: Office) -> None:
    path = office.published(MANY)
    office.update(path)
    before = rows_of(database, "stock_master"), rows_of(database, "instruments")
    update = office.update(path, scheduled=True)
    assert (update.added_stocks, update.updated_stocks, update.unchanged_stocks) == (0, 0, 100)
    assert (rows_of(database, "stock_master"), rows_of(database, "instruments")) == before
    assert [row[9] for row in rows_of(database, "stock_master_updates", HISTORY)] == ["manual", "scheduled"]


def test_next_list_adds_updates_and_removes(database: Database, office: Office) -> None:
    office.update(office.published(MANY))
    lines = [*dated(MANY, 20251031.0)[1:], line("131A", day=20251031.0)]
    lines[0][2] = "新商号"
    update = office.update(office.published(lines))
    counted = (update.added_stocks, update.updated_stocks, update.removed_stocks, update.unchanged_stocks)
    assert counted == (1, 1, 1, 98)
    columns = "stock_name, is_active, status, status_reason, delisted_on, listed_on, first_list_date, last_list_date"
    issues = dict(zip(("1301", "1302", "131A"), rows_of(
        database, "stock_master WHERE stock_code IN ('1301', '1302', '131A')", columns, "stock_code"), strict=True,
    ))  # fmt: skip
    assert issues == {
        "1301": (
            "銘柄1301",
            False,
            "delisted",
            "not in the list dated 2025-10-31",
            OCTOBER,
            None,
            SEPTEMBER,
            SEPTEMBER,
        ),
        "1302": ("新商号", True, "listed", None, None, None, SEPTEMBER, OCTOBER),
        "131A": ("極洋", True, "listed", None, None, OCTOBER, OCTOBER, OCTOBER),
    }


def test_issue_that_comes_back_is_the_same_instrument_under_its_new_name(
    database: Database, office: Office
) -> None:
    office.update(office.published(MANY))
    before = office.masters.known_symbols(JP)["1301.T"]
    office.update(office.published(dated(MANY[1:], 20251031.0)))
    assert [each.symbol for each in office.masters.instruments(JP)][:1] == ["1302.T"]
    assert office.masters.instruments(JP, ["1301.T"])[0].is_active is False

    renamed = [line(1301.0, "ＳＢＩ新生銀行"), *MANY[1:]]
    update = office.update(office.published(dated(renamed, 20251130.0)))
    assert (update.returned_stocks, update.added_stocks, update.updated_stocks) == (1, 0, 0)
    assert office.masters.known_symbols(JP)["1301.T"] == before
    columns = "stock_name, is_active, status, status_reason, delisted_on, first_list_date, last_list_date"
    assert rows_of(database, "stock_master WHERE stock_code = '1301'", columns) == [
        (
            "ＳＢＩ新生銀行",
            True,
            "listed",
            "listed again; until 2025-10-31 as 銘柄1301",
            None,
            SEPTEMBER,
            date(2025, 11, 30),
        )
    ]


def test_name_printed_in_other_letters_is_unchanged_and_stays_as_first_printed(
    database: Database, office: Office
) -> None:
    office.update(office.published([line(1301.0, "ＡＢＣ　マート"), *MANY[1:]]))
    update = office.update(office.published([line(1301.0, "ABC マート"), *MANY[1:]]))
    assert (update.updated_stocks, update.unchanged_stocks) == (0, 100)
    assert rows_of(database, "stock_master WHERE stock_code = '1301'", "stock_name") == [("ＡＢＣ　マート",)]


REFUSED = {
    "older_list": dated(MANY, 20250831.0),
    "fewer_issues": dated(MANY[2:], 20251031.0),
    "more_issues": dated([*MANY, *(line(f"13{n}A") for n in range(4))], 20251031.0),
    "markets_changed": dated(
        [*(line(each[1], str(each[2]), STANDARD) for each in MANY[:26]), *MANY[26:]], 20251031.0
    ),
}


@pytest.mark.parametrize("rule", REFUSED)
def test_list_the_guard_objects_to_waits_in_quarantine(database: Database, office: Office, rule: str) -> None:
    office.update(office.published(MANY))
    before = rows_of(database, "stock_master"), rows_of(database, "instruments")
    path = office.published(REFUSED[rule], "suspicious.xls")
    with pytest.raises(MasterRefusedError, match="--accept-mass-change") as caught:
        office.update(path)
    assert caught.value.rule == rule
    assert (rows_of(database, "stock_master"), rows_of(database, "instruments")) == before
    (waiting,) = (office.home / "quarantine").iterdir()
    assert waiting.read_bytes() == path.read_bytes()
    assert str(waiting) in str(caught.value)
    recorded = rows_of(database, "stock_master_updates", "status, rule, stored_file, error_message", "id")[-1]
    assert recorded == ("quarantined", rule, str(waiting), str(caught.value))

    accepted = office.update(waiting, accept_mass_change=True)
    assert accepted.status == "success"
    assert office.masters.last_list_date(JP) == accepted.list_date
    assert rows_of(database, "stock_master_updates", "accepted_mass_change", "id")[-1] == (True,)
    assert len(office.masters.instruments(JP)) == len(REFUSED[rule])


def test_list_in_force_is_kept_as_it_was_published(office: Office) -> None:
    path = office.published(MANY)
    update = office.update(path)
    assert update.stored_file is not None
    assert Path(update.stored_file).parent == office.home / "masters"
    assert Path(update.stored_file).read_bytes() == path.read_bytes()


def test_file_that_is_no_list_leaves_the_master_and_a_record(database: Database, office: Office) -> None:
    office.update(office.published(MANY))
    before = rows_of(database, "stock_master")
    broken = office.folder / "page.xls"
    broken.write_text("<html>503</html>")
    with pytest.raises(InputFileError, match="HTML page"):
        office.update(broken)
    with pytest.raises(InputFileError, match="no such file"):
        office.update(office.folder / "none.xls")
    with pytest.raises(DependencyUnavailableError, match=r"http://127\.0\.0\.1:9/data_j\.xls"):
        office.update("http://127.0.0.1:9/data_j.xls")
    assert rows_of(database, "stock_master") == before
    history = rows_of(database, "stock_master_updates", "status, rule, total_stocks, source", "id")[1:]
    assert history == [
        ("failed", "not_a_workbook", 0, str(broken)),
        ("failed", "no_such_file", 0, str(office.folder / "none.xls")),
        ("failed", None, 0, "http://127.0.0.1:9/data_j.xls"),
    ]


def test_password_in_a_lists_address_is_not_recorded(database: Database, office: Office) -> None:
    with pytest.raises(DependencyUnavailableError) as caught:
        office.update("http://user:s3cret@127.0.0.1:9/data_j.xls?key=s3cret")
    assert "s3cret" not in str(caught.value)
    assert "s3cret" not in str(rows_of(database, "stock_master_updates"))


def test_guard_measures_against_the_list_in_force_also_after_an_accepted_older_one(office: Office) -> None:
    office.update(office.published(MANY))
    office.update(office.published(dated(MANY, 20250831.0)), accept_mass_change=True)
    assert office.masters.last_list_date(JP) == date(2025, 8, 31)
    assert office.update(office.published(MANY)).status == "success"


def test_instruments_are_sorted_by_symbol_and_asked_for_by_name(office: Office) -> None:
    office.update(office.published([line("130A"), line(25935.0), line(1301.0)]))
    assert [each.symbol for each in office.masters.instruments(JP)] == ["1301.T", "130A.T", "25935.T"]
    assert [each.code for each in office.masters.instruments(JP, ["25935.T", "none.T"])] == ["25935"]
    assert office.masters.instruments(JP, []) == []


def test_two_updates_at_the_same_moment_put_the_list_into_force_once(
    database: Database, office: Office
) -> None:
    path = office.published(MANY)
    with ThreadPoolExecutor(4) as pool:
        updates = [done.result() for done in [pool.submit(office.update, path) for _ in range(4)]]
    assert sorted(update.added_stocks for update in updates) == [0, 0, 0, 100]
    assert len(rows_of(database, "stock_master")) == 100
    assert len(rows_of(database, "stock_master_updates")) == 4
