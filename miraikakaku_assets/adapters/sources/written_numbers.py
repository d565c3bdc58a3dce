"""Dates and numbers as German, English and Japanese tables of prices write them.

``9.576,50`` is German and ``9,576.50`` English. Which of the two a table is written in is decided once for all of it: a
single ``153.850`` could be either.
"""

import re
from collections.abc import Iterable
from datetime import date
from math import isfinite, nan

from miraikakaku_assets.domain.errors import InputFileError

ABSENT = frozenset({"", "-", "–", "—", "n/a", "na"})
"""Cells without a value."""
_GERMAN = re.compile(r"-?\d{1,3}(\.\d{3})*(,\d+)?")
_ENGLISH = re.compile(r"-?(\d{1,3}(,\d{3})+|\d+)(\.\d+)?")
_SURELY_GERMAN = re.compile(r"-?\d{1,3}(\.\d{3})*,\d{1,2}")
_SURELY_ENGLISH = re.compile(r"-?(\d{1,3}(,\d{3})*|\d+)\.\d{1,2}")
_DAY = re.compile(r"(\d{1,2})\.?\s+([^\W\d]+)\.?\s+(\d{4})")
_SLASHED = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[T ].*)?")
_MONTHS = {
    name: month
    for month, names in enumerate(
        (
            ("january", "januar", "jan"),
            ("february", "februar", "feb"),
            ("march", "märz", "maerz", "mar", "mär"),
            ("april", "apr"),
            ("may", "mai"),
            ("june", "juni", "jun"),
            ("july", "juli", "jul"),
            ("august", "aug"),
            ("september", "sept", "sep"),
            ("october", "oktober", "oct", "okt"),
            ("november", "nov"),
            ("december", "dezember", "dec", "dez"),
        ),
        start=1,
    )
    for name in names
}


class WrittenNumbers:
    """Reads the numbers of one table.

    Args:
        name: The table, for errors.
        cells: All its numbers, as they are written.

    Raises:
        InputFileError: Some are written the German way and some the English way.
    """

    def __init__(self, name: str, cells: Iterable[str]) -> None:
        self._name = name
        texts = [cell.strip() for cell in cells]
        german = [text for text in texts if _SURELY_GERMAN.fullmatch(text)]
        english = [text for text in texts if _SURELY_ENGLISH.fullmatch(text)]
        if german and english:
            raise InputFileError(
                name,
                "mixed_numbers",
                f"{german[0]} is written the German way and {english[0]} the English way; one table has one way",
            )
        self.is_german = bool(german)

    def value(self, text: str, row: int) -> float | None:
        """The number of a cell, None for one without a value.

        Raises:
            InputFileError: It is no number.
        """
        written = text.strip().replace("\xa0", "").replace("'", "")
        if written.lower() in ABSENT:
            return None
        number = nan
        if self.is_german and (_GERMAN.fullmatch(written) or written.isdecimal()):
            number = float(written.replace(".", "").replace(",", "."))
        if not self.is_german and _ENGLISH.fullmatch(written):
            number = float(written.replace(",", ""))
        if isfinite(number):  # 400 digits are none
            return number
        raise InputFileError(self._name, "not_a_number", f"{text.strip()!r} is no number", row)


def written_date(name: str, text: str, row: int) -> date | None:
    """A day like ``21. August 2026``, ``8/5/2025`` (month first) or ``2026-08-21``; None for an empty cell.

    Raises:
        InputFileError: It is no date.
    """
    written = text.strip()
    if written.lower() in ABSENT:
        return None
    try:
        if (parts := _DAY.fullmatch(written)) is not None:
            return date(int(parts[3]), _MONTHS[parts[2].lower()], int(parts[1]))
        if (parts := _SLASHED.fullmatch(written)) is not None:
            return date(int(parts[3]), int(parts[1]), int(parts[2]))
        if (parts := _ISO.fullmatch(written)) is not None:
            return date(int(parts[1]), int(parts[2]), int(parts[3]))
    except (KeyError, ValueError):
        pass
    raise InputFileError(name, "not_a_date", f"{written!r} is no date", row)
