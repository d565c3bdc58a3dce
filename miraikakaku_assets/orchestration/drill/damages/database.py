"""Damages of what is stored: the server, bars, an index."""

import threading
from contextlib import suppress
from pathlib import Path

from miraikakaku_assets.application.commands import RepairCoverageCommand
from miraikakaku_assets.application.drill.frame import Damage
from miraikakaku_assets.orchestration.drill.damages.spans import QUARTER_DAY, WATCHED, WEEK
from miraikakaku_assets.orchestration.drill.grounds import Grounds

_BARS = """
    FROM miraikakaku.price_bars AS bar USING miraikakaku.instruments AS instrument
    WHERE instrument.id = bar.instrument_id AND instrument.universe = 'jp' AND bar.timeframe = '1d'"""
_NEWEST_DAYS = """
    AND bar.ts >= (SELECT min(ts) FROM (SELECT DISTINCT ts FROM miraikakaku.price_bars WHERE timeframe = '1d'
                   ORDER BY ts DESC LIMIT 40) AS newest)"""
_SCRATCH = "miraikakaku.drill_scratch"
_PAGE = 8192


def _coverage(site: Grounds) -> None:
    site.run_job("jp_coverage_job")


def _stop_in_mid_check(site: Grounds) -> None:
    """A check is at work when the server goes."""
    check = threading.Thread(target=lambda: _ended(site), name="coverage check", daemon=True)
    check.start()
    site.stop_database()
    check.join(60.0)


def _start_and_check(site: Grounds) -> None:
    site.start_database()
    site.watch_from_outside()
    _coverage(site)


def _ended(site: Grounds) -> None:
    with suppress(Exception):  # it is meant to break off; what is told of it is looked at afterwards
        site.run_job("jp_coverage_job")


def _delete_bars(site: Grounds) -> None:
    site.sql(f"DELETE {_BARS} {_NEWEST_DAYS}")


def _repair_coverage(site: Grounds) -> None:
    site.stage(RepairCoverageCommand())


def _spoil_index(site: Grounds) -> None:
    """A page of an index of a copy of the stock master, with the server stopped: what a failing disk does."""
    site.sql(f"CREATE TABLE IF NOT EXISTS {_SCRATCH} AS SELECT id, symbol FROM miraikakaku.instruments")
    site.sql(f"CREATE INDEX drill_scratch_symbol ON {_SCRATCH} (symbol)")
    file = Path(site.sql("SELECT current_setting('data_directory')")) / site.sql(
        "SELECT pg_relation_filepath('miraikakaku.drill_scratch_symbol')"
    )
    site.stop_database()
    with file.open("r+b") as pages:
        pages.seek(_PAGE + _PAGE // 2)
        pages.write(b"\xff" * (_PAGE // 2))
    site.start_database()


def _integrity(site: Grounds) -> None:
    site.run_job("integrity_job")


def _reindex(site: Grounds) -> None:
    site.sql("REINDEX INDEX miraikakaku.drill_scratch_symbol")


DATABASE = (
    Damage[Grounds](
        "database_stopped",
        "PostgreSQL is stopped in the middle of a coverage check",
        clock=WATCHED,
        alerts=("database/unreachable",),
        damage=_stop_in_mid_check,
        repair=_start_and_check,
        step="Start the server (`miraikakaku db start`)",
        is_real=True,
    ),
    Damage[Grounds](
        "bars_deleted",
        "the bars of the newest forty sessions are deleted",
        clock=QUARTER_DAY + WATCHED,
        alerts=("coverage/jp/*/below",),
        damage=_delete_bars,
        look=_coverage,
        every=QUARTER_DAY,
        repair=_repair_coverage,
        step="`miraikakaku coverage repair --universe jp`",
    ),
    Damage[Grounds](
        "index_corrupted",
        "a page of an index is overwritten",
        clock=WEEK + WATCHED,
        alerts=("database/damaged",),
        damage=_spoil_index,
        look=_integrity,
        every=WEEK,
        repair=_reindex,
        step="An index is made anew by `REINDEX`",
        is_real=True,
    ),
)
"""The demo's server is really stopped, its rows and pages are really altered."""
