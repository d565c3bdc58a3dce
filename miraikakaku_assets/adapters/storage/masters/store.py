"""Stock master, instruments and the history of updates, in PostgreSQL."""

import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import psycopg2
from sqlalchemy import TextClause, func, insert, null, select, text

from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.masters.statements import (
    ADD,
    CHANGE,
    COLUMNS,
    FOLLOW,
    FOREIGN_SAVED,
    LATER,
    LEARN,
    LIST_IN_FORCE,
    NEW_INSTRUMENTS,
    PUT_BACK,
    REMOVE,
    RETURN,
    SAVE,
    STAGE_SAVED,
    TOUCH,
    as_json,
)
from miraikakaku_assets.adapters.storage.tables import instruments, stock_master, stock_master_updates
from miraikakaku_assets.application.ports import MasterUpdate
from miraikakaku_assets.domain.market.instruments import Instrument, Universe
from miraikakaku_assets.domain.market.master import KnownIssue, ListedIssue, MasterDiff, StockList, compare
from miraikakaku_assets.fault_points import fault_point

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
        columns = [column.label(name) for name, column in COLUMNS.items()]
        query = select(stock_master.c.is_active, *columns).where(stock_master.c.universe == universe.name)
        with self._database.engine.connect() as connection:
            rows = connection.execute(query).mappings().all()
        return {
            row["code"]: KnownIssue(ListedIssue(**{name: row[name] for name in COLUMNS}), row["is_active"])
            for row in rows
        }

    def saved(self, universe: Universe) -> bytes | None:
        """By COPY, so that every value comes back as it was."""
        content = io.BytesIO()
        with self._database.engine.connect() as connection:
            cursor: Any = connection.connection.cursor()
            cursor.copy_expert(cursor.mogrify(SAVE, (universe.name,)).decode(), content)
        return content.getvalue() if content.getvalue().count(b"\n") > 1 else None

    def put_back(self, universe: Universe, content: bytes, update: MasterUpdate) -> int:
        """Every column but the number of an issue; its instrument is left alone."""
        with self.exclusive(universe), self._database.engine.begin() as connection:
            cursor: Any = connection.connection.cursor()
            try:
                cursor.execute(STAGE_SAVED)
                cursor.copy_expert(
                    "COPY saved_master FROM STDIN WITH (FORMAT csv, HEADER match)", io.BytesIO(content)
                )
                cursor.execute(FOREIGN_SAVED, (universe.name,))
                if cursor.fetchone() != (0,):
                    raise ValueError("it holds issues of another universe, or none that is known here")
            except psycopg2.DataError as error:
                raise ValueError(str(error).splitlines()[0]) from error
            columns = [column.name for column in stock_master.columns if column.name != "id"]
            names = ", ".join(columns)
            cursor.execute(PUT_BACK.format(columns=names, values=", ".join(f"s.{name}" for name in columns)))
            issues = int(cursor.rowcount)
            cursor.execute(LATER, (update.source, universe.name))
            recorded = replace(
                update, total_stocks=issues, updated_stocks=issues, removed_stocks=cursor.rowcount
            )
            connection.execute(FOLLOW, {"universe": universe.name})
            connection.execute(insert(stock_master_updates).values(_recorded(recorded)))
        return issues

    def last_list_date(self, universe: Universe) -> date | None:
        """Date of the list in force: that of the last success, which may have been accepted out of order."""
        newest = self._in_force(universe)
        return newest[1] if newest else None

    def newest_update(self, universe: Universe) -> int | None:
        """Number of the update that put the list in force into force."""
        newest = self._in_force(universe)
        return newest[0] if newest else None

    def apply(self, universe: Universe, new: StockList, diff: MasterDiff, update: MasterUpdate) -> None:
        """Puts a list into force and records the update in one transaction."""
        self._apply(universe, new, diff, update, f"not in the list dated {new.list_date}")

    def ensure_named(
        self, universe: Universe, symbols: Sequence[str], moment: datetime
    ) -> MasterUpdate | None:
        """Makes the named symbols the listed ones; None when they are already.

        Raises:
            ConfigurationError: A symbol is not written as this universe writes them.
        """
        issues = tuple(universe.named_issue(symbol) for symbol in dict.fromkeys(symbols))
        day = moment.astimezone(ZoneInfo(universe.time_zone)).date()
        with self.exclusive(universe):
            diff = compare(self.known(universe), issues)
            if not (diff.added or diff.updated or diff.returned or diff.removed):
                return None
            update = MasterUpdate(
                universe=universe.name,
                update_type="manual",
                status="success",
                source=universe.named_by,
                started_at=moment,
                completed_at=moment,
                total_stocks=len(issues),
                added_stocks=len(diff.added),
                updated_stocks=len(diff.updated),
                removed_stocks=len(diff.removed),
                returned_stocks=len(diff.returned),
                unchanged_stocks=len(diff.unchanged),
                list_date=day,
            )
            gone_because = f"no longer named in {universe.named_by}"
            self._apply(universe, StockList(day, issues, ""), diff, update, gone_because)
        return update

    def record(self, update: MasterUpdate) -> None:
        """Records an update that put nothing into force."""
        with self._database.engine.begin() as connection:
            connection.execute(insert(stock_master_updates).values(_recorded(update)))

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

    def _in_force(self, universe: Universe) -> tuple[int, date] | None:
        query = text(LIST_IN_FORCE.format(universe=":universe"))
        with self._database.engine.connect() as connection:
            newest = connection.execute(query, {"universe": universe.name}).first()
        return (newest.id, newest.list_date) if newest else None

    def _apply(
        self, universe: Universe, new: StockList, diff: MasterDiff, update: MasterUpdate, gone_because: str
    ) -> None:
        """Each kind of change is one statement, whether it is about one issue or all."""
        delistings = {code: str(day) for code, day in new.delisted.items()}
        with self._database.engine.begin() as connection:

            def run(statement: TextClause, **values: object) -> None:
                connection.execute(statement, {"universe": universe.name, "day": new.list_date, **values})

            if diff.added:
                first_list = not connection.scalar(
                    select(stock_master.c.id).where(stock_master.c.universe == universe.name).limit(1)
                )
                run(
                    NEW_INSTRUMENTS,
                    instruments=_instruments(universe, diff.added),
                )
                # What the settings name has been traded before they named it.
                run(ADD, issues=as_json(diff.added), first_list=first_list or not universe.has_master)
            if diff.updated or diff.returned:
                run(CHANGE, issues=as_json([*diff.updated, *diff.returned]))
            if diff.returned:
                former = json.dumps(dict(diff.former_names), ensure_ascii=False)
                run(RETURN, codes=[issue.code for issue in diff.returned], former=former)
            if diff.removed:
                codes = [issue.code for issue in diff.removed]
                run(REMOVE, codes=codes, reason=gone_because, delistings=json.dumps(delistings))
            dated = [issue for issue in diff.unchanged if issue.listed_on is not None]
            if dated:
                run(LEARN, issues=as_json(dated))
            run(FOLLOW)
            run(TOUCH)
            connection.execute(insert(stock_master_updates).values(_recorded(update)))
            fault_point("master.before_commit")
        fault_point("master.after_commit")


def _instruments(universe: Universe, issues: Iterable[ListedIssue]) -> str:
    """New instruments with the unit of their prices, as JSON."""
    rows = []
    for issue in issues:
        currency, price_unit = universe.priced_in(issue.symbol)
        rows.append(
            {
                "symbol": issue.symbol,
                "kind": issue.security_type,
                "currency": currency,
                "price_unit": price_unit,
                "calendar": universe.calendar_of(issue.symbol),
            }
        )
    return json.dumps(rows)


def _recorded(update: MasterUpdate) -> dict[str, Any]:
    return asdict(update) | {"counts": dict(update.counts) or null()}
