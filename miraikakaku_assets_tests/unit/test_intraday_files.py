"""Files of 5-minute bars: the layouts that are read, and how others are refused."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from miraikakaku_assets.adapters.sources.files.intraday_bars import NamedBarFiles, read_intraday_file
from miraikakaku_assets.domain.bars.frame import RAW_DAILY, RAW_INTRADAY
from miraikakaku_assets.domain.errors import ConfigurationError, InputFileError
from miraikakaku_assets.domain.market.instruments import FX, JP, US, Timeframe, Universe

NINE = datetime(2025, 1, 6, 0, 0, tzinfo=UTC)  # in Tokyo
PRICES = "100,103,99,101"


def written(folder: Path, text: str, name: str = "7203.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "stamp",
    [
        "2025-01-06 09:00:00+09:00",
        "2025-01-06T09:00+09:00",
        "2025-01-06 09:00:00",
        "2025-01-06 00:00:00+00:00",
        "2025-01-05 19:00:00-05:00",
    ],
)
def test_a_stamp_is_a_moment_or_the_exchanges_clock(tmp_path: Path, stamp: str) -> None:
    path = written(tmp_path, f"Datetime,Open,High,Low,Close,Volume\n{stamp},{PRICES},500\n")

    bars = read_intraday_file(path, JP)

    assert bars.schema == pl.Schema(RAW_INTRADAY)
    assert bars.row(0, named=True) == {
        "symbol": "7203.T", "stamp": NINE, "open": 100.0, "high": 103.0, "low": 99.0, "close": 101.0,
        "volume": 500.0, "row": 2, "refusal": None,
    }  # fmt: skip


@pytest.mark.parametrize("day", ["2025.01.06", "2025.07.07"])
def test_metatraders_clock_is_the_brokers(tmp_path: Path, day: str) -> None:
    path = written(tmp_path, f"{day},02:00,{PRICES},12\n{day},02:05,{PRICES},13\n", "usdjpy.csv")

    bars = read_intraday_file(path, FX, "Europe/Helsinki")

    there = datetime.strptime(day + " 02:00 +0000", "%Y.%m.%d %H:%M %z")
    offset = timedelta(hours=2 if "01.06" in day else 3)  # winter and summer time
    assert bars["stamp"].to_list() == [there - offset, there - offset + timedelta(minutes=5)]
    assert bars["row"].to_list() == [1, 2]
    assert bars["close"].to_list() == [101.0, 101.0]
    with pytest.raises(InputFileError, match=r"--time-zone, e\.g\. Europe/Helsinki") as refused:
        read_intraday_file(path, FX)
    assert refused.value.rule == "no_time_zone"


RATES = {  # what copy_rates_from hands out: seconds on the broker's clock
    "time": [1_736_128_800, 1_736_129_100],
    "open": [157.0, 157.1],
    "high": [157.2, 157.2],
    "low": [156.9, 157.0],
    "close": [157.1, 157.2],
    "tick_volume": [120, 90],
    "spread": [2, 2],
    "real_volume": [0, 3_400],
}
"""Of 2025-01-06 02:00 and 02:05 on a clock in Helsinki, midnight in UTC."""


@pytest.mark.parametrize("written_as", ["seconds", "stamps", "parquet", "indexed"])
def test_what_metatraders_python_hands_out_is_on_the_brokers_clock(tmp_path: Path, written_as: str) -> None:
    rates = pl.DataFrame(RATES)
    path = tmp_path / ("USDJPY=X.parquet" if written_as == "parquet" else "USDJPY=X.csv")
    if written_as == "stamps":
        rates = rates.with_columns(pl.from_epoch("time").dt.to_string("%Y-%m-%d %H:%M:%S"))
    if written_as == "indexed":
        rates = rates.with_row_index("")
    rates.write_parquet(path) if written_as == "parquet" else rates.write_csv(path)

    bars = read_intraday_file(path, FX, "Europe/Helsinki")

    midnight = datetime(2025, 1, 6, tzinfo=UTC)
    assert bars["stamp"].to_list() == [midnight, midnight + timedelta(minutes=5)]
    assert bars["close"].to_list() == [157.1, 157.2]
    assert bars["volume"].to_list() == [None, None]  # a count of quotes is no volume
    with pytest.raises(InputFileError, match="--time-zone") as refused:
        read_intraday_file(path, FX)
    assert refused.value.rule == "no_time_zone"


def test_shares_of_metatraders_python_have_their_real_volume(tmp_path: Path) -> None:
    path = tmp_path / "7203.parquet"
    pl.DataFrame(RATES).write_parquet(path)
    assert read_intraday_file(path, JP, "Asia/Tokyo")["volume"].to_list() == [0.0, 3_400.0]


def test_metatrader_5_writes_tabs_and_angle_brackets(tmp_path: Path) -> None:
    head = "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\n"
    path = written(
        tmp_path, head + "2025.01.06\t02:00:00\t157\t157.2\t156.9\t157.1\t120\t0\t2\n", "USDJPY=X.csv"
    )

    bars = read_intraday_file(path, FX, "Europe/Helsinki")

    assert bars.select("stamp", "close", "row").rows() == [(datetime(2025, 1, 6, tzinfo=UTC), 157.1, 2)]


def test_an_hour_that_summer_time_skips_or_repeats_is_read(tmp_path: Path) -> None:
    rows = "".join(f"{stamp},{PRICES},1\n" for stamp in ("2025.03.30,03:30", "2025.10.26,03:30"))

    bars = read_intraday_file(written(tmp_path, rows, "usdjpy.csv"), FX, "Europe/Helsinki")

    assert bars["stamp"].to_list() == [
        datetime(2025, 3, 30, 1, 30, tzinfo=UTC), datetime(2025, 10, 26, 0, 30, tzinfo=UTC)
    ]  # fmt: skip


def test_parquet_with_typed_stamps(tmp_path: Path) -> None:
    path = tmp_path / "bars.parquet"
    local = pl.Series([datetime(2025, 1, 6, 9)]).dt.replace_time_zone("Asia/Tokyo")  # noqa: DTZ001
    row = {"open": 1.0, "high": 2.0, "low": 1.0, "close": 2.0, "volume": 3}
    for stamps in (local, local.dt.replace_time_zone(None), local.dt.convert_time_zone("America/New_York")):
        pl.DataFrame(
            {"symbol": ["7203.T"], "timestamp": stamps, **{k: [v] for k, v in row.items()}}
        ).write_parquet(path)
        assert read_intraday_file(path, JP).select("symbol", "stamp", "row").rows() == [("7203.T", NINE, 1)]


def test_currencies_need_no_volume_and_shares_do(tmp_path: Path) -> None:
    text = f"datetime_jst,Open,High,Low,Close\n2025-01-06 09:00:00+09:00,{PRICES}\n"

    bars = read_intraday_file(written(tmp_path, text, "USDJPY=X.csv"), FX)

    assert bars.select("symbol", "stamp", "volume").rows() == [("USDJPY=X", NINE, None)]
    with pytest.raises(InputFileError, match="column volume is missing"):
        read_intraday_file(written(tmp_path, text), US)


def test_what_is_no_number_is_left_to_the_rules(tmp_path: Path) -> None:
    path = written(tmp_path, "datetime,open,high,low,close,volume\n2025-01-06 09:00,x,,99,101,5\n")

    assert read_intraday_file(path, JP).select("open", "high", "low").rows() == [(None, None, 99.0)]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("datetime,open\n2025-01-06 09:00,1\n", "row 1: column high is missing; columns are: datetime, open"),
        (f"open,high,low,close,volume\n{PRICES},1\n", "row 1: column datetime is missing"),
        (f"datetime,open,high,low,close,volume\nyesterday,{PRICES},1\n", "row 2: 'yesterday' is not a moment"),
        ("<html>\n", "row 1: it is an HTML page"),
        ("", ": the file is empty"),
    ],
)  # fmt: skip
def test_other_files_are_refused_in_one_sentence(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(InputFileError) as refused:
        read_intraday_file(written(tmp_path, text), JP)
    assert complaint in str(refused.value)


@pytest.mark.parametrize(
    ("read", "error"),
    [
        (lambda folder: read_intraday_file(folder / "absent.csv", JP), InputFileError),
        (lambda folder: read_intraday_file(written(folder, "PAR1", "x.parquet"), JP), InputFileError),
        (
            lambda folder: read_intraday_file(
                written(folder, f"datetime,open,high,low,close,volume\n2025-01-06,{PRICES},1\n"), JP, "Mars/X"
            ),
            ConfigurationError,
        ),
    ],
)
def test_no_file_no_parquet_and_no_zone(
    tmp_path: Path, read: Callable[[Path], pl.DataFrame], error: type[Exception]
) -> None:
    with pytest.raises(error):
        read(tmp_path)


@pytest.mark.parametrize(
    ("timeframe", "universe", "schema"), [(Timeframe.D1, JP, RAW_DAILY), (Timeframe.M5, JP, RAW_INTRADAY)]
)
def test_the_port_reads_both_kinds(
    tmp_path: Path, timeframe: Timeframe, universe: Universe, schema: dict[str, pl.DataType]
) -> None:
    path = written(tmp_path, f"date,open,high,low,close,volume\n2025-01-06,{PRICES},500\n")

    assert NamedBarFiles().read(path, timeframe, universe).schema == pl.Schema(schema)
