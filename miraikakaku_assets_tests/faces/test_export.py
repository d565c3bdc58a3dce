"""Bars into files and back."""

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from miraikakaku_assets_tests.support.command import QUICK, Command
from miraikakaku_assets_tests.support.in_process import InProcess

QUOTED = """
    SELECT symbol, ts, open, high, low, close, volume, status
    FROM miraikakaku.price_bars JOIN miraikakaku.instruments ON id = instrument_id
    WHERE timeframe = '1d' ORDER BY symbol COLLATE "C", ts"""
SHELVES = "SELECT symbol, ex_date, value FROM miraikakaku.corporate_actions JOIN miraikakaku.instruments"
DIVIDENDS = (
    f"{SHELVES} ON id = instrument_id WHERE corporate_actions.kind = 'dividend' ORDER BY symbol, ex_date"
)


def read(path: Path) -> pl.DataFrame:
    return pl.read_parquet(path) if path.suffix == ".parquet" else pl.read_csv(path, try_parse_dates=True)


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_what_is_exported_can_be_imported_into_another_database(
    filled: Command, database_url: str, tmp_path: Path, here: InProcess, suffix: str
) -> None:
    out = tmp_path / f"bars{suffix}"

    exported = filled("export", "--out", out, "--json")

    assert exported.code == 0, exported.err
    stored = filled.rows(QUOTED)
    assert exported.document == {
        "file": str(out),
        "rows": len(stored),
        "symbols": 7,
        "adjusted": False,
        "doubtful_dividends": 0,
        "doubtful_dividends_left_out": False,
    }
    assert read(out).height == len(stored)
    assert [path.name for path in tmp_path.iterdir()] == [out.name]  # nothing unfinished is left beside it
    other = Command(tmp_path, QUICK, inside=filled.inside).with_(
        MIRAIKAKAKU_HOME=tmp_path / "home", DATABASE_URL=database_url
    )
    assert other("master", "update", "--file", filled.variables["JPX_LIST_URL"]).code == 0
    imported = other("import", out, "--json")
    assert imported.code == 0, imported.err
    assert imported.document["inserted"] == len(stored)
    assert other.rows(QUOTED) == stored


def adjusted_by_hand(bars: list[tuple[date, float]], dividends: dict[date, float]) -> list[float]:
    """CRSP's rule, bar by bar from the newest to the oldest."""
    factor, adjusted = 1.0, []
    for position in range(len(bars) - 1, -1, -1):
        day, close = bars[position]
        adjusted.append(close * factor)
        if day in dividends and position:
            factor *= 1 - dividends[day] / bars[position - 1][1]
    return adjusted[::-1]


def test_adjusted_prices_follow_the_dividends_that_are_stored(filled: Command, tmp_path: Path) -> None:
    raw, adjusted = tmp_path / "raw.parquet", tmp_path / "adjusted.parquet"
    assert filled("export", "--out", raw, "--raw").code == 0
    assert filled("export", "--out", adjusted, "--adjusted").code == 0

    dividends: dict[str, dict[date, float]] = {}
    for symbol, day, value in filled.rows(DIVIDENDS):
        dividends.setdefault(symbol, {})[day] = value
    assert dividends
    before, after = read(raw), read(adjusted)
    assert before.columns == after.columns
    changed = set()
    for (symbol,), bars in before.group_by("symbol", maintain_order=True):
        expected = adjusted_by_hand(
            list(bars.select("session", "close").iter_rows()), dividends.get(str(symbol), {})
        )
        mine = after.filter(pl.col("symbol") == symbol)
        assert mine["close"].to_list() == pytest.approx(expected, rel=1e-12)
        assert mine["volume"].to_list() == bars["volume"].to_list()
        assert mine["close"][-1] == bars["close"][-1]
        if mine["close"][0] != bars["close"][0]:
            changed.add(symbol)
    assert changed
    assert changed <= set(dividends)


def test_symbols_and_window_choose_what_is_exported(filled: Command, tmp_path: Path) -> None:
    days = sorted({row[1] for row in filled.rows(QUOTED)})
    first, last = days[-5], days[-3]
    out = tmp_path / "some.csv"

    ended = filled(
        "export", "--out", out, "--symbols", "7203.T, 1301.T", "--since", first.date(), "--until", last.date()
    )

    assert ended.code == 0, ended.err
    assert ended.out == f"6 bars of 2 symbols, raw, in {out}\n"
    table = read(out)
    assert table.group_by("symbol").len().sort("symbol").rows() == [("1301.T", 3), ("7203.T", 3)]
    assert (table["session"].min(), table["session"].max()) == (first.date(), last.date())


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--symbols", "4321.T"], "There is no bar to export; look at `miraikakaku status --universe jp`"),
        (["--symbols", "7203.T,4321.T"], "There is no bar to export of 4321.T; the others are in out.csv"),
    ],
)
def test_a_symbol_without_bars_is_named(filled: Command, arguments: list[str], sentence: str) -> None:
    ended = filled("export", "--out", "out.csv", *arguments)

    assert (ended.code, ended.errors) == (1, [sentence])


def test_a_file_that_cannot_be_written_is_a_usage_error(filled: Command, tmp_path: Path) -> None:
    occupied: Any = tmp_path / "folder.csv"
    occupied.mkdir()

    ended = filled("export", "--out", occupied)

    assert ended.code == 2
    assert ended.errors == [f"--out {occupied}: it cannot be written (Is a directory)"]
    assert list(tmp_path.iterdir()) == [occupied]
