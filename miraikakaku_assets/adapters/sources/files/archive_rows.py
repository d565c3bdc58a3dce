"""Rows of several files of an archive, put together into histories."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

import polars as pl

from miraikakaku_assets.adapters.sources.files.archive_files import IndexedFile
from miraikakaku_assets.domain.bars.file_basis import FileBasis, quoted_prices
from miraikakaku_assets.domain.bars.frame import empty
from miraikakaku_assets.domain.market.instruments import Universe


def chosen(
    files: Sequence[IndexedFile], symbols: AbstractSet[str], at: str, schema: Mapping[str, pl.DataType]
) -> pl.DataFrame:
    """All rows with ``file`` (its place), sorted; those of files that were not chosen carry a refusal.

    Of a symbol the first file's rows are taken, and of files of the same kind those of other sessions.
    """
    kinds = {kind: place for place, kind in enumerate(dict.fromkeys(file.is_like for file in files))}
    numbered = [
        file.rows(symbols).with_columns(file=pl.lit(place), kind=pl.lit(kinds[file.is_like]))
        for place, file in enumerate(files)
    ]
    table = pl.concat([empty(dict(schema)).with_columns(file=pl.lit(0), kind=pl.lit(0)), *numbered])
    if len(files) > 1:
        is_chosen = pl.col("kind") == pl.col("kind").sort_by("file").first().over("symbol")
        first = pl.when(is_chosen).then("file").min().over("symbol", at)
        is_late = (pl.col("file") != first).fill_null(value=True) | ~is_chosen
        refusal = pl.when(is_late).then(pl.lit("other_file_preferred")).otherwise("refusal")
        table = table.with_columns(refusal=refusal)
    return table.drop("kind").sort("symbol", at, maintain_order=True)


def as_quoted(
    bars: pl.DataFrame, actions: pl.DataFrame, are_adjusted: Sequence[bool], universe: Universe
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Bars of several files with adjustments undone, and their bases (schema `BASES`), a row per symbol.

    A file's prices are adjusted as of the day it was made, so each is undone by itself. Where that leaves them off the
    ticks, the files are slices of one history, and later slices name the dividends.

    Args:
        bars: Schema `RAW_DAILY` and ``file``.
        actions: Schema `ACTIONS` and ``file``.
        are_adjusted: Whether each file's layout says that its prices are adjusted.
        universe: Where the symbols belong.
    """
    if len(are_adjusted) <= 1:
        quoted = quoted_prices(bars, actions, universe, is_adjusted=any(are_adjusted))
        return quoted.bars.drop("file"), quoted.bases.sort("symbol")
    bars = bars.with_row_index("place")
    tables, basis_tables = [], []
    for is_adjusted in (False, True):
        mine = pl.col("file").is_in(
            [at for at, adjusted in enumerate(are_adjusted) if adjusted is is_adjusted]
        )
        quoted = quoted_prices(
            _by_file(bars.filter(mine)), _by_file(actions.filter(mine)), universe, is_adjusted=is_adjusted
        )
        tables.append(_by_symbol(quoted.bars))
        basis_tables.append(_by_symbol(quoted.bases))
    taken = bars.filter(pl.col("refusal").is_null()).select("symbol", "file").unique()
    bases = pl.concat(basis_tables).join(taken, on=["symbol", "file"], how="semi")
    table = pl.concat(tables)
    adjusted = [at for at, is_adjusted in enumerate(are_adjusted) if is_adjusted]
    sliced = (
        bases.filter(pl.col("file").is_in(adjusted))
        .group_by("symbol")
        .agg(files=pl.len(), off=(pl.col("basis") == FileBasis.BEYOND.value).any())
    )
    sliced = sliced.filter((pl.col("files") > 1) & pl.col("off"))
    if not sliced.is_empty():
        slices = bars.filter(pl.col("refusal").is_null()).join(sliced, on="symbol", how="semi")
        again = quoted_prices(slices, actions, universe, is_adjusted=True)
        table = pl.concat([table.filter(~pl.col("place").is_in(slices["place"].implode())), again.bars])
        bases = pl.concat([bases.join(sliced, on="symbol", how="anti").drop("file"), again.bases])
    return table.sort("place").drop("place", "file"), _worst(bases)


def _by_file(rows: pl.DataFrame) -> pl.DataFrame:
    """A symbol of one file stands for itself."""
    return rows.with_columns(symbol=pl.format("{} {}", "file", "symbol"))


def _by_symbol(rows: pl.DataFrame) -> pl.DataFrame:
    parts = pl.col("symbol").str.splitn(" ", 2).struct
    return rows.with_columns(file=parts.field("field_0").cast(pl.Int32), symbol=parts.field("field_1"))


def _worst(bases: pl.DataFrame) -> pl.DataFrame:
    """One basis per symbol: of several files the one that most has to be said of."""
    order = {basis.value: place for place, basis in enumerate(FileBasis)}
    worst = bases.sort(pl.col("basis").replace_strict(order, return_dtype=pl.Int8))
    return worst.group_by("symbol").agg(pl.col("basis").last(), pl.col("dividends").sum()).sort("symbol")
