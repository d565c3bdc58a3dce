"""What must hold after a replay: everything exactly once, and equal to one analysis of all bars at once."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import polars as pl
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url

from benchmarks.fetch_site import Site
from benchmarks.webhook import Webhook
from miraikakaku_assets.adapters.storage.engine import open_database
from miraikakaku_assets.application.alerting.deliver_notifications import deliver_notifications
from miraikakaku_assets.application.analysis.analyze_bars import AnalysisPorts, analyze_bars
from miraikakaku_assets.application.analysis.signal_alerts import NEWS
from miraikakaku_assets.application.analysis.signals import alert_key
from miraikakaku_assets.application.ports.analysis import AnalysisRequest
from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.bars.frame import PRICES
from miraikakaku_assets.domain.market.instruments import COLLECTED_TIMEFRAMES, FX
from miraikakaku_assets.settings import Settings

_DERIVED = {
    "derived bars": """SELECT instrument_id, timeframe, ts, open, high, low, close, volume, status, flag, built_from,
        parts, expected_parts FROM miraikakaku.price_bars WHERE built_from IS NOT NULL""",
    "indicators": "SELECT * FROM miraikakaku.technical_indicators",
    "signals": """SELECT instrument_id, definition, pattern, direction, ts, at, name, name_ja, priority, close,
        evidence, take_profit_pips, stop_pips FROM miraikakaku.pattern_signals""",
}
_STILL_COMING = timedelta(minutes=10)
_ROUNDING = 1e-6  # Yahoo answers with single precision
_STORED = """SELECT ts, open, high, low, close FROM miraikakaku.price_bars
    WHERE timeframe = '5m' ORDER BY ts"""


class Findings(Protocol):
    """Where the results go."""

    killed: list[str]
    delivered: int
    pictures: int
    refused: int
    checks: dict[str, str]
    problems: list[str]


@contextmanager
def installation(site: Site, moment: datetime, **changed: Any) -> Iterator[Ports]:
    """The installation of a site, with its clock standing at a moment."""
    settings = {name.lower(): value for name, value in site.variables.items()} | changed
    opened = Ports(Settings(_env_file=None, **settings), clock=lambda: moment)
    try:
        yield opened
    finally:
        opened.database.close()


def deliver_rest(site: Site, moment: datetime) -> None:
    """Sends what is still due: the newest signals' delays are over by then, and so is an outage."""
    with installation(site, moment) as opened:
        deliver_notifications(opened.notices.delivery)


def check(site: Site, archive: Path, until: datetime, hook: Webhook, findings: Findings) -> None:
    """Compares everything up to the last tick (UTC), and writes down what was compared and what must not be."""
    _bars(site, archive, until, findings)
    _batch(site, findings)
    _notices(site, hook, findings)


def _bars(site: Site, archive: Path, until: datetime, findings: Findings) -> None:
    """Every bar of the archive is stored once, or in quarantine; those of the last ten minutes may still come."""
    stored = pl.DataFrame(site.rows(_STORED), schema=["ts", "open", "high", "low", "close"], orient="row")
    first, last = stored["ts"].min(), max(stored["ts"].max(), until - _STILL_COMING)  # type: ignore[type-var]
    archived = pl.read_parquet(archive / "five_minutes.parquet").rename({"timestamp": "ts"})
    archived = archived.filter(pl.col("ts").is_between(first, last))
    missing = archived.join(stored, on="ts", how="anti")
    refused = {
        row[0] for row in site.rows("SELECT ts FROM miraikakaku.quarantined_bars WHERE timeframe = '5m'")
    }
    lost = [ts for ts in missing["ts"] if ts not in refused]
    both = archived.join(stored, on="ts", suffix="_stored")
    same = both.filter(*((pl.col(f"{name}_stored") / pl.col(name) - 1).abs() < _ROUNDING for name in PRICES))
    findings.checks["5-minute bars"] = f"{stored.height:,} stored once, {missing.height:,} in quarantine"
    if lost:
        findings.problems.append(f"{len(lost):,} bars of the archive are nowhere, the first of {lost[0]}")
    if same.height < archived.height - missing.height:
        findings.problems.append(f"{archived.height - missing.height - same.height:,} bars have other prices")
    if stored.height > archived.height:
        findings.problems.append(f"{stored.height - archived.height:,} bars are in no archive")


def _batch(site: Site, findings: Findings) -> None:
    """A copy of the database is analysed once, from the first bar on: it must hold the same rows."""
    end = site.rows("SELECT max(ended_at) FROM miraikakaku.cycle_log")[0][0]
    with _copy(site) as url, installation(site, end, database_url=url) as again:
        for collected in COLLECTED_TIMEFRAMES:
            request = AnalysisRequest(FX, collected, full_refresh=True)
            analyze_bars(request, AnalysisPorts(again.stores.analysis, again.clock), lambda _: None)
        for what, query in _DERIVED.items():
            replayed, at_once = _rows(site, query), _rows(site, query, url)
            findings.checks[what] = f"{sum(replayed.values()):,} as in one analysis of all bars at once"
            if replayed != at_once:
                lone, missed = sum((replayed - at_once).values()), sum((at_once - replayed).values())
                findings.problems.append(f"{what}: {lone:,} only in the replay, {missed:,} only at once")
            if not replayed:
                findings.problems.append(f"{what}: there are none")


def _notices(site: Site, hook: Webhook, findings: Findings) -> None:
    """Every signal that was new when it was found was sent, and nothing else was."""
    end = site.rows("SELECT max(ended_at) FROM miraikakaku.cycle_log")[0][0]
    with installation(site, end) as opened:
        signals = opened.stores.analysis.signals(FX)
    young = signals.filter(pl.col("detected_at") - pl.col("at") <= NEWS)
    stored, fresh = _keys(signals), _keys(young)
    alerted = {row[0] for row in site.rows("SELECT key FROM miraikakaku.alerts WHERE kind = 'pattern'")}
    differences = {
        "alerts about a signal that is gone": alerted - stored,
        "alerts about a signal that was old news": alerted & stored - fresh,
        "new signals without an alert": fresh - alerted,
    }
    for what, keys in differences.items():
        if keys:
            findings.problems.append(f"{len(keys):,} {what}: {', '.join(sorted(keys))}")
    undelivered = "SELECT count(*) FROM miraikakaku.notification_outbox WHERE delivered_at IS NULL"
    waiting = site.rows(undelivered)[0][0]
    others = site.rows("SELECT key, message FROM miraikakaku.alerts WHERE kind <> 'pattern'")
    queued = site.rows("SELECT count(*) FROM miraikakaku.notification_outbox")[0][0]
    arrived = Counter(hook.messages)
    twice = sum(arrived.values()) - len(arrived)
    findings.delivered, findings.pictures, findings.refused = len(arrived), hook.pictures, hook.refused
    findings.checks["notified"] = (
        f"{len(arrived):,} of {queued:,} messages about {len(fresh):,} new of {signals.height:,} "
        f"signals, {twice:,} of them twice; {hook.pictures:,} with a chart; {hook.refused:,} requests met the outage"
    )
    if waiting or len(arrived) != queued:
        findings.problems.append(f"{waiting:,} notifications wait, {len(arrived):,} arrived")
    if twice > len(findings.killed):
        findings.problems.append(f"{twice:,} messages arrived twice, after {len(findings.killed)} kills")
    findings.problems += [f"alert {key}: {message}" for key, message in others if not findings.killed]


def _keys(signals: pl.DataFrame) -> set[str]:
    return {alert_key(signal) for signal in signals.iter_rows(named=True)}


def _rows(site: Site, query: str, url: str | None = None) -> Counter[tuple[Any, ...]]:
    rows = (site if url is None else Site(site.folder, {**site.variables, "DATABASE_URL": url})).rows(query)
    return Counter(tuple(map(repr, row)) for row in rows)


@contextmanager
def _copy(site: Site) -> Iterator[str]:
    """The database as it is, under another name; yields its URL."""
    database = open_database(site.home, site.variables.get("DATABASE_URL"))
    database.close()
    source = make_url(database.url)
    admin = create_engine(
        source.set(drivername="postgresql+psycopg2", database="postgres"), isolation_level="AUTOCOMMIT"
    )
    copied = f"{source.database}_at_once"
    with admin.connect() as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (source.database,)
        )
        connection.exec_driver_sql(f'CREATE DATABASE "{copied}" TEMPLATE "{source.database}"')
    yield source.set(database=copied).render_as_string(hide_password=False)
    admin.dispose()
