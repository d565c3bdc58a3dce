"""The copper curve in PostgreSQL, written through ADBC: a delivery is one transaction."""

from datetime import date, datetime

import polars as pl

from miraikakaku_assets.adapters.storage.adbc import bulk_cursor, read_frame, stage
from miraikakaku_assets.adapters.storage.copper import statements
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.application.ports.copper import QuoteCounts
from miraikakaku_assets.domain.copper.quotes import QUOTES, JudgedQuotes


class PostgresCurve:
    """Implements the port `CurveStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def write(
        self, source: str, judged: JudgedQuotes, stocks: pl.DataFrame, fetched_at: datetime
    ) -> QuoteCounts:
        """Stores a delivery in one transaction; see `CurveStore`. Two writers come one after the other."""
        given = (source, fetched_at.isoformat())
        refused = judged.refused.unique(["place", "contract", "rule"], keep="last", maintain_order=True)
        with bulk_cursor(self._database) as cursor:
            cursor.execute(statements.ONE_AT_A_TIME)
            cursor.fetchall()
            stage(cursor, "delivered_quotes", judged.accepted)
            stage(cursor, "delivered_stocks", stocks)
            stage(cursor, "delivered_refusals", refused)
            cursor.execute(statements.QUOTES, given)
            inserted, restated = cursor.fetchone()
            cursor.execute(statements.STOCKS, given)
            (held,) = cursor.fetchone()
            cursor.execute(statements.RELEASE, (source,))
            cursor.execute(statements.REFUSE, given)
        unchanged = judged.accepted.height - inserted - restated
        return QuoteCounts(inserted, restated, unchanged, refused.height, held)

    def quotes(self, since: date | None = None) -> pl.DataFrame:
        """Stored quotes, schema `QUOTES` and ``source``, sorted by contract and session."""
        with bulk_cursor(self._database) as cursor:
            rows = read_frame(cursor, statements.READ, (str(since or date(1900, 1, 1)),))
        return rows.select(*(pl.col(name).cast(kind) for name, kind in QUOTES.items()), "source")

    def stocks(self) -> pl.DataFrame:
        """Columns ``session`` and ``tonnes``, sorted."""
        with bulk_cursor(self._database) as cursor:
            return read_frame(cursor, statements.READ_STOCKS).cast({"session": pl.Date, "tonnes": pl.Float64})

    def newest(self) -> dict[str, date]:
        """Contract → its newest stored session."""
        with bulk_cursor(self._database) as cursor:
            cursor.execute(statements.NEWEST)
            return dict(cursor.fetchall())
