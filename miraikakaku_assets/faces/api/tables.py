"""Tables as clients want them: JSON, CSV, Parquet or an Arrow stream. Loads Polars."""

from collections.abc import Mapping
from io import BytesIO
from typing import Any

import polars as pl
import polars.selectors as cs

from miraikakaku_assets.faces.api.answers import FORMATS, Body, body_of


def encoded(frame: pl.DataFrame, form: str, head: Mapping[str, Any], rows: str) -> Body:
    """A table as a body.

    Args:
        frame: The table.
        form: One of `FORMATS`.
        head: What stands beside the rows in JSON.
        rows: Their name there.
    """
    out = BytesIO()
    if form == "csv":
        frame.with_columns(_written(frame)).write_csv(out)
    elif form == "parquet":
        frame.write_parquet(out)
    elif form == "arrow":
        frame.write_ipc_stream(out)
    else:
        return body_of(_json(frame, head, rows))
    return body_of(out.getvalue(), FORMATS[form])


def _written(frame: pl.DataFrame) -> list[pl.Expr]:
    """Moments as ``2024-01-15T10:30:00Z``."""
    return [pl.col(name).dt.strftime("%Y-%m-%dT%H:%M:%SZ") for name in frame.select(cs.datetime()).columns]


def _json(frame: pl.DataFrame, head: Mapping[str, Any], rows: str) -> bytes:
    from pydantic_core import to_json

    # No number of JSON is NaN or infinite.
    finite = [
        pl.when(pl.col(name).is_finite()).then(pl.col(name)).alias(name)
        for name in frame.select(cs.float()).columns
    ]
    table = frame.with_columns(*_written(frame), *finite).write_json()
    begun = to_json({"success": True, **head, "count": frame.height}).decode()
    return f'{begun[:-1]},"{rows}":{table}}}'.encode()
