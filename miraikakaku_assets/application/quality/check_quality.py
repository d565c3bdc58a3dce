"""Use case: what is stored of a universe up to a session, judged by suites, by the health of series, and as a day."""

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import date, timedelta

import polars as pl

from miraikakaku_assets.application.ports.quality import QualityPorts
from miraikakaku_assets.application.quality.usual import judge_days
from miraikakaku_assets.application.stage_reports import DOUBT, ERROR, QualityTotals
from miraikakaku_assets.domain.market.instruments import COLLECTED_TIMEFRAMES, Timeframe, Universe
from miraikakaku_assets.domain.market.sessions import session_table
from miraikakaku_assets.domain.quality.batch import Batch, batch_of
from miraikakaku_assets.domain.quality.results import (
    WORST,
    Exceptional,
    QualityReport,
    RuleResult,
    State,
    worst_rows,
)
from miraikakaku_assets.domain.quality.series_health import FINDINGS, JUDGED, LOOKED_AT, broken_series
from miraikakaku_assets.domain.quality.series_rules import SERIES_RULES, tolerated
from miraikakaku_assets.domain.quality.suite import Suite, SuiteRule
from miraikakaku_assets.domain.quality.suites import SUITES, suites_of

_SUITES = frozenset(suite.name for suite in SUITES)
HEALTH = "series_health"
"""Name of the check of series."""
USUAL = {Timeframe.D1: "usual_day", Timeframe.M5: "usual_intraday"}
"""Collected timeframe → name of the check that judges a day by those before it."""

Progress = Callable[[int, int, str], None]
"""Notified of how many checks are done, how many there are, and which one begins."""


def checks_of(universe: Universe) -> dict[str, str]:
    """Name of every check of a universe → second part of the key of the asset it judges."""
    checks = {suite.name: suite.asset for suite in suites_of(universe)}
    checks[HEALTH] = "prices_1d"
    return checks | {USUAL[timeframe]: f"prices_{timeframe}" for timeframe in _collected(universe)}


def check_quality(
    universe: Universe,
    ports: QualityPorts,
    until: date | None = None,
    checks: Collection[str] | None = None,
    progress: Progress = lambda _done, _total, _doing: None,
) -> QualityReport:
    """Judges what is stored, and stores the results.

    Args:
        universe: Whose data.
        ports: What is needed.
        until: Newest session that counts (exchange date); None for the newest whose bars are final.
        checks: Names of those that are made; None for all of `checks_of`.
        progress: Notified before every check, and at the end.

    Raises:
        WorkFellShortError: A suite cannot be evaluated.
    """
    batch = batch_of(universe, ports.clock(), until)
    results: list[RuleResult] = []
    findings = pl.DataFrame(schema=FINDINGS)
    names = [name for name in checks_of(universe) if checks is None or name in checks]
    by_name = {suite.name: suite for suite in suites_of(universe)}
    for done, name in enumerate(names):
        progress(done, len(names), name)
        if name in by_name:
            results += _judge_suite(by_name[name], batch, ports)
        elif name == HEALTH:
            health, findings = _judge_series(batch, ports)
            results += health
        else:
            timeframe = next(timeframe for timeframe, check in USUAL.items() if check == name)
            results += judge_days(name, batch, timeframe, ports)
    progress(len(names), len(names), "")
    report = QualityReport(universe, batch.session, tuple(results))
    keep_since = batch.session - timedelta(days=ports.retention_days)
    ports.store.save(report, batch, findings.with_columns(suite=pl.lit(HEALTH)), keep_since)
    return report


def pass_gate(suite: Suite, universe: Universe, ports: QualityPorts) -> list[RuleResult]:
    """Lets the database count what breaks a suite: for checks that hold up what comes after them, in milliseconds."""
    batch = batch_of(universe, ports.clock())
    rows, counts = ports.store.counted(suite, batch)
    if not rows:
        return _nothing(suite)
    return [_judged(suite, rule, rows, counts[rule.name], batch, ports) for rule in suite.rules]


def quality_totals(report: QualityReport) -> QualityTotals:
    """The report as the stage hands it back."""
    states = [result.state for result in report.results]
    return QualityTotals(
        batch=report.batch,
        rules=len(states),
        states={state.value: states.count(state) for state in State if state in states},
        broken=[
            {
                "kind": ERROR if result.suite in _SUITES else DOUBT,
                "check": result.suite,
                "rule": result.rule,
                "sentence": result.sentence,
                "rows": result.rows,
                "exceptions": result.exceptions,
                "note": result.note,
                "worst": [[worst.key, worst.value] for worst in result.worst],
                "query": result.query,
            }
            for result in report.results
            if result.failed
        ],
        training={
            f"{result.suite}.{result.rule}": result.note
            for result in report.results
            if result.state is State.TRAINING
        },
    )


def _collected(universe: Universe) -> list[Timeframe]:
    return [timeframe for timeframe in COLLECTED_TIMEFRAMES if timeframe in universe.collected]


def _judge_suite(suite: Suite, batch: Batch, ports: QualityPorts) -> list[RuleResult]:
    rows = ports.store.rows(suite, batch)
    if rows.is_empty():
        return _nothing(suite)
    broken = ports.runner.broken(suite, batch.universe, rows)
    results = []
    for rule in suite.rules:
        positions = list(broken[rule.name])
        judged = _judged(suite, rule, rows.height, len(positions), batch, ports)
        results.append(
            replace(judged, worst=worst_rows(rule, suite, rows[positions])) if positions else judged
        )
    return results


def _judged(
    suite: Suite, rule: SuiteRule, rows: int, exceptions: int, batch: Batch, ports: QualityPorts
) -> RuleResult:
    state = State.FAILED if exceptions else State.PASSED
    query = ports.store.listing(suite, rule, batch) if exceptions else ""
    return RuleResult(suite.name, rule.name, suite.asset, rule.sentence, state, rows, exceptions, query=query)


def _nothing(suite: Suite) -> list[RuleResult]:
    """What is said of a suite without rows: an error where there have to be some."""
    if suite.is_required:
        note = f"nothing is stored of {suite.batch}"
        return [
            RuleResult(suite.name, "stored", suite.asset, "there is something", State.FAILED, 0, note=note)
        ]
    return [
        RuleResult(suite.name, rule.name, suite.asset, rule.sentence, State.EMPTY, 0) for rule in suite.rules
    ]


def _judge_series(batch: Batch, ports: QualityPorts) -> tuple[list[RuleResult], pl.DataFrame]:
    universe = batch.universe
    bars = ports.store.series(universe, batch.since(LOOKED_AT), batch.session)
    sessions = session_table(universe.calendar)["session"]
    findings = broken_series(universe, bars, ports.bars.actions(universe), sessions, batch.since(JUDGED))
    instruments = bars["symbol"].n_unique()
    results = []
    for rule in SERIES_RULES:
        if not rule.applies(universe):
            continue
        exceptions = findings.filter(pl.col("rule") == rule.name)
        most = tolerated(rule, universe, instruments)
        state = State.FAILED if exceptions.height > most else State.PASSED
        results.append(
            RuleResult(
                *(HEALTH, rule.name, "prices_1d", rule.sentence),
                state if instruments else State.EMPTY,
                instruments,
                exceptions.height,
                tolerated=most,
                worst=_worst(exceptions),
                query=ports.store.listed_findings(HEALTH, rule.name, batch) if exceptions.height else "",
                note=f"{exceptions.height:,} findings, {most:,} are tolerated" if exceptions.height else "",
            )
        )
    return results, findings


def _worst(exceptions: pl.DataFrame) -> tuple[Exceptional, ...]:
    return tuple(
        Exceptional(f"{row['symbol']} {row['session']}", f"{row['value']:.6g} ({row['detail']})")
        for row in exceptions.head(WORST).iter_rows(named=True)
    )
