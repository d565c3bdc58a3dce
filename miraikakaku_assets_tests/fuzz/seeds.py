"""Writes the inputs that the corpus begins with, from the simulated exchange: no vendor's data are in it.

``python -m miraikakaku_assets_tests.fuzz.seeds`` writes them anew; what was found by fuzzing stays beside them.
"""

import io
import json
from collections.abc import Iterator
from datetime import date

import polars as pl

from miraikakaku_assets_tests.fakes.simulated import simulated
from miraikakaku_assets_tests.fuzz.target import CORPUS
from miraikakaku_assets_tests.fuzz.targets.stock_lists import BETWEEN
from miraikakaku_assets_tests.support.markets import us_directories as us
from miraikakaku_assets_tests.support.markets.generated_files import daily, five_minutes
from miraikakaku_assets_tests.support.markets.workbooks import ETF, line, workbook

_FIRST, _UNTIL = date(2026, 3, 2), date(2026, 3, 4)
_MINUTES = 30
_VENDOR = (
    "AAPL,Apple Inc,NASDAQ,Stock,1980-12-12,null,Active",
    "SPY,SPDR S&P 500,NYSE ARCA,ETF,1993-01-29,null,Active",
)


def seeds() -> Iterator[tuple[str, str, bytes]]:
    """Target, name of the file, and content."""
    yield from _lists()
    yield from _bar_files()
    yield from _copper_files()
    yield from _texts()
    with simulated(symbols=8, us_symbols=4) as exchange:
        window = {"interval": "1d", "period1": 1_780_000_000, "period2": 1_782_000_000, "events": "div,split"}
        chart = exchange.chart("7203.T", **window).content
        yield "yahoo_daily", "chart.json", chart
        yield "yahoo_probe", "chart.json", chart
        yield "yahoo_daily", "not-found.json", exchange.chart("0000.T", **window).content
        yield (
            "yahoo_daily",
            "empty-window.json",
            exchange.chart("7203.T", **window | {"period2": 1_780_000_001}).content,
        )
        day = exchange.result("AAPL", interval="5m", range="1d")
        yield "yahoo_5m", "chart.json", json.dumps({"chart": {"result": [day], "error": None}}).encode()
        page = exchange.get("/de/markdaten.php", params={"action": "table", "field": "LME_Cu_cash"}).text
        rows = page.split("</tr>")
        yield "westmetall_page", "page.html", "</tr>".join([*rows[:12], rows[-1]]).encode()


def _lists() -> Iterator[tuple[str, str, bytes]]:
    issues = [
        line(1301.0),
        line("130A", "Ｖｅｒｉｔａｓ　Ｉｎ"),
        line(1305.0, "上場投信", ETF),
        line(25935.0, "伊藤園優先"),
    ]
    yield "jpx_list", "four-issues.xls", workbook(issues)
    yield "nasdaq_listed", "four-lines.txt", us.nasdaq_listed()
    yield "nasdaq_listed", "columns-of-2016.txt", us.directory(us.NASDAQ_2016, ["AAPL|Apple Inc.|Q|N|N|100"])
    yield "other_listed", "three-lines.txt", us.other_listed()
    yield "listing_status", "two-lines.csv", us.listing_status(*_VENDOR)
    yield "listing_status", "refusal.json", b'{"Information": "rate limit"}'
    parts = (us.nasdaq_listed(), us.other_listed(), us.listing_status(*_VENDOR))
    yield "us_list", "three-files.txt", BETWEEN.join(parts)
    yield "us_list", "two-files.txt", BETWEEN.join(parts[:2])


def _bar_files() -> Iterator[tuple[str, str, bytes]]:
    prices = ("open", "high", "low", "close", "volume")
    days = daily("1301.T", _FIRST).select(pl.col("ts").dt.date().alias("date"), *prices)
    told = days.with_columns(Dividends=pl.lit(0.0), **{"Stock Splits": pl.lit(0.0)})
    told = told.with_columns(
        pl.when(pl.int_range(pl.len()) == 3).then(12.5).otherwise(0.0).alias("Dividends")
    )
    yield "daily_csv", "days.csv", days.write_csv().encode()
    yield "daily_csv", "days-with-actions.csv", told.write_csv().encode()
    many = days.with_columns(symbol=pl.lit("7203.T"))
    yield (
        "daily_csv",
        "days-of-symbols.csv",
        pl.concat([many, many.with_columns(symbol=pl.lit("1301.T"))]).write_csv().encode(),
    )
    header = "Price,Close,High,Low,Open,Volume\nTicker,7203.T,7203.T,7203.T,7203.T,7203.T\nDate,,,,,\n"
    body = days.select("date", "close", "high", "low", "open", "volume").write_csv(include_header=False)
    yield "daily_csv", "multi-index.csv", (header + body).encode()
    yield "daily_parquet", "days.parquet", _parquet(days)
    yield "daily_parquet", "days-of-symbols.parquet", _parquet(many)
    minutes = five_minutes("USDJPY=X", _FIRST, _UNTIL).head(_MINUTES)
    stamp = pl.col("ts").dt.convert_time_zone("Europe/Helsinki")
    broker = minutes.select(stamp.dt.strftime("%Y.%m.%d"), stamp.dt.strftime("%H:%M").alias("time"), *prices)
    yield "minutes_csv", "metatrader-4.csv", broker.write_csv(include_header=False).encode()
    five = broker.rename(
        {"ts": "<DATE>", "time": "<TIME>", **{name: f"<{name.upper()}>" for name in prices[:-1]}}
    )
    yield (
        "minutes_csv",
        "metatrader-5.csv",
        five.rename({"volume": "<TICKVOL>"}).write_csv(separator="\t").encode(),
    )
    moments = minutes.select(pl.col("ts").dt.strftime("%Y-%m-%d %H:%M:%S%:z").alias("Datetime"), *prices)
    yield "minutes_csv", "moments.csv", moments.write_csv().encode()
    stocks = five_minutes("AAPL", _FIRST, _UNTIL).head(_MINUTES)
    yield "minutes_parquet", "moments.parquet", _parquet(stocks.rename({"ts": "timestamp"}))
    counted = stocks.select(
        pl.col("ts").dt.epoch("s").alias("time"), *prices[:-1], tick_volume="volume", real_volume="volume"
    )
    yield "minutes_parquet", "metatrader-python.parquet", _parquet(counted)


def _copper_files() -> Iterator[tuple[str, str, bytes]]:
    official = (
        '日付,現物,3ヶ月,在庫\n21. August 2026,"14,291.00","14,300.50","150,000"\n'
        '20. August 2026,-,"14,301.00",\n'
    )
    yield "copper_files", "official.csv", "\ufeff".encode() + official.encode()
    carry = (
        "DATETIME,PRICE,CARRY,CARRY_CONTRACT,PRICE_CONTRACT\n2015-03-02 23:00:00,2.69,2.70,201507,201505\n"
    )
    yield "copper_files", "carry.csv", carry.encode()
    curve = "date,contract,price,unit,tenor,volume,expires\n2026-08-21,HGZ26.CMX,5.9,USD/lb,2026-12,1200,2026-12-29\n"
    yield "copper_files", "curve.csv", curve.encode()


def _texts() -> Iterator[tuple[str, str, bytes]]:
    chosen = (
        "DATABASE_URL=postgresql://someone:a-long-password@127.0.0.1:5432/prices\nREQUESTS_PER_SECOND=2.5\n"
        "JP_WATCH_LIST=7203.T,285A.T\nFX_PAIRS=USDJPY=X\nCOLLECTION_TIME=07:00\nHISTORY_START=2020-01-01\n"
    )
    channels = (
        "DISCORD_WEBHOOK_URL=https://discord.com/api/webhooks/1/a-long-token\nSMTP_SERVER=mail.example.org\n"
        "FROM_EMAIL=a@example.org\nTO_EMAIL=b@example.org,c@example.org\nALERT_ROUTES=high=discord,email low=digest\n"
        "NOTIFY_URLS=json://127.0.0.1/path\nHEALTHCHECK_URL=https://example.org/ping-key\n"
        "MIRAIKAKAKU_NOW=2026-11-19T12:00:00+00:00\nYAHOO_BASE_URL=http://127.0.0.1:9\n"
    )
    for target in ("settings_file", "settings_variables"):
        yield target, "installation.env", chosen.encode()
        yield target, "channels.env", channels.encode()
    yield "api_bodies", "start.json", b'{"symbols": ["7203.T", "6758"], "interval": "1d", "period": "1mo"}'
    yield "api_bodies", "acknowledge.json", b'{"note": "seen"}'
    yield "api_bodies", "silence.json", b'{"for": "2h", "note": "known"}'
    repair = {
        "universe": "jp",
        "timeframe": "1d",
        "symbols": ["7203.T"],
        "since": "2026-01-05",
        "dry_run": True,
    }
    yield "api_bodies", "repair.json", json.dumps(repair).encode()
    for name, arguments in _CALLS.items():
        yield "mcp_arguments", f"{name}.json", json.dumps({"name": name, "arguments": arguments}).encode()


_CALLS: dict[str, dict[str, object]] = {
    "prices": {
        "symbols": ["7203.T"],
        "timeframe": "1d",
        "since": "2026-01-05",
        "basis": "adjusted",
        "newest": 5,
    },
    "search_symbols": {"query": "トヨタ", "universe": "jp", "limit": 3},
    "gaps": {"universe": "jp", "sessions": 3, "symbol": "7203.T"},
    "signals": {"universe": "fx", "since": "2026-01-05", "limit": 5},
    "performance": {"universe": "jp", "window": 20, "segment_kind": "sector", "segment": "輸送用機器"},
    "alerts": {"standing": False, "days": 30, "severity": "critical", "limit": 5},
    "jobs": {"job_id": "job-1", "limit": 5},
    "collect": {"symbols": ["7203"], "interval": "1d", "period": "5d", "idempotency_key": "one"},
    "forecast": {"symbol": "7203.T", "as_of": "2026-01-05"},
    "status": {"universe": "copper"},
}


def _parquet(table: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    table.write_parquet(buffer, statistics=False)
    return buffer.getvalue()


def write() -> None:
    """Writes the files."""
    for target, name, content in seeds():
        folder = CORPUS / target
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


if __name__ == "__main__":
    write()
