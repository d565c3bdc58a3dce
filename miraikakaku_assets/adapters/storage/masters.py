"""Stock master, instruments and the history of updates, in PostgreSQL."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date
from typing import Any

from sqlalchemy import Connection, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.tables import instruments, stock_master, stock_master_updates
from miraikakaku_assets.application.ports import MasterUpdate
from miraikakaku_assets.domain.market.instruments import Instrument, Universe
from miraikakaku_assets.domain.market.master import KnownIssue, ListedIssue, MasterDiff, StockList

_COLUMNS = {
    "code": stock_master.c.stock_code,
    "name": stock_master.c.stock_name,
    "market": stock_master.c.market_category,
    "sector33_code": stock_master.c.sector33_code,
    "sector33": stock_master.c.sector,
    "sector17_code": stock_master.c.sector17_code,
    "sector17": stock_master.c.sector17,
    "size_code": stock_master.c.size_code,
    "size": stock_master.c.size_category,
}

_LOCK = 20250930


class PostgresMasters:
    """Implements the port `MasterStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def exclusive(self, universe: Universe) -> Iterator[None]:
        """Holds an advisory lock; a second update waits here and then finds the first one's list in force."""
        with self._database.engine.connect() as connection:
            connection.execute(select(func.pg_advisory_xact_lock(_LOCK, func.hashtext(universe.name))))
            yield

    def known(self, universe: Universe) -> Mapping[str, KnownIssue]:
        """The master by exchange code, inactive issues included."""
        columns = [column.label(name) for name, column in _COLUMNS.items()]
        query = select(stock_master.c.is_active, *columns).where(stock_master.c.universe == universe.name)
        with self._database.engine.connect() as connection:
            rows = connection.execute(query).mappings().all()
        return {
            row["code"]: KnownIssue(ListedIssue(**{name: row[name] for name in _COLUMNS}), row["is_active"])
            for row in rows
        }

    def last_list_date(self, universe: Universe) -> date | None:
        """Date of the list in force: that of the last success, which may have been accepted out of order."""
        history = stock_master_updates.c
        query = (
            select(history.list_date)
            .where(history.universe == universe.name, history.status == "success")
            .order_by(history.id.desc())
            .limit(1)
        )
        with self._database.engine.connect() as connection:
            return connection.scalar(query)

    def apply(self, universe: Universe, new: StockList, diff: MasterDiff, update: MasterUpdate) -> None:
        """Puts a list into force and records the update in one transaction."""
        with self._database.engine.begin() as connection:
            first_list = not connection.scalar(
                select(stock_master.c.id).where(stock_master.c.universe == universe.name).limit(1)
            )
            self._add(connection, universe, new.list_date, diff.added, first_list=first_list)
            self._change(connection, universe, diff.updated, {})
            back = {"is_active": True, "status": "listed", "status_reason": None, "delisted_on": None}
            self._change(connection, universe, diff.returned, back)
            self._remove(connection, universe, new.list_date, diff.removed)
            self._touch(connection, universe, new)
            connection.execute(insert(stock_master_updates).values(asdict(update)))

    def record(self, update: MasterUpdate) -> None:
        """Records an update that put nothing into force."""
        with self._database.engine.begin() as connection:
            connection.execute(insert(stock_master_updates).values(asdict(update)))

    def instruments(self, universe: Universe, symbols: Sequence[str] | None = None) -> list[Instrument]:
        """Instruments of active issues sorted by symbol; those of `symbols` even when inactive."""
        query = (
            select(
                instruments.c.id,
                instruments.c.symbol,
                stock_master.c.stock_code,
                stock_master.c.is_active,
                stock_master.c.security_type,
            )
            .join(stock_master, stock_master.c.instrument_id == instruments.c.id)
            .where(stock_master.c.universe == universe.name)
            .order_by(instruments.c.symbol.collate("C"))
        )
        if symbols is None:
            query = query.where(stock_master.c.is_active)
        else:
            query = query.where(instruments.c.symbol == func.any(list(symbols)))
        with self._database.engine.connect() as connection:
            return [Instrument(*row) for row in connection.execute(query)]

    def known_symbols(self, universe: Universe) -> Mapping[str, int]:
        """Symbol → instrument id of all issues ever listed."""
        query = select(instruments.c.symbol, instruments.c.id).where(instruments.c.universe == universe.name)
        with self._database.engine.connect() as connection:
            return dict(connection.execute(query).tuples().all())

    def _add(
        self,
        connection: Connection,
        universe: Universe,
        list_date: date,
        issues: Sequence[ListedIssue],
        *,
        first_list: bool,
    ) -> None:
        if not issues:
            return
        new_instruments = [
            {
                "symbol": issue.yahoo_symbol,
                "universe": universe.name,
                "kind": issue.security_type,
                "currency": universe.currency,
                "price_unit": f"{universe.currency} per share",
                "calendar": universe.calendar,
            }
            for issue in issues
        ]
        connection.execute(upsert(instruments).on_conflict_do_nothing(), new_instruments)
        ids = dict(
            connection.execute(
                select(instruments.c.symbol, instruments.c.id).where(instruments.c.universe == universe.name)
            )
            .tuples()
            .all()
        )
        rows = [
            self._values(issue)
            | {
                "instrument_id": ids[issue.yahoo_symbol],
                "universe": universe.name,
                "exchange": "TSE",
                "yahoo_symbol": issue.yahoo_symbol,
                # Issues of the very first list may be decades old: their listing date is not known.
                "listed_on": None if first_list else list_date,
                "first_list_date": list_date,
                "last_list_date": list_date,
            }
            for issue in issues
        ]
        connection.execute(insert(stock_master), rows)

    def _change(
        self, connection: Connection, universe: Universe, issues: Iterable[ListedIssue], extra: dict[str, Any]
    ) -> None:
        for issue in issues:
            connection.execute(
                update(stock_master)
                .where(stock_master.c.universe == universe.name, stock_master.c.stock_code == issue.code)
                .values(updated_at=func.now(), **self._values(issue), **extra)
            )

    def _remove(
        self, connection: Connection, universe: Universe, list_date: date, issues: Sequence[ListedIssue]
    ) -> None:
        if not issues:
            return
        connection.execute(
            update(stock_master)
            .where(
                stock_master.c.universe == universe.name,
                stock_master.c.stock_code == func.any([issue.code for issue in issues]),
            )
            .values(
                is_active=False,
                status="delisted",
                status_reason=f"not in the list dated {list_date}",
                delisted_on=list_date,
                updated_at=func.now(),
            )
        )

    def _touch(self, connection: Connection, universe: Universe, new: StockList) -> None:
        """Notes for every listed issue that this list showed it; an unchanged line keeps its updated_at."""
        connection.execute(
            text(
                "UPDATE miraikakaku.stock_master SET last_list_date = :day"
                " WHERE universe = :universe AND is_active AND last_list_date IS DISTINCT FROM :day"
            ),
            {"day": new.list_date, "universe": universe.name},
        )

    @staticmethod
    def _values(issue: ListedIssue) -> dict[str, Any]:
        values = {column.name: getattr(issue, name) for name, column in _COLUMNS.items()}
        return values | {"security_type": issue.security_type}
