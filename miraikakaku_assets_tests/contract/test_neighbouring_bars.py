"""Deliveries into a real database that hold a part of a history: stored neighbours are seen, and what goes is named."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from miraikakaku_assets.adapters.storage.alerts.store import PostgresAlerts
from miraikakaku_assets.adapters.storage.bars.store import PostgresBars
from miraikakaku_assets.adapters.storage.collection.ledger import PostgresLedger
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.application.collection.collect_prices import collect_prices
from miraikakaku_assets.application.collection.report import CollectionReport
from miraikakaku_assets.application.collection.request import CollectionPorts
from miraikakaku_assets.application.ports import SymbolOutcome
from miraikakaku_assets.application.ports.notices import WITHDRAWN, Severity
from miraikakaku_assets.domain.bars.rules import BEYOND_LIMIT
from miraikakaku_assets_tests.fakes.exchange import NOW, Exchange
from miraikakaku_assets_tests.support.bars.raw_bars import SESSIONS, closes
from miraikakaku_assets_tests.support.markets.collecting import collect, requested, stored_closes
from miraikakaku_assets_tests.support.markets.stored_market import contents, listed, rows_of

CONFIRMED = closes(6_050.0, 1_210.0, 1_215.0, 1_198.0)
UNDONE = closes(1_900.0, 1_300.0, 1_900.0)


def deliver(
    database: Database, rows: Iterable[Mapping[str, Any]], outcomes: list[SymbolOutcome] | None = None
) -> CollectionReport:
    """A collection of the days of some rows, told to a channel named «chat»."""
    served = [dict(row) for row in rows]
    source = Exchange({"7203.T": served})
    days = [row["session"] for row in served]
    request = requested(database, source, since=min(days), until=max(days))
    ports = CollectionPorts(
        source, PostgresBars(database), PostgresLedger(database), lambda: NOW, channels=("chat",)
    )
    return collect_prices(request, ports, (outcomes if outcomes is not None else []).extend)


def stored(database: Database) -> list[tuple[Any, ...]]:
    return rows_of(database, "price_bars", "close, flag, status", "ts")


def held(database: Database) -> list[tuple[Any, ...]]:
    return rows_of(database, "quarantined_bars", "rule, close, released_at IS NULL", "ts, rule")


def test_a_confirmed_bar_survives_a_collection_of_its_own_day(database: Database) -> None:
    listed(database, "7203")
    deliver(database, CONFIRMED)
    before = contents(database)
    assert (1_210.0, BEYOND_LIMIT, "final") in stored(database)
    for row in CONFIRMED:
        report = deliver(database, [row])
        assert (report.unchanged, report.quarantined, report.withdrawn) == (1, 0, [])
        assert contents(database) == before


def test_the_last_bar_before_a_break_comes_out_of_quarantine_with_the_next_delivery(
    database: Database,
) -> None:
    listed(database, "7203")
    deliver(database, CONFIRMED[:2])
    assert held(database) == [("limit_absurd", 1_210.0, True)]
    outcomes: list[SymbolOutcome] = []
    report = deliver(database, CONFIRMED[2:], outcomes)
    assert stored(database) == [
        (6_050.0, None, "final"), (1_210.0, BEYOND_LIMIT, "final"), (1_215.0, None, "final"),
        (1_198.0, None, "final"),
    ]  # fmt: skip
    assert held(database) == [("limit_absurd", 1_210.0, False)]
    assert (report.rows_read, report.inserted, report.reconsidered, report.balanced) == (2, 2, 1, True)
    assert (outcomes[0].reconsidered, outcomes[0].verdict) == (1, "ok")
    again = contents(database)
    deliver(database, CONFIRMED[2:])
    assert contents(database) == again


def test_a_bar_with_dust_in_its_range_can_leave_quarantine(database: Database) -> None:
    listed(database, "7203")
    dusty = CONFIRMED[1] | {"high": 1_210.0 * (1 - 1e-12)}
    deliver(database, [CONFIRMED[0], dusty])
    deliver(database, CONFIRMED[2:])
    assert (1_210.0, BEYOND_LIMIT, "final") in stored(database)


def test_a_stored_bar_that_a_later_delivery_undoes_is_withdrawn_and_named_everywhere(
    database: Database,
) -> None:
    listed(database, "7203")
    deliver(database, UNDONE[:2])
    outcomes: list[SymbolOutcome] = []
    report = deliver(database, UNDONE[2:], outcomes)
    assert stored(database) == [(1_900.0, None, "final"), (1_900.0, None, "final")]
    assert held(database) == [("limit_undone", 1_300.0, True)]
    sentence = f"7203.T {SESSIONS[1]}: close 1300 [limit_undone]"
    assert [str(bar) for bar in report.withdrawn] == [sentence]
    assert [str(bar) for bar in outcomes[0].withdrawn] == [sentence]
    assert (report.rows_read, report.inserted, report.balanced) == (1, 1, True)
    (alert,) = PostgresAlerts(database).listed(only_standing=True)
    assert (alert.kind, alert.severity, alert.symbol) == (WITHDRAWN, Severity.WARNING, "7203.T")
    assert sentence in alert.message
    assert alert.details == {"withdrawn": [sentence]}
    assert rows_of(database, "notification_outbox", "alert_id, channel") == [(alert.id, "chat")]
    assert deliver(database, UNDONE[2:]).withdrawn == []
    assert len(PostgresAlerts(database).listed()) == 1


def test_the_rule_that_holds_a_bar_changes_with_what_is_known_of_it(database: Database) -> None:
    listed(database, "7203")
    rows = closes(6_050.0, 1_210.0, 6_060.0)
    deliver(database, rows[:2])
    first_seen = rows_of(database, "quarantined_bars", "first_seen_at")
    deliver(database, rows[2:])
    assert held(database) == [("limit_undone", 1_210.0, True)]
    assert rows_of(database, "quarantined_bars", "first_seen_at") == first_seen


def test_a_session_that_the_source_leaves_out_is_still_a_neighbour(database: Database) -> None:
    listed(database, "7203")
    climb = closes(1_000.0, 1_300.0, 1_700.0, 2_100.0)  # limit-up days in a row
    deliver(database, climb)
    before = contents(database)
    deliver(database, [climb[0], climb[3]])
    assert contents(database) == before


def test_a_writer_that_dies_before_the_commit_has_changed_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed(database, "7203")
    deliver(database, UNDONE[:2])
    before = contents(database)

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(
            "miraikakaku_assets.adapters.storage.bars.delivery.StaleRanges.set", dies
        )  # the last step of the transaction
        with pytest.raises(KeyboardInterrupt):
            deliver(database, UNDONE[2:])
    assert contents(database) == before
    assert rows_of(database, "alerts") == []
    report = deliver(database, UNDONE[2:])
    assert len(report.withdrawn) == 1


def test_a_bar_held_on_the_old_scale_is_not_judged_among_the_new_history(database: Database) -> None:
    listed(database, "7203")
    spike = closes(*[1_000.0] * 4, 200.0, *[1_000.0] * 4)
    source = Exchange({"7203.T": spike})
    collect(database, source)
    assert held(database) == [("limit_undone", 200.0, True)]
    source.rows["7203.T"] = [row for row in closes(*[200.0] * 9) if row["session"] != SESSIONS[4]]
    source.actions = [("7203.T", SESSIONS[8], "split", 5.0)]
    later = NOW + timedelta(days=1)
    collect(database, source, restatement_sessions=3, now=later)
    assert held(database) == [("restated_away", 200.0, True)]
    report = collect(database, source, since=SESSIONS[5], now=later)
    assert (report.reconsidered, SESSIONS[4] in stored_closes(database, "7203.T")) == (0, False)


def test_a_history_that_is_replaced_names_the_sessions_it_no_longer_has(database: Database) -> None:
    listed(database, "7203")
    source = Exchange({"7203.T": closes(*[1_000.0] * 9)})
    collect(database, source)
    halved = closes(*[500.0] * 9)
    source.rows["7203.T"] = [row for row in halved if row["session"] != SESSIONS[4]]
    source.actions = [("7203.T", SESSIONS[8], "split", 2.0)]
    report = collect(database, source, restatement_sessions=3)
    assert [str(bar) for bar in report.withdrawn] == [f"7203.T {SESSIONS[4]}: close 1000 [restated_away]"]
    with database.engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM miraikakaku.alerts")) == 1
