"""Pages of all instruments in PostgreSQL."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from miraikakaku_assets.adapters.storage.adbc import bulk_cursor, read_frame, text_array
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.screening import statements
from miraikakaku_assets.application.ports import Clock
from miraikakaku_assets.application.ports.reading.screening import FIGURES, Choices, Screen, ScreenedPage
from miraikakaku_assets.domain.market.instruments import universe

_ANY_OF = {"sectors": "sector", "sizes": "size", "security_types": "security_type"}


class PostgresScreener:
    """Implements the port `ScreenedInstruments`.

    Args:
        database: Where the tables are.
        clock: What "now" is for signals of the last days.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def page(self, screen: Screen, definition: str) -> ScreenedPage:
        """What matches a screen that was checked, in one statement (a second one behind the last page)."""
        asked = _Asked(screen, definition)
        if screen.pattern is not None:
            since = str(self._clock() - timedelta(days=screen.pattern_days))
            asked.signal(screen.pattern, screen.direction, since)
        query = statements.PAGE.format(
            conditions=" AND ".join(asked.conditions) or "true",
            sort=_order(screen, ""),
            outer_sort=_order(screen, "chosen."),
            cut="" if screen.limit is None else f"LIMIT {int(screen.limit)} OFFSET {int(screen.offset)}",
        )
        with bulk_cursor(self._database) as cursor:
            page = read_frame(cursor, query, asked.parameters)
        if page.is_empty() and screen.offset:
            first = Screen(**{**vars(screen), "offset": 0, "limit": 1})
            return ScreenedPage(page.drop("total"), self.page(first, definition).total)
        return ScreenedPage(page.drop("total"), int(page["total"][0]) if page.height else 0)

    def choices(self, universes: Sequence[str], definition: str) -> Choices:
        """What can be filtered by, of what is analysed."""
        named = {"universes": list(universes)}
        try:
            with self._database.engine.connect() as connection:
                row = connection.execute(text(statements.CHOICES), named).one()
                patterns = connection.execute(
                    text(statements.PATTERNS), {**named, "definition": definition}
                ).all()
        except OperationalError:
            self._database.check()
            raise
        zone = ZoneInfo(universe(universes[0]).time_zone)
        return Choices(
            sectors=_sorted(row.sectors),
            sizes=_sorted(row.sizes),
            markets=_sorted(row.markets),
            security_types=_sorted(row.security_types),
            patterns=tuple((pattern.pattern, pattern.name, pattern.name_ja) for pattern in patterns),
            newest=None if row.newest is None else row.newest.astimezone(zone).date(),
            instruments=row.instruments,
        )


def _sorted(values: Sequence[str] | None) -> tuple[str, ...]:
    return tuple(sorted(values or ()))


class _Asked:
    """Conditions and parameters of a screen; names come from our tables, values only as parameters."""

    def __init__(self, screen: Screen, definition: str) -> None:
        zones = [universe(name).time_zone for name in screen.universes]
        self.parameters: list[Any] = [
            *(text_array(screen.universes), screen.horizon, text_array(zones), definition)
        ]
        self.conditions: list[str] = []
        if screen.search.strip():
            word = self._place(screen.search.strip())
            self.conditions.append(
                f"(starts_with(upper(symbol), upper(normalize({word}::text, NFKC)))"
                f" OR strpos(lower(normalize(name, NFKC)), lower(normalize({word}::text, NFKC))) > 0)"
            )
        for attribute, column in _ANY_OF.items():
            chosen = getattr(screen, attribute)
            if chosen:
                self.conditions.append(f"{column} = ANY ({self._place(text_array(chosen))}::text[])")
        if screen.markets:
            beginnings = [f"starts_with(market, {self._place(market)}::text)" for market in screen.markets]
            self.conditions.append(f"({' OR '.join(beginnings)})")
        for name, ends in screen.ranges.items():
            for end, sign in ((ends.low, ">="), (ends.high, "<=")):
                if end is not None:
                    self.conditions.append(f"{_column(name)} {sign} {self._place(float(end))}::float8")

    def signal(self, pattern: str, direction: str | None, since: str) -> None:
        """Only instruments on which a pattern has given a signal."""
        places = {"pattern": self._place(pattern), "since": self._place(since)}
        side = "NULL" if direction is None else self._place(direction)
        self.conditions.append(statements.SIGNALLED.format(**places, direction=side))

    def _place(self, value: object) -> str:
        self.parameters.append(value)
        return f"${len(self.parameters)}"


def _column(name: str) -> str:
    """A figure's column; only names of the table of figures get here."""
    return next(figure for figure in FIGURES if figure == name)


def _order(screen: Screen, table: str) -> str:
    collation = "" if screen.sort in FIGURES else ' COLLATE "C"'
    return f"{table}{screen.sort}{collation} {'DESC' if screen.is_descending else 'ASC'} NULLS LAST"
