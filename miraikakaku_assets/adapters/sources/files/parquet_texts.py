"""Texts of Parquet files, none of them long: a megabyte that stands once in a file may be the value of every row.

Texts are read as the file keeps them, each once with numbers that point to it. Spread over 500,000 rows, one of a
megabyte takes 500 GB.
"""

from pathlib import Path
from typing import Any

from miraikakaku_assets.domain.errors import InputFileError

_LONGEST_TEXT = 1_000  # bytes; a name, a date or a number has fewer than 100
_TEXTS = frozenset({"STRING", "NONE"})
_LARGEST_CHUNK = 1 << 30  # bytes of one column in one row group; 20 million rows of numbers have 160 MB


def opened(path: Path) -> Any:
    """The file, with texts that are not spread.

    Raises:
        InputFileError: One of its columns is larger than those of bars can be.
        pyarrow.ArrowException: It is no Parquet file.
    """
    import pyarrow.parquet as pq

    with pq.ParquetFile(path, pre_buffer=False) as file:
        known, schema = file.metadata, file.schema
    groups = [known.row_group(group) for group in range(known.num_row_groups)]
    chunks = [group.column(column) for group in groups for column in range(group.num_columns)]
    large = next((chunk for chunk in chunks if chunk.total_uncompressed_size > _LARGEST_CHUNK), None)
    if large is not None:
        explanation = (
            f"column {large.path_in_schema} has more than {_LARGEST_CHUNK >> 30} GiB in a row group; split it"
        )
        raise InputFileError(str(path), "too_large", explanation)
    columns = [schema.column(place) for place in range(len(schema))]
    texts = [
        column.path
        for column in columns
        if column.physical_type == "BYTE_ARRAY"
        and column.logical_type.type in _TEXTS
        and "." not in column.path
    ]
    return pq.ParquetFile(path, pre_buffer=False, metadata=known, read_dictionary=texts)


def spread(path: Path, table: Any) -> Any:
    """The table with a text per row.

    Raises:
        InputFileError: One is longer than any text of a table of bars.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    for place, name in enumerate(table.column_names):
        column = table.column(place)
        if not pa.types.is_dictionary(column.type):
            continue
        lengths = [pc.max(pc.binary_length(chunk.dictionary)).as_py() or 0 for chunk in column.chunks]
        if max(lengths, default=0) > _LONGEST_TEXT:
            explanation = f"column {name} holds a text of {max(lengths):,} bytes, which no table of bars does"
            raise InputFileError(str(path), "overlong_cell", explanation)
        table = table.set_column(place, name, column.cast(column.type.value_type))
    return table
