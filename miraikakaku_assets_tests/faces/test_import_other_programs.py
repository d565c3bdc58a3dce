"""Files that other programs have written: MetaTrader's rates, and prices that yfinance has adjusted."""

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from miraikakaku_assets_tests.support.command import QUICK, Command
from miraikakaku_assets_tests.support.databases import fresh_database
from miraikakaku_assets_tests.support.in_process import InProcess
from miraikakaku_assets_tests.support.installations.imports import DAYS, csv, installed

pytestmark = pytest.mark.slow


def rates(day: str) -> str:
    """An hour of what MetaTrader's Python package hands out, on a clock in Helsinki."""
    start = datetime.fromisoformat(f"{day}T02:00:00+00:00")
    rows = [
        f"{int(start.timestamp()) + 300 * at},157.{at},157.{at}5,157.{at},157.{at}2,80,2,0"
        for at in range(1, 10)
    ]
    return csv(*rows, header="time,open,high,low,close,tick_volume,spread,real_volume")


def test_currencies_and_copper_need_no_collection_before(
    server_url: str, tmp_path: Path, here: InProcess
) -> None:
    with fresh_database(server_url) as url:
        command = Command(tmp_path, QUICK, inside=here).with_(
            MIRAIKAKAKU_HOME=tmp_path / "home", DATABASE_URL=url
        )
        (tmp_path / "export.csv").write_text(rates("2025-01-06"), encoding="utf-8")
        copper = csv("2025-01-06,4.1,4.2,4.0,4.15,900", header="date,open,high,low,close,volume")
        (tmp_path / "HG=F.csv").write_text(copper, encoding="utf-8")
        options = ("--universe", "fx", "--timeframe", "5m")

        unnamed = command("import", "export.csv", *options)
        taken = command(
            "import",
            "export.csv",
            *options,
            "--time-zone",
            "Europe/Helsinki",
            "--symbol",
            "USDJPY=X",
            "--json",
        )
        metal = command("import", "HG=F.csv", "--universe", "copper", "--json")
        built = command("import", "HG=F.csv", "--universe", "copper", "--timeframe", "5m")

        assert (unnamed.code, len(unnamed.errors)) == (1, 1)
        assert "--time-zone" in unnamed.errors[0]
        assert (taken.code, taken.document["inserted"], taken.document["rows_read"]) == (0, 9, 9)
        assert (metal.code, metal.document["inserted"]) == (0, 1)
        assert built.code == 2
        first = "SELECT min(ts), max(volume) FROM miraikakaku.price_bars WHERE timeframe = '5m'"
        assert command.rows(first) == [(datetime(2025, 1, 6, 0, 5, tzinfo=UTC), 0)]
        due = "SELECT timeframe, changed_since FROM miraikakaku.analysis_state ORDER BY timeframe"
        assert command.rows(due) == [
            ("1d", datetime(2025, 1, 6, 5, tzinfo=UTC)), ("5m", datetime(2025, 1, 6, 0, 5, tzinfo=UTC))
        ]  # fmt: skip


def test_an_adjusted_file_comes_back_as_it_was_and_says_what_became_of_its_dividends(
    server_url: str, tmp_path: Path, here: InProcess
) -> None:
    closes = [1_000.0 + 3 * (at % 7) for at in range(len(DAYS))]
    before = closes[19] / (closes[19] + 30.0)  # of a dividend of 30 on a close of 30 more
    quoted = [close + 30.0 if at < 20 else close for at, close in enumerate(closes)]
    adjusted = [close * before if at < 20 else close for at, close in enumerate(quoted)]
    table = pl.DataFrame(
        {"Date": DAYS} | dict.fromkeys(("Open", "High", "Low", "Close"), adjusted) | {"Volume": 10_000}
    )
    table = table.with_columns(
        pl.when(pl.col("Date") == DAYS[20]).then(30.0).otherwise(0.0).alias("Dividends"),
        pl.lit(0.0).alias("Stock Splits"),
    )
    with fresh_database(server_url) as url:
        command = installed(url, tmp_path, here)
        table.write_csv(tmp_path / "7203.csv")

        ended = command("import", "7203.csv", "--json")
        exported = [command("export", "--out", f"{kind}.csv", f"--{kind}") for kind in ("raw", "adjusted")]

        assert ended.code == 0, ended.err
        assert ended.document["actions"] == {"dividend": {"read": 1, "stored": 1, "flagged": 0, "refused": 0}}
        assert ended.document["price_basis"] == {"adjustment_undone": ["7203.T"]}
        assert [ended.code for ended in exported] == [0, 0]
        for name, expected in (("raw", quoted), ("adjusted", adjusted)):
            assert pl.read_csv(tmp_path / f"{name}.csv")["close"].to_list() == pytest.approx(expected)
