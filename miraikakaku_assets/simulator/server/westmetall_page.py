"""Westmetall's page of the LME's copper prices, in German or English: newest day first, headings anew each year."""

from collections.abc import Callable, Sequence

from miraikakaku_assets.simulator.prices.copper_curve import OfficialDay

_GERMAN_MONTHS = (
    *("Januar", "Februar", "März", "April", "Mai", "Juni"),
    *("Juli", "August", "September", "Oktober", "November", "Dezember"),
)
_ENGLISH_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_HEADINGS = {
    "de": ("Datum", "LME Kupfer Settlement Kasse", "LME Kupfer 3 Monate", "LME Kupfer Bestand"),
    "en": ("date", "LME Copper Cash-Settlement", "LME Copper 3-month", "LME Copper stock"),
}
LANGUAGES = frozenset(_HEADINGS)


def westmetall_page(days: Sequence[OfficialDay], language: str) -> bytes:
    """The page.

    Args:
        days: Oldest first.
        language: ``de`` or ``en``.
    """
    months = _GERMAN_MONTHS if language == "de" else _ENGLISH_MONTHS
    number: Callable[[float | None, int], str] = _german if language == "de" else _english
    head = _row("th", _HEADINGS[language])
    lines, year = [], 0
    for day in reversed(days):
        if day.day.year != year:
            year = day.day.year
            lines.append(head)
        written = f"{day.day.day:02d}. {months[day.day.month - 1]} {day.day.year}"
        lines.append(
            _row("td", (written, number(day.cash, 2), number(day.three_months, 2), number(day.stock, 0)))
        )
    body = "\n".join(lines)
    page = f'<!DOCTYPE html>\n<html lang="{language}"><head><meta charset="utf-8"><title>Westmetall</title></head>'
    return f"{page}\n<body><table>\n{body}\n</table></body></html>\n".encode()


def _row(tag: str, cells: Sequence[str]) -> str:
    return "<tr>" + "".join(f"<{tag}>{cell}</{tag}>" for cell in cells) + "</tr>"


def _english(value: float | None, decimals: int) -> str:
    return "-" if value is None else f"{value:,.{decimals}f}"


def _german(value: float | None, decimals: int) -> str:
    return _english(value, decimals).translate(str.maketrans(",.", ".,"))
