"""A history that its source has restated as a whole: one collection leaves what a fresh one would have brought."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.migrate import upgrade
from miraikakaku_assets.application.ports import BarRequest, Delivery, SymbolOutcome
from miraikakaku_assets.domain.errors import PermanentSymbolError, SourcePausedError, TemporarySymbolError
from miraikakaku_assets.domain.market.instruments import JP
from miraikakaku_assets.domain.market.sessions import sessions_between
from miraikakaku_assets_tests.fakes.exchange import Exchange
from miraikakaku_assets_tests.support.bars.raw_bars import bar, january
from miraikakaku_assets_tests.support.databases import fresh_database
from miraikakaku_assets_tests.support.markets.collecting import HISTORY_START, collect, stored_closes
from miraikakaku_assets_tests.support.markets.stored_market import contents, listed, rows_of

SPLIT, OTHER = "7203.T", "9984.T"
DAYS = sessions_between(JP.calendar, date(2024, 11, 1), date(2025, 1, 31))
EX_DATE = january(20)
BEFORE = datetime(2025, 1, 17, 12, tzinfo=UTC)
AFTER = datetime(2025, 1, 22, 12, tzinfo=UTC)
TODAY = AFTER.date()
RATIO = 5.0
RESTATEMENTS = "reason, ex_date, factor, first_session, shown_session, bars, old_close, new_close, settled_at"


@pytest.fixture
def fresh(server_url: str) -> Iterator[Database]:
    """A second database, for the collection that never saw the old history."""
    with fresh_database(server_url) as url:
        opened = Database(url)
        upgrade(opened)
        yield opened
        opened.close()


def history(symbol: str, until: date, ratio: float = 1.0, since: date = DAYS[0]) -> list[dict[str, Any]]:
    """A quiet year's end around 3,000 yen, divided by a split's ratio."""
    return [
        bar(day, (3_000.0 + number % 7) / ratio, symbol=symbol, volume=1_000.0 * ratio)
        for number, day in enumerate(DAYS)
        if since <= day <= until
    ]


def published(day: date = TODAY, *, late: bool = False, named: bool = True) -> Exchange:
    """The exchange after the split: all bars on the new scale, or, `late`, those before the ex-date not yet."""
    old = 1.0 if late else RATIO
    rows = [*history(SPLIT, january(17), old), *history(SPLIT, day, RATIO, EX_DATE)]
    happened = [(SPLIT, EX_DATE, "split", RATIO)] if named else []
    return Exchange({SPLIT: rows, OTHER: history(OTHER, day)}, actions=happened)


def stored_before(database: Database) -> None:
    """What was collected before anybody had heard of a split."""
    listed(database, "7203", "9984")
    day = BEFORE.date()
    assert not collect(
        database, Exchange({symbol: history(symbol, day) for symbol in (SPLIT, OTHER)}), now=BEFORE
    ).failures
    assert rows_of(database, "restatements") == []


@pytest.mark.parametrize("named", [True, False], ids=["split", "scale"])
def test_one_collection_leaves_exactly_the_bars_of_a_fresh_one(
    database: Database, fresh: Database, *, named: bool
) -> None:
    stored_before(database)
    source, reported = published(named=named), list[SymbolOutcome]()
    report = collect(database, source, now=AFTER, told=reported, restatement_sessions=5)

    listed(fresh, "7203", "9984")
    collect(fresh, published(named=named), now=AFTER)
    assert contents(database) == contents(fresh)
    assert set(stored_closes(database, SPLIT).values()) == {(3_000.0 + n) / RATIO for n in range(7)}

    old_bars = sum(day <= january(17) for day in DAYS)
    ex_date = EX_DATE if named else None
    assert rows_of(database, "restatements", RESTATEMENTS) == [
        ("split" if named else "scale", ex_date, 0.2, DAYS[0], DAYS[0], old_bars, 3_000.0, 600.0, None)
    ]
    outcomes = {outcome.symbol: outcome for outcome in reported}
    assert (outcomes[SPLIT].verdict, outcomes[SPLIT].restated) == ("ok", old_bars)
    rescaled = outcomes[SPLIT].rescaled
    assert rescaled is not None
    assert str(rescaled).endswith(f"close of {DAYS[0]} 3000 → 600")
    assert (outcomes[OTHER].verdict, outcomes[OTHER].rescaled, outcomes[OTHER].restated) == ("ok", None, 0)
    assert report.balanced


def test_only_the_symbol_it_happened_to_is_asked_again(database: Database) -> None:
    stored_before(database)
    source = published()
    report = collect(database, source, now=AFTER, restatement_sessions=5)
    window = january(10)  # the newest five of the stored sessions
    assert [(request.symbol, request.since) for request in source.asked] == [
        (SPLIT, window),
        (OTHER, window),
        (SPLIT, DAYS[0]),
    ]
    assert report.requests == 3
    log = rows_of(
        database, "data_collection_log", "symbol, requests, rows_read", "batch_execution_id, symbol"
    )
    assert log[2:] == [
        (SPLIT, 2, len(history(SPLIT, AFTER.date()))),
        (OTHER, 1, len(history(OTHER, AFTER.date(), since=window))),
    ]


def test_second_collection_finds_nothing(database: Database) -> None:
    stored_before(database)
    source = published()
    collect(database, source, now=AFTER, restatement_sessions=5)
    before, restatements = contents(database), rows_of(database, "restatements")
    report = collect(database, source, now=AFTER, restatement_sessions=5)
    assert len(source.asked) == 2
    assert (report.inserted, report.restated) == (0, 0)
    assert (contents(database), rows_of(database, "restatements")) == (before, restatements)


def test_split_that_is_published_late_heals_with_the_collection_that_sees_it(
    database: Database, fresh: Database
) -> None:
    """For days the bars since the ex-date have the new scale and the history before it the old one."""
    stored_before(database)
    source = published(late=True)
    source.actions = []
    collect(database, source, now=AFTER, restatement_sessions=5)
    assert rows_of(database, "restatements") == []
    assert stored_closes(database, SPLIT)[january(17)] > 2_500

    now = datetime(2025, 1, 24, 12, tzinfo=UTC)
    collect(database, published(now.date()), now=now, restatement_sessions=5)
    listed(fresh, "7203", "9984")
    collect(fresh, published(now.date()), now=now)
    columns = "instrument_id, ts, open, high, low, close, volume"
    assert rows_of(database, "price_bars", columns, "1, 2") == rows_of(fresh, "price_bars", columns, "1, 2")
    assert rows_of(database, "restatements", "reason, ex_date") == [("split", EX_DATE)]


def test_split_whose_history_follows_a_day_later_heals_then(database: Database) -> None:
    """The event is there, the prices before it are not restated yet: there is nothing to pull until they are."""
    stored_before(database)
    source = published(late=True)
    collect(database, source, now=AFTER, restatement_sessions=5)
    assert len(source.asked) == 2
    assert rows_of(database, "corporate_actions", "kind, value") == [("split", RATIO)]
    assert rows_of(database, "restatements") == []

    now = datetime(2025, 1, 23, 12, tzinfo=UTC)
    collect(database, published(now.date()), now=now, restatement_sessions=5)
    assert max(stored_closes(database, SPLIT).values()) < 700
    assert rows_of(database, "restatements", "reason, factor") == [("scale", 0.2)]


@pytest.mark.parametrize(
    "error",
    [
        TemporarySymbolError(SPLIT, "timeout", "no answer"),
        PermanentSymbolError(SPLIT, "out_of_range", "too far back"),
    ],
    ids=lambda error: error.kind,
)
def test_pull_that_fails_leaves_everything_of_the_symbol_as_it_was(
    database: Database, error: TemporarySymbolError
) -> None:
    stored_before(database)
    before = stored_closes(database, SPLIT)
    state = rows_of(database, "collection_state", order="instrument_id")
    source = published()
    source.refuses_before = {SPLIT: (january(1), error)}
    reported: list[SymbolOutcome] = []
    report = collect(database, source, now=AFTER, told=reported, restatement_sessions=5)

    assert stored_closes(database, SPLIT) == before
    assert rows_of(database, "corporate_actions") == rows_of(database, "restatements") == []
    assert rows_of(database, "collection_state", order="instrument_id")[0] == state[0]
    assert list(report.failures) == [SPLIT]
    outcomes = {outcome.symbol: outcome for outcome in reported}
    assert (outcomes[SPLIT].verdict, outcomes[SPLIT].rows_read) == (error.kind, 0)
    assert outcomes[SPLIT].rescaled is None
    assert outcomes[SPLIT].calls.requests == 2
    assert (outcomes[OTHER].verdict, outcomes[OTHER].inserted) == ("ok", 3)

    source.refuses_before = {}
    assert not collect(database, source, now=AFTER, restatement_sessions=5).failures
    assert max(stored_closes(database, SPLIT).values()) < 700


@pytest.mark.parametrize("served", [0, 30], ids=["nothing", "a shorter history"])
def test_pull_that_brings_less_than_is_stored_is_no_history(database: Database, served: int) -> None:
    """Bars that nothing takes the place of would keep the old scale among new ones."""
    stored_before(database)
    before = stored_closes(database, SPLIT)
    whole = published()

    class Truncating(Exchange):
        def _answer(self, request: BarRequest) -> Delivery:
            answer = super()._answer(request)
            return replace(answer, bars=answer.bars.tail(served)) if request.since < january(1) else answer

    report = collect(
        database, Truncating(whole.rows, actions=whole.actions), now=AFTER, restatement_sessions=5
    )
    (error,) = report.failures.values()
    assert "its history was restated since 2024-11-01" in error
    assert error.endswith("nothing of it was stored [incomplete_history]")
    assert stored_closes(database, SPLIT) == before
    assert rows_of(database, "restatements") == rows_of(database, "corporate_actions") == []


def test_source_that_pauses_in_the_middle_of_a_pull_leaves_everything_as_it_was(database: Database) -> None:
    stored_before(database)
    before = contents(database)
    source = published()
    resume_at = datetime(2025, 1, 22, 12, 5, tzinfo=UTC)

    class Pausing(Exchange):
        def _answer(self, request: BarRequest) -> Delivery:
            if request.since < january(1):
                raise SourcePausedError("exchange", resume_at, "HTTP 503")
            return super()._answer(request)

    pausing = Pausing(source.rows, actions=source.actions)
    with pytest.raises(SourcePausedError):
        collect(database, pausing, SPLIT, now=AFTER, restatement_sessions=5)
    assert contents(database) == before
    assert rows_of(database, "batch_executions", "status, resume_at", "id")[-1] == ("paused", resume_at)


def test_bounded_window_does_not_leave_the_bars_behind_it_on_the_old_scale(database: Database) -> None:
    stored_before(database)
    collect(database, published(), SPLIT, now=AFTER, since=january(6), until=january(8))
    assert max(stored_closes(database, SPLIT).values()) < 700


def test_history_that_begins_inside_the_window_needs_no_second_request(database: Database) -> None:
    listed(database, "7203")
    first = january(14)
    collect(database, Exchange({SPLIT: history(SPLIT, BEFORE.date(), since=first)}), now=BEFORE)
    source = published()
    source.rows[SPLIT] = [row for row in source.rows[SPLIT] if row["session"] >= first]
    collect(database, source, now=AFTER, restatement_sessions=9)
    assert [request.symbol for request in source.asked] == [SPLIT]
    assert max(stored_closes(database, SPLIT).values()) < 700
    assert source.asked[0].since > HISTORY_START


def test_a_session_that_the_restated_history_no_longer_has_leaves_no_bar_on_the_old_scale(
    database: Database,
) -> None:
    stored_before(database)
    source = published()
    missing = january(9)
    source.rows[SPLIT] = [row for row in source.rows[SPLIT] if row["session"] != missing]

    collect(database, source, now=AFTER)

    assert missing not in stored_closes(database, SPLIT)
    assert max(stored_closes(database, SPLIT).values()) < 3_000.0 / 2
    held = rows_of(database, "quarantined_bars", "symbol, rule, close, released_at")
    assert held == [(SPLIT, "restated_away", 3_000.0 + DAYS.index(missing) % 7, None)]
    again = published()
    collect(database, again, now=AFTER)
    assert missing in stored_closes(database, SPLIT)
