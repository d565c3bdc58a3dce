"""What must be true after a day of faults and kills: the books add up, and no bar is there that nobody served.

Every check returns the sentences that say what is wrong; an empty list means that it holds.
"""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from benchmarks.fetch_site import Site
from miraikakaku_assets.application.ports import WITHOUT_BARS

Key = tuple[str, datetime]
"""Symbol and start (UTC) of a bar."""

_SHOWN = 5
_WITHOUT_BARS = f"d.verdict IN {WITHOUT_BARS}"
"""Of symbols that were served and have no bar: they are done in no attempt, and asked again."""

_UNBALANCED_ROWS = """
    SELECT id FROM miraikakaku.batch_executions
    WHERE rows_read <> rows_inserted + rows_restated + rows_unchanged + rows_quarantined"""
_UNBALANCED_SYMBOLS = """
    SELECT id FROM miraikakaku.batch_executions b
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE d.status = 'completed') AS completed,
               count(*) FILTER (WHERE d.status = 'failed') AS failed
        FROM miraikakaku.batch_execution_details d WHERE d.batch_execution_id = b.id) told
    WHERE processed_stocks <> successful_stocks + failed_stocks
       OR successful_stocks <> told.completed OR failed_stocks <> told.failed"""
_UNFINISHED = """
    SELECT id FROM miraikakaku.batch_executions
    WHERE status = 'running' OR end_time IS NULL
       OR (status = 'completed' AND (failed_stocks > 0 OR processed_stocks <> total_stocks))"""
_UNPROCESSED_AT_THE_END = """
    SELECT id FROM miraikakaku.batch_executions b
    WHERE processed_stocks <> total_stocks AND NOT EXISTS (
        SELECT 1 FROM miraikakaku.batch_executions later
        WHERE later.universe = b.universe AND later.id > b.id AND later.processed_stocks = later.total_stocks)"""
_REPEATED_BARS = """
    SELECT i.symbol || ' ' || b.timeframe || ' ' || (b.ts AT TIME ZONE u.zone)::date
    FROM miraikakaku.price_bars b JOIN miraikakaku.instruments i ON i.id = b.instrument_id
    JOIN (VALUES ('jp', 'Asia/Tokyo'), ('us', 'America/New_York')) AS u(universe, zone) USING (universe)
    WHERE b.built_from IS NULL
    GROUP BY i.symbol, b.timeframe, (b.ts AT TIME ZONE u.zone)::date HAVING count(*) > 1"""
_STRAY_BARS = """
    SELECT DISTINCT b.instrument_id FROM miraikakaku.price_bars b
    LEFT JOIN miraikakaku.instruments i ON i.id = b.instrument_id WHERE i.id IS NULL"""
_OPEN_RUNS = "SELECT run_id FROM dagster.runs WHERE status NOT IN ('SUCCESS', 'FAILURE', 'CANCELED')"

# A symbol that an earlier attempt has collected is told as «reused»: its verdict is the attempt's.
_VERDICTS = f"""
    SELECT m.yahoo_symbol,
           count(*) FILTER (WHERE d.status = 'completed' AND d.verdict <> 'reused' AND NOT {_WITHOUT_BARS}),
           count(*) FILTER (WHERE d.status = 'failed'),
           (array_agg(d.verdict ORDER BY d.batch_execution_id DESC) FILTER (WHERE d.verdict <> 'reused'))[1],
           (array_agg(d.status ORDER BY d.batch_execution_id DESC) FILTER (WHERE d.verdict <> 'reused'))[1]
    FROM miraikakaku.stock_master m
    LEFT JOIN miraikakaku.batch_execution_details d ON d.symbol = m.yahoo_symbol
    WHERE m.is_active GROUP BY m.yahoo_symbol"""

_BARS = """
    SELECT i.symbol, b.ts, b.open, b.high, b.low, b.close, b.volume, b.status
    FROM miraikakaku.price_bars b JOIN miraikakaku.instruments i ON i.id = b.instrument_id
    WHERE b.timeframe = '1d'"""
_REFUSED = "SELECT DISTINCT symbol, ts FROM miraikakaku.quarantined_bars WHERE timeframe = '1d'"


@dataclass(frozen=True)
class Verdict:
    """What became of a listed symbol in the end.

    Attributes:
        symbol: Yahoo symbol.
        verdict: Of its last attempt, e.g. ``ok`` or ``not_on_source``; None when there was none.
        completed: How often it was collected to the end; the good answer is one.
        attempts: How often its outcome was committed.
        ended: Whether the last attempt collected it.
    """

    symbol: str
    verdict: str | None
    completed: int
    attempts: int
    ended: bool


def books(site: Site) -> list[str]:
    """Whether every batch, every row and every run is accounted for."""
    queries = {
        "batches whose rows do not add up": _UNBALANCED_ROWS,
        "batches whose symbols do not add up": _UNBALANCED_SYMBOLS,
        "batches that are open or closed wrongly": _UNFINISHED,
        "batches without an end, with no later one that reached it": _UNPROCESSED_AT_THE_END,
        "sessions with two bars": _REPEATED_BARS,
        "instruments of bars that do not exist": _STRAY_BARS,
        "runs that are still open": _OPEN_RUNS,
    }
    return _problems({what: [row[0] for row in site.rows(query)] for what, query in queries.items()})


def verdicts(site: Site) -> list[Verdict]:
    """What became of every listed symbol."""
    return [
        Verdict(symbol, verdict, done, done + failed, status == "completed")
        for symbol, done, failed, verdict, status in site.rows(_VERDICTS)
    ]


def final_verdicts(verdicts: Sequence[Verdict], refused: Mapping[str, str]) -> list[str]:
    """Whether every listed symbol has one final verdict, and each the exchange refuses the right one.

    Args:
        verdicts: What became of the symbols.
        refused: Symbol → verdict of those that the exchange never served.
    """
    return _problems(
        {
            "symbols without a verdict": [verdict.symbol for verdict in verdicts if verdict.verdict is None],
            "symbols collected more than once": [
                verdict.symbol for verdict in verdicts if verdict.completed > 1
            ],
            "symbols that failed after they had been collected": [
                verdict.symbol for verdict in verdicts if verdict.completed and not verdict.ended
            ],
            "symbols never served that have another verdict": [
                f"{verdict.symbol} {verdict.verdict}"
                for verdict in verdicts
                if verdict.symbol in refused and verdict.verdict != refused[verdict.symbol]
            ],
        }
    )


def requested_again(done: Iterable[str], before: Mapping[str, int], after: Mapping[str, int]) -> list[str]:
    """Whether a symbol that was collected before a kill was asked for after it.

    Args:
        done: Symbols whose outcome was committed at the time of the kill.
        before: Requests that the exchange had counted then, by symbol.
        after: The same at the end.
    """
    again = sorted(symbol for symbol in done if after.get(symbol, 0) != before.get(symbol, 0))
    return _problems({"collected symbols that were asked for again": again})


@dataclass(frozen=True)
class Comparison:
    """Bars after the day against the bars of a collection that nobody disturbed.

    Attributes:
        compared: Bars of both that are the same.
        quarantined: Bars that are missing because they are in quarantine instead.
        without: Symbols that ended well without any bar: their answers were empty.
        problems: What must not be.
    """

    compared: int
    quarantined: int
    without: tuple[str, ...]
    problems: tuple[str, ...]


def compare(site: Site, undisturbed: Site, verdicts: Sequence[Verdict], empty_answers: int) -> Comparison:
    """Compares every stored bar of two installations, see `differences`."""
    mine = {(symbol, ts): tuple(values) for symbol, ts, *values in site.rows(_BARS)}
    theirs = {(symbol, ts): tuple(values) for symbol, ts, *values in undisturbed.rows(_BARS)}
    refused = {(symbol, ts) for symbol, ts in site.rows(_REFUSED)}
    return differences(
        mine, theirs, refused, {verdict.symbol for verdict in verdicts if verdict.ended}, empty_answers
    )


def differences(
    mine: Mapping[Key, tuple[Any, ...]],
    theirs: Mapping[Key, tuple[Any, ...]],
    refused: AbstractSet[Key],
    ended: AbstractSet[str],
    empty_answers: int,
) -> Comparison:
    """Compares every bar.

    A stored bar must be one of the undisturbed collection, with the same values. A bar that is missing of a symbol
    that ended well must be in quarantine, or the whole answer was empty.

    Args:
        mine: Symbol and time → values of the bars after the day.
        theirs: The same without faults and kills, from the same exchange.
        refused: Symbols and times in quarantine after the day.
        ended: Symbols that were collected to the end.
        empty_answers: Good answers without bars that the exchange has given.
    """
    stored = {symbol for symbol, _ in mine} | {symbol for symbol, _ in refused}
    missing = [key for key in theirs if key not in mine and key[0] in ended]
    without = tuple(sorted({symbol for symbol, _ in missing} - stored))
    lost = [key for key in missing if key not in refused and key[0] not in without]
    problems = _problems(
        {
            "bars that nobody served": [_named(key) for key in mine if key not in theirs],
            "bars with other values": [
                _named(key) for key in mine if mine[key] != theirs.get(key, mine[key])
            ],
            "bars that are neither stored nor in quarantine": [_named(key) for key in lost],
            "symbols without bars beyond the empty answers": list(without[empty_answers:]),
        }
    )
    same = sum(mine[key] == theirs.get(key) for key in mine)
    return Comparison(same, sum(key in refused for key in missing), without, tuple(problems))


def completed(site: Site, universe: str) -> frozenset[str]:
    """Symbols of a universe whose collection was committed so far."""
    query = f"""
        SELECT DISTINCT d.symbol FROM miraikakaku.batch_execution_details d
        JOIN miraikakaku.batch_executions b ON b.id = d.batch_execution_id
        WHERE d.status = 'completed' AND b.universe = :universe AND NOT {_WITHOUT_BARS}"""
    return frozenset(symbol for (symbol,) in site.rows(query, universe=universe))


def _named(key: Key) -> str:
    return f"{key[0]} {key[1]:%Y-%m-%d}"


def _problems(wrong: Mapping[str, Sequence[object]]) -> list[str]:
    return [
        f"{len(which):,} {what}: {', '.join(map(str, which[:_SHOWN]))}{', …' if len(which) > _SHOWN else ''}"
        for what, which in wrong.items()
        if which
    ]
