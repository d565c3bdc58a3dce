"""The copper curve: units, contract months, sessions of the LME, and what real files of it say."""

import shutil
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from miraikakaku_assets.adapters.sources.copper_files.source import CopperFolder
from miraikakaku_assets.adapters.sources.lseg.source import LsegQuotes
from miraikakaku_assets.adapters.sources.official_prices import official_quotes
from miraikakaku_assets.adapters.sources.westmetall.page import table_of
from miraikakaku_assets.application.copper.curve_view import curve_view
from miraikakaku_assets.application.ports.copper import CurveStore, QuoteCounts
from miraikakaku_assets.domain.bars.validation import DailyContext, validate_daily
from miraikakaku_assets.domain.copper.contract_months import contract_month, liquid_months
from miraikakaku_assets.domain.copper.curve import (
    Regime,
    fronts,
    regime_spans,
    roll_yield,
    rolls,
    slope,
    spreads,
)
from miraikakaku_assets.domain.copper.quotes import (
    QUOTES,
    RAW_QUOTES,
    RAW_STOCKS,
    JudgedQuotes,
    judge_quotes,
    judge_stocks,
)
from miraikakaku_assets.domain.copper.units import POUNDS_PER_TONNE
from miraikakaku_assets.domain.errors import ConfigurationError, InputFileError
from miraikakaku_assets.domain.market.bank_holidays import bank_holidays
from miraikakaku_assets.domain.market.instruments import COPPER
from miraikakaku_assets.domain.market.sessions import session_table, sessions_between
from miraikakaku_assets.simulator.prices.copper_curve import OfficialDay
from miraikakaku_assets.simulator.server.westmetall_page import westmetall_page

NOW = datetime(2026, 11, 30, tzinfo=UTC)
LME_FILE = "lme_copper_cash_3m_stock_2008_2025.csv"


def quote(contract: str, session: date | None, price: float | None, **more: object) -> dict[str, object]:
    usual = {"tenor": "", "unit": "USD/t", "volume": None, "expires": None, "row": 1}
    return {"contract": contract, "session": session, "price": price} | usual | more


def judged(*quotes: dict[str, object], now: datetime = NOW) -> tuple[pl.DataFrame, pl.DataFrame]:
    halves = judge_quotes(pl.DataFrame(list(quotes), schema=RAW_QUOTES), now)
    return halves.accepted, halves.refused


@pytest.fixture(scope="module")
def official(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    """Every row of the LME's file, as the drop folder reads it."""
    folder = tmp_path_factory.mktemp("lme")
    shutil.copy(real_data / "copper" / LME_FILE, folder)
    return CopperFolder(folder).deliver(None).quotes


def test_the_file_of_the_lme_was_in_backwardation_on_31_per_cent_of_days(official: pl.DataFrame) -> None:
    halves = judge_quotes(official, NOW)
    history = spreads(halves.accepted)

    assert (history.height, history["spread"].min(), history["spread"].max()) == (4_445, -166.5, 393.0)
    assert round((history["spread"] > 0).mean(), 3) == 0.309  # type: ignore[arg-type]
    rules = dict(halves.refused.group_by("rule").len().iter_rows())
    # 22 rows without a date and a Saturday; zeros on a bank holiday, its substitute, and a day on which the LME traded.
    assert rules == {"no_date": 44, "not_a_session": 6, "not_positive": 2}


def test_sessions_of_the_lme_are_the_days_of_its_file(official: pl.DataFrame) -> None:
    held = official.filter(pl.col("price") > 0, pl.col("session").is_not_null())["session"].unique().to_list()
    expected = sessions_between("LME", date(2008, 1, 1), date(2025, 8, 5))

    # The Saturday stands in the file for no reason; on 2014-05-19 the file has zeros and the LME was open.
    assert set(held) ^ set(expected) == {date(2008, 11, 8), date(2014, 5, 19)}


def test_bank_holidays_are_those_of_the_london_stock_exchange_but_for_a_funeral() -> None:
    trading = set(session_table("XLON")["session"])
    weekdays = [
        date(1997, 1, 6) + timedelta(days=day) for day in range((date(2026, 12, 31) - date(1997, 1, 6)).days)
    ]
    for day in weekdays:
        if day.weekday() < 5:
            assert (day in bank_holidays(day.year)) == (day not in trading), day
    assert date(2022, 9, 19) in sessions_between("LME", date(2022, 9, 19), date(2022, 9, 19))


def test_contract_months_end_where_the_exchange_says(real_data: Path) -> None:
    published = pl.read_csv(real_data / "copper/cme_HG_contract_expiries.csv", encoding="utf8-lossy")
    apart = {}
    for name, day in published.select("contract", pl.col("expiry_date").str.to_date()).iter_rows():
        month = contract_month(f"{name[:3]}{name[5:]}.CMX")
        if month.expires != day:
            apart[name] = (day, month.expires)

    assert published.height - len(apart) == 183
    # In the others a holiday of New York stands among the last three weekdays, which the file counts as business days.
    closed = {
        day for ends in apart.values() for day in [ends[0] + timedelta(days=step) for step in range(5)]
        if day.weekday() < 5 and day not in sessions_between("CMX", day, day)
    }  # fmt: skip
    assert closed
    assert all(0 < (theirs - ours).days <= 4 for theirs, ours in apart.values())
    assert [month.symbol for month in liquid_months(date(2026, 11, 30), 3)] == [
        "HGZ26.CMX", "HGH27.CMX", "HGK27.CMX",
    ]  # fmt: skip
    with pytest.raises(ConfigurationError, match=r"write it like HGZ26\.CMX"):
        contract_month("HG=F")


def test_carry_files_and_a_unit_of_ones_own_are_read(real_data: Path, tmp_path: Path) -> None:
    shutil.copy(real_data / "copper/pysystemtrade_COPPER_carrydata_comex_contracts.csv", tmp_path)
    curve = "date,contract,price,unit,volume,expires\n2026-08-21,SHFE-CU,101250,CNY/t,,\n"
    (tmp_path / "curve.csv").write_text(curve + "2026-08-21,HGU26.CMX,612.5,cents/lb,900,2026-09-28\n")

    quotes = CopperFolder(tmp_path).deliver(None).quotes
    accepted = judge_quotes(quotes, NOW).accepted

    months = accepted.filter(pl.col("unit") == "USD/lb")
    assert months["contract"].n_unique() > 100
    assert months["session"].min() == date(1993, 5, 5)
    own = {row["contract"]: row for row in accepted.filter(pl.col("session") == date(2026, 8, 21)).to_dicts()}
    assert own["SHFE-CU"]["usd_per_tonne"] is None  # no dollar price without the rate of the day
    assert own["HGU26.CMX"]["usd_per_tonne"] == pytest.approx(6.125 * POUNDS_PER_TONNE)
    assert own["HGU26.CMX"]["known_at"] == datetime(2026, 8, 21, 17, tzinfo=UTC)  # 13:00 in New York


def test_the_export_of_westmetall_is_read(real_data: Path, tmp_path: Path) -> None:
    for file in (real_data / "copper/westmetall_jp").glob("*.csv"):
        shutil.copy(file, tmp_path)

    delivery = CopperFolder(tmp_path).deliver(date(2026, 8, 20))

    rows = delivery.quotes.select("contract", "session", "price").sort("contract", "session").rows()
    assert rows == [
        ("LME-CU-3M", date(2026, 8, 20), 13_970.5), ("LME-CU-3M", date(2026, 8, 21), 14_235.0),
        ("LME-CU-CASH", date(2026, 8, 20), 14_170.0), ("LME-CU-CASH", date(2026, 8, 21), 14_291.0),
    ]  # fmt: skip
    assert delivery.stocks.sort("session")["tonnes"].to_list() == [239_925.0, 238_575.0]


@given(
    st.lists(
        st.tuples(st.integers(4_000, 60_000), st.integers(4_000, 60_000), st.integers(0, 900_000)),
        min_size=1, max_size=30,
    ),
    st.sampled_from(["de", "en"]),
)  # fmt: skip
def test_a_page_says_the_same_in_german_and_in_english(
    days: list[tuple[int, int, int]], language: str
) -> None:
    sessions = session_table("LME")["session"].tail(400)
    table = [
        OfficialDay(sessions[at], cash / 4, three_months / 4, float(stock))
        for at, (cash, three_months, stock) in enumerate(days)
    ] + [OfficialDay(date(2026, 12, 25), None, None, 5.0)]

    quotes, stocks = official_quotes(table_of(westmetall_page(table, language), "page"))

    prices = quotes.filter(pl.col("price").is_not_null()).sort("session", "contract")["price"].to_list()
    assert prices == [number for day in table[:-1] for number in (day.three_months, day.cash)]
    assert stocks.sort("session")["tonnes"].to_list() == [
        day.stock for day in sorted(table, key=lambda day: day.day)
    ]


PAGE = westmetall_page([OfficialDay(date(2026, 8, 21), 9_000.5, 9_001.5, 3.0)], "de")


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"<html><body>Wartungsarbeiten</body></html>", "no_table"),
        (b"", "no_table"),
        (PAGE[:-30], "cut_short"),
        (PAGE.replace(b"9.000,50", b"9,000.50"), "mixed_numbers"),
        (PAGE.replace(b"August", b"Brumaire"), "not_a_date"),
        (PAGE.replace(b"9.000,50", b"teuer"), "not_a_number"),
    ],
)
def test_a_page_that_is_no_table_is_refused(content: bytes, rule: str) -> None:
    with pytest.raises(InputFileError) as refused:
        official_quotes(table_of(content, "page"))
    assert refused.value.rule == rule


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        ("a,b\n1,2\n", "unknown_layout"),
        ("date,contract,price,unit\n2026-08-21,X,1,GBP/t\n", "unknown_unit"),
        ("DATETIME,PRICE,CARRY,CARRY_CONTRACT,PRICE_CONTRACT\n2026-08-21,4.1,,,209913\n", "not_a_month"),
        ("DATETIME,PRICE,CARRY,CARRY_CONTRACT,PRICE_CONTRACT\n2026-08-21,0.001,,,202609\n", "unknown_unit"),
        ("", "empty_file"),
    ],
)
def test_a_file_in_no_known_layout_is_refused(content: str, rule: str, tmp_path: Path) -> None:
    (tmp_path / "file.csv").write_text(content)
    with pytest.raises(InputFileError) as refused:
        CopperFolder(tmp_path).deliver(None)
    assert refused.value.rule == rule


def test_quotes_are_refused_by_the_first_rule_that_fits() -> None:
    friday, holiday = date(2026, 8, 21), date(2026, 8, 31)
    accepted, refused = judged(
        quote("LME-CU-3M", friday, 14_235.0),
        quote("LME-CU-3M", friday, 14_236.0, row=2),
        quote("LME-CU-CASH", friday, 6.48),
        quote("LME-CU-CASH", holiday, 0.0),
        quote("LME-CU-CASH", date(2026, 8, 24), 0.0),
        quote("LME-CU-CASH", date(2026, 8, 25), None),
        quote("LME-CU-CASH", None, 14_000.0, row=7),
        quote("HGZ26.CMX", date(2026, 12, 1), 6.2, unit="USD/lb"),
        quote("HGZ26.CMX", friday, 620.0, unit="USD/lb"),
    )

    assert accepted.select("contract", "price").rows() == [("LME-CU-3M", 14_235.0)]
    assert set(refused.select("place", "rule").rows()) == {
        ("2026-08-21", "second_quote"), ("2026-08-21", "wrong_unit"), ("2026-08-31", "not_a_session"),
        ("2026-08-24", "not_positive"), ("2026-08-25", "no_price"), ("row 7", "no_date"),
        ("2026-12-01", "future_quote"),
    }  # fmt: skip


def test_an_official_price_is_known_at_one_oclock_in_london() -> None:
    summer, winter = date(2026, 8, 21), date(2026, 11, 20)
    moments = {summer: datetime(2026, 8, 21, 12, tzinfo=UTC), winter: datetime(2026, 11, 20, 13, tzinfo=UTC)}
    for session, known in moments.items():
        before, _ = judged(quote("LME-CU-3M", session, 9_000.0), now=known - timedelta(seconds=1))
        at, _ = judged(quote("LME-CU-3M", session, 9_000.0), now=known)
        assert (before.height, at["known_at"].to_list()) == (0, [known])
    stocks = pl.DataFrame([(summer, 5.0, 1)], schema=RAW_STOCKS, orient="row")
    assert judge_stocks(stocks, moments[summer]).height == 1


def test_yields_slopes_and_rolls_are_the_textbooks() -> None:
    assert roll_yield(100.0, 99.0, 73) == pytest.approx(0.05)
    months = [contract_month(name) for name in ("HGZ26.CMX", "HGH27.CMX", "HGK27.CMX")]
    day = date(2026, 11, 2)
    growing = pl.DataFrame(
        {
            "expires": [month.expires for month in months],
            "usd_per_tonne": [10_000 * 1.1 ** ((month.expires - day).days / 365) for month in months],
        }
    )
    assert slope(growing, day) == pytest.approx(0.0953, abs=1e-4)  # ln 1.1
    assert slope(growing.head(1), day) is None
    volumes = [(50, 10), (20, 60), (70, 50), (20, 80), (10, 90), (60, 5)]
    sessions = sessions_between("CMX", date(2026, 11, 2), date(2026, 11, 9))
    quotes = pl.DataFrame(
        [
            quote(month.symbol, session, 5.0, unit="USD/lb", volume=volume, expires=month.expires)
            for session, pair in zip(sessions, volumes, strict=True)
            for month, volume in zip(months[:2], pair, strict=True)
        ],
        schema=RAW_QUOTES,
    )
    front = fronts(judge_quotes(quotes, NOW).accepted)
    # One busy day of the later month is no roll, two are; and it never goes back.
    assert front["contract"].to_list() == ["HGZ26.CMX"] * 4 + ["HGH27.CMX"] * 2
    assert [(roll.session, roll.left, roll.entered) for roll in rolls(front)] == [
        (sessions[4], "HGZ26.CMX", "HGH27.CMX")
    ]


class Stored(CurveStore):
    """Quotes in memory."""

    def __init__(self, quotes: pl.DataFrame) -> None:
        self._quotes = quotes.with_columns(source=pl.lit("memory"))

    def quotes(self, since: date | None = None) -> pl.DataFrame:
        return self._quotes.filter(pl.col("session") >= (since or date.min))

    def write(
        self, source: str, judged: JudgedQuotes, stocks: pl.DataFrame, fetched_at: datetime
    ) -> QuoteCounts:
        raise NotImplementedError

    def newest(self) -> dict[str, date]:
        return {}

    def stocks(self) -> pl.DataFrame:
        return pl.DataFrame(schema={"session": pl.Date, "tonnes": pl.Float64})


def test_the_view_says_how_long_a_shape_has_lasted(official: pl.DataFrame) -> None:
    view = curve_view(Stored(judge_quotes(official, NOW).accepted), until=date(2024, 5, 31))

    assert view.spread is not None
    assert (view.spread.regime, view.spread.session) == (Regime.CONTANGO, date(2024, 5, 31))
    assert view.spread.percentile < 0.05  # May 2024: the widest contango of the file
    assert view.regimes[0].since == view.spread.since
    assert view.comex is None
    spans = regime_spans(view.history)
    assert sum(span.sessions for span in spans) == view.history.height
    assert all(left.regime is not right.regime for left, right in pairwise(spans))
    with pytest.raises(ConfigurationError, match="no quotes of copper's curve"):
        curve_view(Stored(pl.DataFrame(schema=QUOTES)))


def test_bars_of_the_lme_have_no_range_and_days_of_their_own() -> None:
    thanksgiving, boxing = date(2025, 11, 27), date(2025, 12, 26)
    rows = [
        ("LME-CU-3M", thanksgiving, None, 10_900.0), ("LME-CU-3M", boxing, None, 12_000.0),
        ("LME-CU-3M", date(2025, 11, 28), None, 4.9), ("HG=F", thanksgiving, 5.1, 5.1),
        ("HG=F", boxing, 5.6, 5.6), ("HG=F", date(2025, 11, 28), None, 5.2),
    ]  # fmt: skip
    raw = pl.DataFrame(
        [
            {"symbol": symbol, "session": day, "open": opened, "high": opened, "low": opened, "close": close,
             "volume": 0.0, "row": at}
            for at, (symbol, day, opened, close) in enumerate(rows)
        ]
    ).with_columns(stamp=pl.lit(None, pl.Datetime("us", "UTC")), refusal=pl.lit(None, pl.String))  # fmt: skip

    validated = validate_daily(raw, DailyContext(COPPER, datetime(2025, 12, 31, tzinfo=UTC)))

    kept = validated.accepted.select("symbol", "session", "open", "high", "low", "close", "status").rows()
    assert kept == [
        ("HG=F", boxing, 5.6, 5.6, 5.6, 5.6, "final"),
        ("LME-CU-3M", thanksgiving, None, None, None, 10_900.0, "final"),
    ]
    assert set(validated.refused.select("symbol", "session", "rule").rows()) == {
        ("HG=F", thanksgiving, "not_a_session"), ("LME-CU-3M", boxing, "not_a_session"),
        ("LME-CU-3M", date(2025, 11, 28), "wrong_unit"), ("HG=F", date(2025, 11, 28), "not_finite"),
    }  # fmt: skip


def test_lseg_says_what_is_missing() -> None:
    with pytest.raises(ConfigurationError, match="pip install lseg-data"):
        LsegQuotes("").deliver(None)
