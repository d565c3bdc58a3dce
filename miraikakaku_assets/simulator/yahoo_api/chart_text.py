"""Columns of an answer as JSON text.

Most of an answer is numbers, and most of its time was spent in writing them one by one.
"""

import json
from collections import OrderedDict

import numpy as np

from miraikakaku_assets.simulator.core.noise import FloatArray, IntArray

_FEW = 64  # below, a library costs more than it saves
_KEPT_STAMPS = 512

_encoder = json.JSONEncoder(separators=(",", ":"), allow_nan=False, ensure_ascii=False)


def to_json(value: object) -> bytes:
    """Return a value as compact JSON in UTF-8."""
    return _encoder.encode(value).encode()


def price_columns(*columns: FloatArray) -> list[str]:
    """Return JSON arrays of prices, one for each column; all have the same length, and NaN becomes null.

    Yahoo keeps prices as 32-bit floats and prints them as doubles: 1443.33337402344 for 1443 1/3.
    """
    numbers: FloatArray = np.concatenate(columns).astype(np.float32).astype(np.float64)
    if np.isnan(numbers.sum()):
        texts = ["null" if number != number else repr(number) for number in numbers.tolist()]  # noqa: PLR0124
    elif len(numbers) < _FEW:
        texts = [repr(number) for number in numbers.tolist()]
    else:
        # Polars prints a double as Python does, five times as fast.
        import polars as pl

        texts = pl.Series(numbers).cast(pl.String).to_list()
    rows = len(columns[0])
    return [f"[{','.join(texts[begin : begin + rows])}]" for begin in range(0, len(texts), rows)]


def volumes(values: FloatArray) -> str:
    """Return a JSON array of whole numbers; NaN becomes null."""
    if np.isnan(values.sum()):
        texts = ["null" if value != value else str(round(value)) for value in values.tolist()]  # noqa: PLR0124
        return f"[{','.join(texts)}]"
    return f"[{','.join(map(str, np.rint(values).astype(np.int64).tolist()))}]"


class Stamps:
    """Writes stamps as a JSON array; nearly all answers of an exchange and a window have the same ones."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, str] = OrderedDict()

    def __call__(self, stamps: IntArray) -> str:
        """Return the text of some stamps."""
        key = stamps.tobytes()
        text = self._known.get(key)
        if text is None:
            text = self._known[key] = f"[{','.join(map(str, stamps.tolist()))}]"
            if len(self._known) > _KEPT_STAMPS:
                self._known.popitem(last=False)
        return text
