"""The folder of real market data that forecasts are judged on: which file of it is what.

Its files lie there as they were found. Where an importer reads a symbol or the kind of a list from the name of a file,
it gets a link of that name in a folder of its own; the files stay as they are.
"""

import gzip
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from miraikakaku_assets.adapters.sources.files.archive import ArchiveSource
from miraikakaku_assets.adapters.sources.us_listings.nasdaq_trader import NASDAQ_LISTED, OTHER_LISTED
from miraikakaku_assets.application.ports import PriceSource
from miraikakaku_assets.domain.errors import ConfigurationError, InputFileError
from miraikakaku_assets.domain.market.instruments import Universe

_BARS = {
    "jp": ("jp_daily/jp_daily_all*.parquet", None),
    "us": ("us_daily/us_sp500_*.parquet", None),
    "fx": ("fx/yahoo_JPY=X_daily_*.csv", "USDJPY=X.csv"),
    "copper": ("copper/yahoo_HG=F_daily_*.csv", "HG=F.csv"),
}
"""Universe → its file of daily bars, and the name that says the symbol of a file without one."""

_METAL = "copper/lme_copper_cash_3m_stock_*.csv"
_TENORS = {"lme_copper_cash_settlement": "LME cash", "lme_copper_3_month": "LME 3 months"}
_CURRENCIES = "benchmarks/exchange_rate.txt.gz"
_HISTORY = "jp_daily_history/jp_daily_adjusted_*.parquet"
_BAR = ("open", "high", "low", "close", "volume")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class DatasetFolder:
    """Implements the port `EvaluationDatasets`.

    Attributes:
        folder: Where the files are, named as its README says.
        links: An empty folder for names that importers understand.
    """

    folder: Path
    links: Path

    def lists(self, universe: Universe) -> list[str]:
        """What the exchanges published of a universe, oldest first: files (jp) or folders (us); none of the others."""
        if universe.name == "jp":
            lists = [str(path) for path in sorted(self.folder.glob("jpx/data_j_[0-9]*.xls"))]
        elif universe.name == "us":
            lists = [str(self._directory(day)) for day in self._days()]
        else:
            return []
        if not lists:
            raise ConfigurationError(
                f"--data {self.folder}: there is no list of what {universe.name} trades; name the folder with its "
                f"{'jpx/data_j_YYYYMMDD.xls' if universe.name == 'jp' else 'us/…nasdaqlisted.txt and …otherlisted.txt'}"
            )
        return lists

    def bars(self, universe: Universe) -> PriceSource:
        """The daily bars of a universe."""
        pattern, name = _BARS[universe.name]
        file = self._only(pattern)
        return ArchiveSource(file if name is None else self._link(file, universe.name, name))

    def metal(self) -> pl.DataFrame:
        """LME copper, cash and three months, USD per tonne: ``symbol``, ``session``, ``close``, sorted.

        Holidays in London stand in the file with price 0, and some rows without a date; both are no prices.
        """
        file = self._only(_METAL)
        table = _table(file, "date", *_TENORS)
        days = table.with_columns(session=pl.col("date").str.to_date("%m/%d/%Y", strict=False))
        long = days.unpivot(list(_TENORS), index="session", variable_name="tenor", value_name="close")
        prices = long.select(
            "session", symbol=pl.col("tenor").replace_strict(_TENORS), close=pl.col("close").cast(pl.Float64)
        )
        known = prices.filter(pl.col("session").is_not_null(), pl.col("close") > 0)
        return known.unique(["symbol", "session"], keep="first").sort("symbol", "session")

    def history(self) -> pl.DataFrame:
        """Tokyo 2013–2018, adjusted, of issues that were still listed in 2022.

        Of bars without a trade Yahoo repeats the price before: they are no prices, nor are closes of 0 and less, which
        dividends larger than the price leave behind.
        """
        return _traded(_bar_table(self._only(_HISTORY)))

    def wall_street(self) -> pl.DataFrame:
        """The S&P 500's issues, all prices scaled by the adjustment of the close."""
        table = _bar_table(self._only(_BARS["us"][0]), adjusted="adj close")
        return _traded(table)

    def dollar(self) -> pl.DataFrame:
        """USD/JPY; currencies have no volume."""
        return _bar_table(self._only(_BARS["fx"][0]), symbol="USDJPY=X").filter(pl.col("close") > 0)

    def comex(self) -> pl.DataFrame:
        """COMEX copper, US dollars a pound."""
        return _bar_table(self._only(_BARS["copper"][0]), symbol="HG=F").filter(pl.col("close") > 0)

    def currencies(self) -> pl.DataFrame:
        """The exchange_rate set, units of a currency's price in dollars: a row per day, a column per currency."""
        file = self._only(_CURRENCIES)
        try:
            content = gzip.decompress(file.read_bytes())
        except OSError as error:
            raise InputFileError(str(file), "unreadable", "it is not a gzip file") from error
        table = pl.read_csv(content, has_header=False)
        return table.select(pl.all().cast(pl.Float64))

    def _only(self, pattern: str) -> Path:
        files = sorted(self.folder.glob(pattern))
        if len(files) != 1:
            raise ConfigurationError(
                f"--data {self.folder}: {len(files)} files are called {pattern}; the scoreboard needs exactly one"
            )
        return files[0]

    def _days(self) -> list[str]:
        """Days of which both directories of the US exchanges are there."""
        named = [
            {_day(path) for path in self.folder.glob(f"us/*{part}")} for part in (NASDAQ_LISTED, OTHER_LISTED)
        ]
        return sorted(day for day in named[0] & named[1] if day)

    def _directory(self, day: str) -> Path:
        for part in (NASDAQ_LISTED, OTHER_LISTED):
            self._link(self._only(f"us/*{day}*{part}"), f"us_{day}", part)
        return self.links / f"us_{day}"

    def _link(self, file: Path, folder: str, name: str) -> Path:
        link = self.links / folder / name
        link.parent.mkdir(exist_ok=True)
        if not link.is_symlink():
            link.symlink_to(file.resolve())
        return link


@contextmanager
def evidence_in(folder: Path) -> Iterator[DatasetFolder]:
    """The folder, with a place for links while the body works."""
    with tempfile.TemporaryDirectory(prefix="miraikakaku-evidence-") as links:
        yield DatasetFolder(folder.resolve(), Path(links))


def _day(path: Path) -> str:
    match = _DAY.search(path.name)
    return match.group() if match else ""


def _bar_table(file: Path, symbol: str = "", adjusted: str = "") -> pl.DataFrame:
    """Bars of a file, sorted; a symbol's first row of a day counts.

    Args:
        file: Parquet or CSV.
        symbol: Whose, of a file that names none.
        adjusted: Column of the adjusted close that the prices are scaled to; empty: they are adjusted.
    """
    try:
        table = pl.read_parquet(file) if file.suffix == ".parquet" else pl.read_csv(file)
        table = table.rename(str.lower)
        day = pl.col("date")
        session = day if table.schema["date"] == pl.Date() else day.str.slice(0, 10).str.to_date(strict=False)
        scale = pl.col(adjusted) / pl.col("close") if adjusted else pl.lit(1.0)
        scaled = [(pl.col(name).cast(pl.Float64) * scale).alias(name) for name in _BAR[:-1]]
        bars = table.select(
            pl.lit(symbol).alias("symbol") if symbol else pl.col("symbol"),
            session.alias("session"),
            *scaled,
            pl.col("volume").cast(pl.Float64),
        )
    except (pl.exceptions.PolarsError, OSError, KeyError) as error:
        reason = str(error).splitlines()[0]
        raise InputFileError(
            str(file), "unknown_layout", f"it is no table of daily bars ({reason})"
        ) from error
    known = bars.filter(pl.col("session").is_not_null())
    return known.unique(["symbol", "session"], keep="first", maintain_order=True).sort("symbol", "session")


def _traded(bars: pl.DataFrame) -> pl.DataFrame:
    """Without bars on which nothing was traded, or whose close is no price."""
    return bars.filter(pl.col("volume") > 0, pl.col("close").is_finite(), pl.col("close") > 0)


def _table(file: Path, *columns: str) -> pl.DataFrame:
    try:
        return pl.read_csv(file, columns=list(columns))
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise InputFileError(str(file), "unknown_layout", f"it is not such a table ({reason})") from error
