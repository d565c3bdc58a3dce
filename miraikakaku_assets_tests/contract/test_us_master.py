"""The US master in a real database: real days one after the other, and what happens to single issues."""

from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from miraikakaku_assets.adapters.files.state_folders import FolderFileStore
from miraikakaku_assets.adapters.sources.us_listings.directories import UsAddresses, UsDirectories
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.masters.store import PostgresMasters
from miraikakaku_assets.application.ports import MasterUpdate
from miraikakaku_assets.application.reference.update_master import update_master
from miraikakaku_assets.domain.errors import InputFileError, MasterRefusedError
from miraikakaku_assets.domain.market.instruments import US
from miraikakaku_assets_tests.support.markets.stored_market import rows_of
from miraikakaku_assets_tests.support.markets.us_directories import (
    AAPL,
    BRK,
    NA,
    QQQ,
    folder_of,
    listing_status,
    nasdaq_listed,
    other_listed,
)

NOW = datetime(2025, 7, 22, 19, tzinfo=UTC)
PRINTED = "stock_code, stock_name, exchange, market_category, yahoo_symbol, security_type"
STATE = "stock_name, is_active, status, status_reason, listed_on, delisted_on"


class Office:
    """A state folder, and the use case over real adapters."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.masters, self.folder, self.home = PostgresMasters(database), folder, folder / "home"
        self.source = UsDirectories(5.0, UsAddresses("nowhere", "nowhere"))

    def update(self, location: Path, **options: Any) -> MasterUpdate:
        return update_master(
            US, str(location), source=self.source, store=self.masters, shelf=FolderFileStore(self.home),
            clock=lambda: NOW, **options,
        )  # fmt: skip

    def publish(self, nasdaq: tuple[str, ...], day: str, *listings: str) -> Path:
        """A publication of that day (MMDDYYYY): these lines of Nasdaq, and the usual other ones."""
        created = f"{day}12:00"
        return folder_of(
            self.folder / day, nasdaq_listed(*nasdaq, created=created), other_listed(created=created),
            listing_status(*listings) if listings else None,
        )  # fmt: skip


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Office:
    return Office(database, tmp_path)


def counted(update: MasterUpdate) -> tuple[int, ...]:
    return (
        update.added_stocks, update.updated_stocks, update.removed_stocks, update.returned_stocks,
        update.unchanged_stocks,
    )  # fmt: skip


def test_issues_of_all_exchanges_are_stored_with_exchange_type_and_spelling(
    database: Database, office: Office
) -> None:
    update = office.update(
        office.publish((), "07212025", "AAPL,Apple Inc,NASDAQ,Stock,1980-12-12,null,Active")
    )
    assert (update.total_stocks, update.list_date) == (6, date(2025, 7, 21))
    assert rows_of(database, "stock_master", PRINTED, "id") == [
        ("AAPL", "Apple Inc. - Common Stock", "NASDAQ", "Nasdaq Global Select Market", "AAPL", "stock"),
        ("NA", "Nano Labs Ltd - Class A Ordinary Shares", "NASDAQ", "Nasdaq Global Market", "NA", "stock"),
        ("QQQ", "Invesco QQQ Trust, Series 1", "NASDAQ", "Nasdaq Global Market", "QQQ", "etf"),
        ("BRK.B", "Berkshire Hathaway Inc. Class B Common Stock", "NYSE", "NYSE", "BRK-B", "stock"),
        ("SPY", "SPDR S&P 500", "NYSE Arca", "NYSE Arca", "SPY", "etf"),
        ("BACpB", "Bank of America Corporation Pfd Ser B", "NYSE", "NYSE", "BAC-PB", "preferred"),
    ]
    assert rows_of(database, "instruments", "symbol, universe, kind, currency, price_unit, calendar", "id")[-1] == (
        "BAC-PB", "us", "preferred", "USD", "USD per share", "XNYS",
    )  # fmt: skip
    dates = dict(rows_of(database, "stock_master", "stock_code, listed_on"))
    assert {code: day for code, day in dates.items() if day} == {"AAPL": date(1980, 12, 12)}
    assert update.counts == {"test_issue": 1, "vendor_misses": 5}
    assert rows_of(database, "stock_master_updates", "counts") == [(dict(update.counts),)]
    assert [each.symbol for each in office.masters.instruments(US, ["BAC-PB", "BRK-B"])] == [
        "BAC-PB",
        "BRK-B",
    ]


def test_a_ticker_given_to_another_company_keeps_its_instrument_and_says_whose_it_was(
    database: Database, office: Office
) -> None:
    office.update(office.publish((AAPL, NA, QQQ), "07142025"))
    before = office.masters.known_symbols(US)
    office.update(office.publish((AAPL, QQQ), "07152025"), accept_mass_change=True)
    other = NA.replace("Nano Labs Ltd", "North America Mining")
    back = office.update(office.publish((AAPL, other, QQQ), "07162025"), accept_mass_change=True)
    assert counted(back) == (0, 0, 0, 1, 5)
    assert office.masters.known_symbols(US) == before
    assert rows_of(database, "stock_master WHERE stock_code = 'NA'", STATE) == [
        (
            "North America Mining - Class A Ordinary Shares",
            True,
            "listed",
            "listed again; until 2025-07-15 as Nano Labs Ltd - Class A Ordinary Shares",
            None,
            None,
        )
    ]
    office.update(office.publish((AAPL, QQQ), "07172025"), accept_mass_change=True)
    office.update(office.publish((AAPL, other, QQQ), "07182025"), accept_mass_change=True)
    assert rows_of(database, "stock_master WHERE stock_code = 'NA'", "status_reason") == [(None,)]


def test_a_move_to_another_exchange_keeps_the_instrument(database: Database, office: Office) -> None:
    office.update(office.publish((AAPL, NA, QQQ), "07142025"))
    before = office.masters.known_symbols(US)
    moved = folder_of(
        office.folder / "moved",
        nasdaq_listed(QQQ, NA, created="0715202512:00"),
        other_listed(BRK, "AAPL|Apple Inc. Common Stock|N|AAPL|N|100|N|AAPL", created="0715202512:00"),
    )
    update = office.update(moved, accept_mass_change=True)
    assert counted(update) == (0, 1, 2, 0, 3)
    assert office.masters.known_symbols(US) == before
    columns = "exchange, market_category, stock_name, is_active"
    assert rows_of(database, "stock_master WHERE stock_code = 'AAPL'", columns) == [
        ("NYSE", "NYSE", "Apple Inc. Common Stock", True)
    ]


def test_the_day_of_the_delisting_is_the_vendors_where_it_says_one(
    database: Database, office: Office
) -> None:
    office.update(office.publish((AAPL, NA, QQQ), "07142025"))
    gone = "NA,Nano Labs Ltd,NASDAQ,Stock,2022-07-12,2025-07-11,Delisted"
    office.update(office.publish((AAPL,), "07152025", gone), accept_mass_change=True)
    assert rows_of(database, "stock_master WHERE NOT is_active", f"stock_code, {STATE}") == [
        (
            "NA",
            "Nano Labs Ltd - Class A Ordinary Shares",
            False,
            "delisted",
            "not in the list dated 2025-07-15, delisted on 2025-07-11",
            None,
            date(2025, 7, 11),
        ),
        (
            "QQQ",
            "Invesco QQQ Trust, Series 1",
            False,
            "delisted",
            "not in the list dated 2025-07-15",
            None,
            date(2025, 7, 15),
        ),
    ]


def test_a_listing_date_is_learnt_later_and_never_forgotten(database: Database, office: Office) -> None:
    def stored() -> tuple[Any, ...]:
        return rows_of(database, "stock_master WHERE stock_code = 'AAPL'", "listed_on, updated_at")[0]

    office.update(office.publish((AAPL, NA), "07142025"))
    before = stored()
    assert before[0] is None
    listing = "AAPL,Apple Inc,NASDAQ,Stock,1980-12-12,null,Active"
    assert counted(office.update(office.publish((AAPL, NA), "07152025", listing)))[-1] == 5
    assert stored() == (date(1980, 12, 12), before[1])
    office.update(office.publish((AAPL, NA), "07162025"))
    assert stored() == (date(1980, 12, 12), before[1])


def test_a_list_the_guard_objects_to_waits_as_a_folder_that_can_be_accepted(office: Office) -> None:
    many = tuple(f"A{chr(65 + n % 26)}{chr(65 + n // 26)}|Company {n}|Q|N|N|100|N|N" for n in range(200))
    office.update(office.publish(many, "07142025"))
    with pytest.raises(MasterRefusedError, match="at most 1% fewer allowed") as caught:
        office.update(office.publish(many[:190], "07152025"))
    assert caught.value.rule == "fewer_issues"
    (waiting,) = (office.home / "quarantine").iterdir()
    assert str(waiting) in str(caught.value)
    assert [path.name[13:] for path in sorted(waiting.iterdir(), key=lambda path: path.name[13:])] == [
        "nasdaqlisted.txt", "otherlisted.txt",
    ]  # fmt: skip
    accepted = office.update(waiting, accept_mass_change=True)
    assert counted(accepted) == (0, 0, 10, 0, 193)
    assert Path(str(accepted.stored_file)).parent == office.home / "masters"


def test_a_failed_update_is_recorded_and_changes_nothing(database: Database, office: Office) -> None:
    office.update(office.publish((), "07142025"))
    before = rows_of(database, "stock_master")
    broken = folder_of(office.folder / "broken", b"<html>Page Not Available</html>", other_listed())
    with pytest.raises(InputFileError, match="HTML page"):
        office.update(broken)
    assert rows_of(database, "stock_master") == before
    assert rows_of(database, "stock_master_updates", "status, rule, source", "id")[-1] == (
        "failed", "web_page", str(broken),
    )  # fmt: skip


# --- real days ---------------------------------------------------------------------------------------------


def real(real_data: Path, folder: Path, day: str, *, vendor: bool = False) -> Path:
    """A folder with links to the files of one real day."""
    made = folder / f"{day}{'-with-vendor' if vendor else ''}"
    made.mkdir()
    files = list((real_data / "us").glob(f"*{day}*.txt"))
    files += (real_data / "us").glob("*listing_status.csv") if vendor else []
    for file in files:
        (made / file.name).symlink_to(file)
    return made


def test_real_days_one_after_the_other(database: Database, office: Office, real_data: Path) -> None:
    folders = {day: real(real_data, office.folder, day) for day in ("2016-01-05", "2016-01-06", "2016-01-08")}
    done = [office.update(folder) for folder in folders.values()]  # the guard has no objection
    assert [update.total_stocks for update in done] == [8_381, 8_380, 8_377]
    # Counted apart from this code, from the files alone; the one change is the full stop behind ARRIS's «plc».
    assert [counted(update) for update in done] == [
        (8_381, 0, 0, 0, 0), (2, 0, 3, 0, 8_378), (9, 1, 12, 0, 8_367),
    ]  # fmt: skip
    assert done[0].counts == {"test_issue": 12}
    removed = rows_of(database, "stock_master WHERE delisted_on = '2016-01-06'", "yahoo_symbol")
    assert removed == [("DOM",), ("RCAP",), ("SWAY",)]
    added = rows_of(database, "stock_master WHERE listed_on = '2016-01-06'", "yahoo_symbol")
    assert added == [("LEAD",), ("SFR",)]
    words = "stock_code IN ('ON', 'TRUE', 'INF', 'NAN', 'N') AND is_active"
    assert len(rows_of(database, f"stock_master WHERE {words}")) == 5

    before = rows_of(database, "stock_master"), rows_of(database, "instruments")
    again = office.update(folders["2016-01-08"])
    assert counted(again) == (0, 0, 0, 0, 8_377)
    assert (rows_of(database, "stock_master"), rows_of(database, "instruments")) == before


def test_nine_years_later_the_guard_objects_and_an_accepted_list_is_applied_at_once(
    database: Database, office: Office, real_data: Path
) -> None:
    office.update(real(real_data, office.folder, "2016-01-08"))
    later = real(real_data, office.folder, "2025-07-21")
    with pytest.raises(MasterRefusedError, match="more_issues") as caught:
        office.update(later)
    assert caught.value.rule == "more_issues+markets_changed"

    update = office.update(later, accept_mass_change=True)
    added, updated, removed, returned, unchanged = counted(update)
    assert (update.total_stocks, returned) == (11_546, 0)
    assert (added, removed) == (7_309, 4_140)
    assert updated > 1_000
    assert updated + unchanged == 8_377 - 4_140
    exchanges = Counter(row[0] for row in rows_of(database, "stock_master WHERE is_active", "exchange"))
    assert exchanges == {
        "NASDAQ": 4_965,
        "NYSE": 2_879,
        "NYSE Arca": 2_389,
        "Cboe BZX": 1_005,
        "NYSE American": 308,
    }
    kinds = Counter(row[0] for row in rows_of(database, "stock_master WHERE is_active", "security_type"))
    assert kinds["etf"] == 4_344
    words = "stock_code IN ('NA', 'ON', 'TRUE', 'NAN') AND is_active"
    assert len(rows_of(database, f"stock_master WHERE {words}")) == 4
    assert rows_of(database, "stock_master", "max(length(stock_name))") == [(245,)]  # none is cut
    # Every instrument follows its line of the master.
    both = "stock_master m JOIN miraikakaku.instruments i ON i.id = m.instrument_id"
    assert rows_of(database, f"{both} WHERE (i.symbol, i.kind) <> (m.yahoo_symbol, m.security_type)") == []


def test_real_words_of_a_vendor_beside_real_directories(office: Office, real_data: Path) -> None:
    update = office.update(real(real_data, office.folder, "2025-07-21", vendor=True))
    assert update.total_stocks == 11_546
    assert update.counts["test_issue"] == 33
    assert update.counts["vendor_unknown_spelling"] == 1  # NXT(EXP20091224)
    known = office.masters.known(US)
    assert known["AAPL"].issue.listed_on == date(1980, 12, 12)
    assert known["NA"].issue.listed_on == date(2022, 7, 12)
    assert sum(entry.issue.listed_on is not None for entry in known.values()) == 8_492
