"""How many issues have the bar that is due, each on its own calendar."""

from collections.abc import Mapping
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import text

from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.glance import PostgresGlance
from miraikakaku_assets.adapters.storage.masters.store import PostgresMasters
from miraikakaku_assets.adapters.storage.status import PostgresStatus
from miraikakaku_assets.application.monitoring.glance import universes_at_a_glance
from miraikakaku_assets.application.monitoring.status import show_status
from miraikakaku_assets.domain.market.instruments import COPPER, Timeframe
from miraikakaku_assets.domain.market.sessions import session_table

BEFORE, THANKSGIVING = date(2025, 11, 26), date(2025, 11, 27)
AFTER_LONDON = datetime(2025, 11, 28, 9, tzinfo=UTC)  # only London traded on the 27th
SYMBOLS = ("HG=F", "LME-CU-CASH", "LME-CU-3M")
BAR = text("""
INSERT INTO miraikakaku.price_bars (instrument_id, timeframe, ts, close, volume, source, status, fetched_at)
VALUES (:id, '1d', :ts, 5.0, 0, 'test', 'final', :ts)
""")


def fresh(database: Database) -> tuple[int, int, int]:
    """Listed and fresh contracts of the dashboard's overview, and fresh ones of the status."""
    glances = universes_at_a_glance(PostgresGlance(database), lambda: AFTER_LONDON)
    glance = next(glance for glance in glances if glance.universe == COPPER.name)
    status = show_status(COPPER, Timeframe.D1, store=PostgresStatus(database), clock=lambda: AFTER_LONDON)
    return glance.listed, glance.fresh, status["fresh_symbols"]


@pytest.mark.parametrize(
    ("newest", "count"),
    [
        ({"HG=F": BEFORE, "LME-CU-CASH": THANKSGIVING, "LME-CU-3M": THANKSGIVING}, 3),
        ({"HG=F": BEFORE, "LME-CU-CASH": THANKSGIVING, "LME-CU-3M": BEFORE}, 2),
        ({"HG=F": date(2025, 11, 25), "LME-CU-CASH": THANKSGIVING, "LME-CU-3M": THANKSGIVING}, 2),
        ({}, 0),
    ],
)
def test_a_future_is_not_late_on_a_day_on_which_only_london_traded(
    newest: Mapping[str, date], count: int, database: Database
) -> None:
    masters = PostgresMasters(database)
    masters.ensure_named(COPPER, SYMBOLS, AFTER_LONDON)
    ids = masters.known_symbols(COPPER)
    days = session_table(COPPER.calendar)
    with database.engine.begin() as connection:
        for symbol, day in newest.items():
            start = days.filter(days["session"] == day)["opens"][0]
            connection.execute(BAR, {"id": ids[symbol], "ts": start})
    assert fresh(database) == (3, count, count)
