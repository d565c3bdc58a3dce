"""SQL of the stock master: one statement per kind of change, however many issues it is about.

A list of the US exchanges holds 11,500 issues, and when a directory changes its form all of them change at once:
0.5 s in one statement, 4 s row by row.
"""

import json
from collections.abc import Iterable
from dataclasses import fields

from sqlalchemy import text

from miraikakaku_assets.adapters.storage.tables import stock_master
from miraikakaku_assets.domain.market.master import ListedIssue

COLUMNS = {
    "code": stock_master.c.stock_code,
    "name": stock_master.c.stock_name,
    "market": stock_master.c.market_category,
    "exchange": stock_master.c.exchange,
    "symbol": stock_master.c.yahoo_symbol,
    "security_type": stock_master.c.security_type,
    "sector33_code": stock_master.c.sector33_code,
    "sector33": stock_master.c.sector,
    "sector17_code": stock_master.c.sector17_code,
    "sector17": stock_master.c.sector17,
    "size_code": stock_master.c.size_code,
    "size": stock_master.c.size_category,
    "listed_on": stock_master.c.listed_on,
}
"""Field of `ListedIssue` → column."""

_CHANGING = [name for name in COLUMNS if name not in {"code", "listed_on"}]
_GIVEN = ", ".join(f"{name} {'date' if name == 'listed_on' else 'text'}" for name in COLUMNS)

NEW_INSTRUMENTS = text("""
INSERT INTO miraikakaku.instruments (symbol, universe, kind, currency, price_unit, calendar)
SELECT symbol, :universe, kind, currency, price_unit, calendar
FROM jsonb_to_recordset(CAST(:instruments AS jsonb)) AS new(
    symbol text, kind text, currency text, price_unit text, calendar text)
ON CONFLICT (symbol) DO NOTHING
""")

# listed_on: issues of the very first list may be decades old, so its date says nothing about them.
ADD = text(f"""
INSERT INTO miraikakaku.stock_master (
    universe, instrument_id, {", ".join(COLUMNS[name].name for name in COLUMNS)}, first_list_date, last_list_date)
SELECT :universe, i.id, {", ".join(f"new.{name}" for name in COLUMNS if name != "listed_on")},
       coalesce(new.listed_on, CASE WHEN :first_list THEN NULL ELSE CAST(:day AS date) END), :day, :day
FROM jsonb_to_recordset(CAST(:issues AS jsonb)) AS new({_GIVEN}, place integer)
JOIN miraikakaku.instruments i ON i.symbol = new.symbol
ORDER BY new.place
""")

CHANGE = text(f"""
UPDATE miraikakaku.stock_master m
SET {", ".join(f"{COLUMNS[name].name} = new.{name}" for name in _CHANGING)},
    listed_on = coalesce(new.listed_on, m.listed_on), updated_at = now()
FROM jsonb_to_recordset(CAST(:issues AS jsonb)) AS new({_GIVEN})
WHERE m.universe = :universe AND m.stock_code = new.code
""")

RETURN = text("""
UPDATE miraikakaku.stock_master m
SET is_active = true, status = 'listed', delisted_on = NULL, updated_at = now(),
    status_reason = 'listed again; until ' || m.delisted_on || ' as ' || (CAST(:former AS jsonb) ->> m.stock_code)
WHERE m.universe = :universe AND m.stock_code = ANY(:codes)
""")

REMOVE = text("""
UPDATE miraikakaku.stock_master m
SET is_active = false, status = 'delisted', updated_at = now(),
    delisted_on = coalesce(CAST(CAST(:delistings AS jsonb) ->> m.stock_code AS date), :day),
    status_reason = :reason || coalesce(', delisted on ' || (CAST(:delistings AS jsonb) ->> m.stock_code), '')
WHERE m.universe = :universe AND m.stock_code = ANY(:codes)
""")

# What is known of an issue may change under its instrument: its kind and, if our rule changes, its symbol.
FOLLOW = text("""
UPDATE miraikakaku.instruments i SET symbol = m.yahoo_symbol, kind = m.security_type
FROM miraikakaku.stock_master m
WHERE m.instrument_id = i.id AND m.universe = :universe
  AND (i.symbol, i.kind) IS DISTINCT FROM (m.yahoo_symbol, m.security_type)
""")

# An unchanged line keeps its updated_at: only the listing date may be learnt from it.
LEARN = text("""
UPDATE miraikakaku.stock_master m SET listed_on = new.listed_on
FROM jsonb_to_recordset(CAST(:issues AS jsonb)) AS new(code text, listed_on date)
WHERE m.universe = :universe AND m.stock_code = new.code AND m.listed_on IS DISTINCT FROM new.listed_on
""")

TOUCH = text("""
UPDATE miraikakaku.stock_master SET last_list_date = :day
WHERE universe = :universe AND is_active AND last_list_date IS DISTINCT FROM :day
""")


# Not «the newest date of any line»: an older list can be accepted, and delisted lines keep the date they had.
SAVE = """
COPY (SELECT * FROM miraikakaku.stock_master WHERE universe = %s ORDER BY id) TO STDOUT WITH (FORMAT csv, HEADER)
"""
STAGE_SAVED = """
CREATE TEMPORARY TABLE saved_master (LIKE miraikakaku.stock_master INCLUDING DEFAULTS) ON COMMIT DROP
"""
FOREIGN_SAVED = """
SELECT count(*) FILTER (WHERE s.universe <> %s OR m.id IS NULL) + (count(*) = 0)::int
FROM saved_master s LEFT JOIN miraikakaku.stock_master m ON m.id = s.id AND m.instrument_id = s.instrument_id
"""
PUT_BACK = """
UPDATE miraikakaku.stock_master m SET ({columns}) = ROW({values}) FROM saved_master s WHERE m.id = s.id
"""
LATER = """
UPDATE miraikakaku.stock_master m SET is_active = false, status = 'delisted', updated_at = now(),
    delisted_on = first_list_date, status_reason = 'not in ' || %s
WHERE m.universe = %s AND m.is_active AND NOT EXISTS (SELECT FROM saved_master s WHERE s.id = m.id)
"""

LIST_IN_FORCE = """
SELECT id, list_date FROM miraikakaku.stock_master_updates
WHERE universe = {universe} AND status = 'success' ORDER BY id DESC LIMIT 1
"""


def as_json(issues: Iterable[ListedIssue]) -> str:
    """Issues as `jsonb_to_recordset` takes them; dates in ISO 8601."""
    names = [column.name for column in fields(ListedIssue)]
    rows = [
        {name: getattr(issue, name) for name in names} | {"place": place}
        for place, issue in enumerate(issues)
    ]
    return json.dumps(rows, ensure_ascii=False, default=str)
