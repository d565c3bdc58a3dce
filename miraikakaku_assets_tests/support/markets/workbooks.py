"""Workbooks in the form of JPX's list of issues, written as genuine .xls files."""

import io
from collections.abc import Iterable, Sequence

import xlwt

from miraikakaku_assets.adapters.sources.jpx.stock_list import COLUMNS
from miraikakaku_assets.application.ports import Publication, PublishedFile

Cell = float | str
PRIME, ETF = "プライム（内国株式）", "ETF・ETN"


def line(code: Cell, name: str = "極洋", market: str = PRIME, day: Cell = 20250930.0) -> list[Cell]:
    """One issue as JPX prints it: codes are numbers where they can be, «-» stands for nothing."""
    if market == ETF:
        return [day, code, name, market, "-", "-", "-", "-", "-", "-"]
    return [day, code, name, market, 50.0, "水産・農林業", 1.0, "食品 ", 7.0, "TOPIX Small 2"]


def workbook(lines: Iterable[Sequence[Cell]], header: Sequence[Cell] = COLUMNS) -> bytes:
    book = xlwt.Workbook(encoding="utf-8")
    sheet = book.add_sheet("Sheet1")
    for row, cells in enumerate([header, *lines]):
        for column, cell in enumerate(cells):
            sheet.write(row, column, cell)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def published(content: bytes, name: str = "data_j.xls") -> Publication:
    return Publication((PublishedFile(name, content),))
