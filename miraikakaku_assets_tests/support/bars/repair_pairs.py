"""Real bad series and their repaired twins, as the tests of yfinance keep them."""

import io
import tarfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import polars as pl

from miraikakaku_assets.domain.bars.frame import ACTIONS, RAW_DAILY
from miraikakaku_assets.domain.market.instruments import JP, US, Universe

ANYWHERE = Universe(
    name="anywhere",
    title="An exchange without price limits whose sessions are not known",
    calendar="24/7",
    time_zone="UTC",
    currency=None,
    partitions="",
    intraday_partitions="",
)


@dataclass(frozen=True)
class Series:
    """One daily file."""

    universe: Universe
    bars: pl.DataFrame
    actions: pl.DataFrame
    adjusted: pl.DataFrame

    @property
    def priced(self) -> pl.DataFrame:
        return self.bars.drop_nulls("close").sort("session")


@cache
def texts(archive: Path) -> dict[str, str]:
    with tarfile.open(archive) as packed:
        members = [member for member in packed.getmembers() if member.name.endswith(".csv")]
        return {
            Path(member.name).stem: packed.extractfile(member).read().decode()  # type: ignore[union-attr]
            for member in members
        }


def read(real_data: Path, name: str) -> Series:
    """The file of that name without its ending, e.g. ``AET-L-1d-100x-error``."""
    text = texts(real_data / "yfinance_repair" / "yfinance_tests_data.tar.gz")[name]
    table = pl.read_csv(io.StringIO(text), infer_schema_length=0)
    table = table.rename({table.columns[0]: "day"}).select(
        session=pl.col("day").str.slice(0, 10).str.to_date(),
        **{
            new: pl.col(old).cast(pl.Float64)
            for old, new in {
                "Open": "open", "High": "high", "Low": "low", "Close": "close", "Volume": "volume",
                "Adj Close": "adjusted", "Dividends": "dividend", "Stock Splits": "split",
            }.items()
        },
    )  # fmt: skip
    symbol = name.partition("-1d-")[0].replace("-", ".")
    bars = table.with_row_index("row", offset=2).with_columns(
        pl.col("row").cast(pl.Int64),
        symbol=pl.lit(symbol),
        stamp=pl.lit(None, RAW_DAILY["stamp"]),
        refusal=pl.lit(None, pl.String),
    )
    actions = table.unpivot(["dividend", "split"], index="session", variable_name="kind")
    actions = actions.filter(pl.col("value") != 0).with_columns(symbol=pl.lit(symbol), ex_date="session")
    universe = US if "." not in symbol else JP if symbol.endswith(".T") else ANYWHERE
    return Series(
        universe, bars.select(*RAW_DAILY), actions.select(*ACTIONS), table.select("session", "adjusted")
    )
