"""The files of an archive, looked through once and read again where they are too large to be kept."""

from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from miraikakaku_assets.adapters.sources.files.daily_bars import BarRows
from miraikakaku_assets.domain.bars.frame import ACTIONS, empty
from miraikakaku_assets.domain.errors import InputFileError

KEPT_ROWS = 2_000_000
"""Rows of an archive that are kept in memory, about 100 bytes each; of larger ones the files are read again."""

MOST_ROWS_OF_A_SYMBOL = 2_000_000
"""Rows of one symbol that are judged at once: 5-minute bars of a currency in 26 years."""

Reader = Callable[[Path], Iterator[BarRows]]
"""Reads a file part by part."""


@dataclass
class RowBudget:
    """How many rows may still be kept."""

    free: int = field(default_factory=lambda: KEPT_ROWS)


@dataclass(frozen=True)
class IndexedFile:
    """A file that has been read once from end to end.

    Attributes:
        path: Where it is.
        reader: Reads it again.
        counts: Columns ``symbol`` and ``rows``.
        actions: Schema `ACTIONS`, of the whole file.
        columns: Names of its columns that are understood.
        is_adjusted: Whether its prices are adjusted for its dividends.
        kept: Its rows, None where they are read again.
    """

    path: Path
    reader: Reader = field(repr=False)
    counts: pl.DataFrame
    actions: pl.DataFrame
    columns: tuple[str, ...]
    is_adjusted: bool
    kept: Sequence[pl.DataFrame] | None = field(repr=False)

    @property
    def is_like(self) -> tuple[object, ...]:
        """What files of one kind have in common."""
        return self.columns, self.is_adjusted

    def parts(self) -> Iterator[pl.DataFrame]:
        """All rows, part by part, as they stand in the file."""
        if self.kept is not None:
            yield from self.kept
        else:
            yield from (part.bars for part in self.reader(self.path))

    def rows(self, symbols: AbstractSet[str]) -> pl.DataFrame:
        """The rows of some symbols, in the order of the file."""
        is_chosen = pl.col("symbol").is_in(sorted(symbols))
        return pl.concat([part.filter(is_chosen) for part in self.parts()])


def index(path: Path, reader: Reader, budget: RowBudget) -> IndexedFile:
    """Looks through a file.

    Raises:
        InputFileError: It is not readable, or one symbol has more rows than can be judged at once.
    """
    counts = pl.DataFrame(schema={"symbol": pl.String, "rows": pl.Int64})
    actions, kept, rows = [empty(ACTIONS)], list[pl.DataFrame](), 0
    columns: tuple[str, ...] = ()
    is_adjusted = False
    for part in reader(path):
        columns, is_adjusted = part.columns, part.is_adjusted
        actions.append(part.actions)
        rows += part.bars.height
        kept = [*kept, part.bars] if rows <= budget.free else []
        more = part.bars.group_by("symbol").agg(rows=pl.len().cast(pl.Int64))
        counts = pl.concat([counts, more]).group_by("symbol").agg(pl.col("rows").sum())
        _refuse_endless(path, counts)
    fits = rows <= budget.free
    budget.free -= rows if fits else 0
    return IndexedFile(
        path, reader, counts, pl.concat(actions), columns, is_adjusted, tuple(kept) if fits else None
    )


def _refuse_endless(path: Path, counts: pl.DataFrame) -> None:
    largest = counts.filter(pl.col("rows") > MOST_ROWS_OF_A_SYMBOL)
    if not largest.is_empty():
        symbol = largest.sort("symbol")["symbol"][0]
        explanation = (
            f"{symbol} has more than {MOST_ROWS_OF_A_SYMBOL:,} rows in it, which no history of bars has; look for "
            "rows that repeat, or import the years one by one"
        )
        raise InputFileError(str(path), "too_many_rows", explanation)
