"""Rows of a CSV file that do not have the columns of its header: which one, and what to do about it."""

import csv
from collections.abc import Sequence
from pathlib import Path

from miraikakaku_assets.domain.errors import InputFileError


def refuse_uneven(path: Path, block: bytes, names: Sequence[str], separator: str, first_row: int) -> None:
    """Refuses rows with more or fewer fields than the header names, and quotation marks without an end.

    A row that ends early is what a write leaves behind that was broken off: the file lacks what followed.

    Args:
        path: For the message.
        block: Whole lines, UTF-8.
        names: Columns of the header; fields of blank ones at its end may be missing.
        separator: Between fields.
        first_row: Line of the file that the block begins with.

    Raises:
        InputFileError: With the first such row.
    """
    fewest = max((place for place, name in enumerate(names, 1) if name.strip()), default=0)
    lines = [f"{line}\n" for line in block.decode("utf-8-sig").split("\n")]
    rows = csv.reader(lines, delimiter=separator, strict=True)
    begins = first_row
    try:
        for fields in rows:
            if len(fields) > len(names):
                explanation = (
                    f"the row has {len(fields)} fields, and the header names {len(names)} columns; write numbers "
                    "without separators of thousands, and text with commas in quotation marks"
                )
                raise InputFileError(str(path), "uneven_row", explanation, begins)
            if any(field.strip() for field in fields) and len(fields) < fewest:
                explanation = (
                    f"the row is truncated: it has {len(fields)} of {fewest} fields; write the file again, or "
                    "take the row out"
                )
                raise InputFileError(str(path), "truncated_row", explanation, begins)
            begins = first_row + rows.line_num
    except csv.Error:
        explanation = "its quotation marks do not match; close them, or take them out"
        raise InputFileError(str(path), "open_quote", explanation, begins) from None
