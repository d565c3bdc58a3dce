"""Runs the suite, prints a table and writes ``benchmarks/results.json``.

``--quick`` runs everything at a small size. ``--only a,b`` runs some metrics and leaves that file as it is: its figures
are of one run on one commit.
"""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks import (
    alerting,
    analysis,
    api_figures,
    api_load,
    coverage,
    database_groups,
    event_log,
    fetching,
    forecasting,
    ingest,
    market,
    quality,
    results,
    startup,
    upkeep,
)
from benchmarks.database_groups import fresh_database
from benchmarks.metrics import BANDS, GOALS, MARKETS, RANKED, Metric, named

_WHOLE_MARKET = 5_000  # more symbols than the TSE lists


def _ingest(*, quick: bool) -> dict[str, Metric]:
    with tempfile.TemporaryDirectory() as folder, fresh_database() as database:
        # Always the whole market: with one delivery there is nothing to overlap, and start-up counts double.
        year = market.year(Path(folder), _WHOLE_MARKET)
        measured = ingest.measure(database, year, 1 if quick else 5)
    what = f"s: ADBC append of the same rows into the same table; {year.described}"
    what += f", {year.rows:,} rows of {year.symbols:,} symbols, ours {measured['ours_s']:.2f} s"
    return named(("ingest_vs_adbc", measured["ratio"], measured["floor_s"], what))


def _startup(*, quick: bool) -> dict[str, Metric]:
    measured = startup.measure(3 if quick else 7)
    ours, dagster = measured["load_s"], measured["dagster_s"]
    what = f"s: importing Dagster alone, whole process; ours {ours:.2f} s"
    return named(
        ("definitions_load_vs_dagster", ours / dagster, dagster, what),
        ("definitions_load_s", ours, dagster, what),
    )


def _fetch_speed(*, quick: bool) -> dict[str, Metric]:
    measured = fetching.measure_speed(*(400, 1_100, 300) if quick else (4_400, 11_600, 2_000))
    ours, alone = measured["per_s"], measured["floor_per_s"]
    what = (
        f"symbols/s: yfinance alone (Ticker.history) in one process, nothing stored, as many threads "
        f"({fetching.THREADS}); ours {ours:.0f}: {measured['described']}"
    )
    return named(("fetch_vs_yfinance", ours / alone, alone, what), ("fetch_symbols_per_s", ours, alone, what))


def _fetch_limit(*, quick: bool) -> dict[str, Metric]:
    measured = fetching.measure_limit(600 if quick else 2_400, 40.0)
    whole, described = measured["whole"], measured["described"]
    what = f"no peer: less 10 s for start and end, {whole:.3f} with nothing taken off; {described}"
    return named(("fetch_wall_vs_limit", measured["ratio"], None, what))


def _fetch_scale(*, quick: bool) -> dict[str, Metric]:
    many = 4_000 if quick else 64_000
    few = 1_000  # fewer, and a tenth of a second of start-up would move the ratio by percents
    measured = fetching.measure_scale(many, few, 2 if quick else 3)
    small, more = measured["small_peak_mib"], many - few
    grown = f"no peer: {measured['peak_mib'] - small:+.0f} MiB for {more:,} more symbols than {few:,}"
    wall, cpu = measured["wall"], measured["cpu"]
    both = f"no peer: wall {wall:.3f}, CPU {cpu:.3f}, the worse one counts; {measured['described']}"
    return named(
        ("fetch_peak_rss_mib", measured["peak_mib"], None, grown),
        ("fetch_cost_64k_vs_1k", max(wall, cpu), None, both),
    )


def _fetch_requests(*, quick: bool) -> dict[str, Metric]:
    measured = fetching.measure_requests(500 if quick else 3_000, 20)
    what = f"yfinance out of the box, 20 new symbols; ours: {measured['described']}, first pass {measured['first']:.3f}"
    return named(("incremental_requests_per_symbol", measured["second"], measured["floor"], what))


def _analysis(*, quick: bool) -> dict[str, Metric]:
    with tempfile.TemporaryDirectory() as folder, fresh_database() as database:
        # The whole market at every size: with one group of symbols there is nothing to overlap.
        year = market.year(Path(folder), _WHOLE_MARKET)
        measured = analysis.measure_stage(database, year, 1 if quick else 5)
    what = (
        f"s: ADBC read {measured['read_s']:.2f}, bare TA-Lib {measured['talib_s']:.2f}, ADBC append "
        f"{measured['write_s']:.2f}; {year.described}, {year.symbols:,} symbols, {year.rows:,} bars, "
        f"{measured['rows']:,} rows out, ours {measured['ours_s']:.2f} s"
    )
    return named(("analyze_vs_floor", measured["ratio"], measured["floor_s"], what))


def _quality(*, quick: bool) -> dict[str, Metric]:
    with fresh_database() as database:
        measured = quality.measure(database, 2_000 if quick else 16_000)
    what = (
        f"s: reading the {measured['rows']:,} rows that suites judge; {measured['rules']} rules, the import of Great "
        f"Expectations included, {measured['bars']:,} days stored"
    )
    return named(("quality_16k_s", measured["seconds"], measured["read_s"], what))


def _aggregation(*, quick: bool) -> dict[str, Metric]:
    measured = analysis.measure_aggregation(*(100, 60, 5) if quick else (400, 60, 9))
    rate = measured["rows"] / measured["polars_s"] / 1e6
    what = (
        f"M rows/s: Polars group_by_dynamic over the same frame, {measured['rows']:,} five-minute bars to hours; "
        f"ours {measured['rows'] / measured['ours_s'] / 1e6:.1f}"
    )
    return named(("aggregate_vs_polars", measured["ratio"], rate, what))


def _coverage_newest(*, quick: bool) -> dict[str, Metric]:
    with fresh_database() as database:
        measured = coverage.measure(database, *(2_000, 120) if quick else (16_000, 250), 1.0)
    return named(("coverage_16k_s", measured["ours_s"], measured["read_s"], _covered(measured)))


def _coverage_history(*, quick: bool) -> dict[str, Metric]:
    with fresh_database() as database:
        measured = coverage.measure(database, *(2_000, 2_500) if quick else (4_435, 5_731), 0.6)
    ratio = measured["ours_s"] / measured["read_s"]
    return named(("coverage_history_vs_read", ratio, measured["read_s"], _covered(measured)))


def _covered(measured: dict[str, float]) -> str:
    return (
        f"s: one ADBC reading of issue and time of the {measured['bars']:,} bars, batch by batch, nothing kept "
        f"({measured['read_mib']:.0f} MiB); ours {measured['ours_s']:.2f} s, at most {measured['peak_mib']:.0f} MiB, "
        f"gaps found and stored: {measured['gaps']:,} ranges"
    )


def _cycle(*, quick: bool) -> dict[str, Metric]:
    from benchmarks import cycle  # Dagster's daemon is only needed here

    with fresh_database() as database:
        measured = cycle.measure(database.url, *(5, 2) if quick else (100, 8))
    ours, empty = statistics.median(measured.seconds), statistics.median(measured.empty)
    beside = (
        f"s: a run of one op that does nothing, median of {len(measured.empty)}, by the same scheduler and queue "
        f"(looked at every second) and in a process of its own; ours {ours:.2f} s, {measured.pairs} pairs, "
        f"{len(measured.seconds)} ticks, {measured.bars:.0f} bars each; the first, which loads every timeframe, took "
        f"{measured.first:.1f} s"
    )
    kept, written = measured.growth.kept_per_day, measured.growth.written_per_day
    books = (
        f"no peer: {written:.1f} MiB before the pruning; {measured.growth.cycles} cycles, scaled to "
        f"{event_log.CYCLES_A_DAY} a day"
    )
    return named(
        ("fx_cycle_vs_empty_run", ours / empty, empty, beside),
        ("fx_cycle_p95_s", measured.p95, empty, beside),
        ("fx_cycle_event_log_mib_per_day", kept, None, books),
    )


def _forecast_day(*, quick: bool) -> dict[str, Metric]:
    with tempfile.TemporaryDirectory() as folder, fresh_database() as database:
        place = Path(folder)
        year = market.year(place, 200 if quick else _WHOLE_MARKET)
        measured = forecasting.measure_day(database, year, place)
    models = ", ".join(f"{model} {seconds:.0f} s" for model, seconds in measured["trained"].items())
    made = ", ".join(f"{model} {symbols:,}" for model, symbols in measured["made"].items())
    return named(
        ("train_minutes_4178", measured["train_minutes"], None, f"no peer; {models}"),
        (
            "predict_minutes_4178",
            measured["predict_minutes"],
            None,
            f"no peer; {year.described}, forecasts: {made}",
        ),
        ("forecast_peak_rss_mib", measured["peak_mib"], None, "no peer: the process tree of either command"),
    )


def _untouched(*, quick: bool) -> dict[str, Metric]:  # noqa: ARG001 - the stored run has its own size
    try:
        known, run = forecasting.stored_figures()
    except FileNotFoundError as error:
        raise NotMeasuredError(
            "no run of the untouched parts is stored: python -m benchmarks.untouched"
        ) from error
    return named(*((name, value, None, run) for name, value in known.items()))


def _forecast_scores(*, quick: bool) -> dict[str, Metric]:
    data = forecasting.real_data()
    if data is None:
        raise NotMeasuredError("the scores of forecasts need real market data: set MIRAIKAKAKU_REAL_DATA")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # as root the server runs as another user
        reached = forecasting.measure_scores(data, Path(folder), quick=quick)
    still = "no change, on the same sessions of real bars; see docs/forecasting.md"
    errors = [
        (f"forecast_mae_vs_random_walk_{market}", reached[market]["mae_to_no_change"], 1.0, still)
        for market in MARKETS
    ]
    bands = [
        (
            f"band{band}_coverage_{market}",
            reached[market][f"coverage_{band}"],
            None,
            f"no peer: {band} % is meant",
        )
        for band in BANDS
        for market in MARKETS
    ]
    return named(*errors, *bands)


class NotMeasuredError(Exception):
    """A metric cannot be measured on this machine; says what it needs."""


def _backup(*, quick: bool) -> dict[str, Metric]:
    with fresh_database() as database:
        measured = upkeep.measure_backup(database, *(400, 500, 1) if quick else (2_000, 2_000, 3))
    what = (
        f"s: plain pg_dump of the same {measured['rows']:,} rows; ours {measured['ours_s']:.2f} s, and "
        f"{measured['figures_s']:.2f} s for digests of all rows"
    )
    return named(("backup_vs_pg_dump", measured["ratio"], measured["plain_s"], what))


def _alerts(*, quick: bool) -> dict[str, Metric]:  # noqa: ARG001 - ten thousand are quick
    with fresh_database() as database:
        measured = alerting.measure(database, 10_000)
    what = f"ms: reading the 10,000 alerts that stand; the slowest of 15 checks took {measured['worst_ms']:.0f} ms"
    return named(("alert_rules_ms", measured["milliseconds"], measured["read_ms"], what))


def _api(*, quick: bool) -> dict[str, Metric]:
    try:
        api_load.require_generator()
    except api_load.NoLoadGeneratorError as reason:
        raise NotMeasuredError(str(reason)) from None
    with tempfile.TemporaryDirectory() as folder, fresh_database() as database:
        figures = api_figures.measure(database, Path(folder), *(2_000, 2, 100) if quick else (16_000, 6, 500))
    metrics = named(*figures.named())
    if not quick:
        api_figures.write_page(metrics)
    return metrics


def _dashboard(*, quick: bool) -> dict[str, Metric]:
    from benchmarks import dashboard  # Streamlit's pages are only needed here

    if not dashboard.CHROMIUM.exists():
        raise NotMeasuredError(f"pages are looked at with Chromium, and there is no {dashboard.CHROMIUM}")
    with tempfile.TemporaryDirectory() as folder, fresh_database() as database:
        looks = dashboard.measure(database, Path(folder), *(2_000, 245, 2) if quick else (16_000, 245, 5))
    return named(*looks.named())


def _pruning(*, quick: bool) -> dict[str, Metric]:
    with fresh_database() as database:
        measured = upkeep.measure_pruning(database, 100_000 if quick else 2_000_000)
    what = f"no peer: {measured['events']:,} events in {measured['took']:.1f} s, scaled to 2 million"
    return named(("prune_2m_s", measured["seconds"], None, what))


GROUPS: dict[Callable[..., dict[str, Metric]], tuple[str, ...]] = {
    _startup: ("definitions_load_vs_dagster", "definitions_load_s"),
    database_groups.partition_keys: ("partition_keys_16k_s",),
    _ingest: ("ingest_vs_adbc",),
    _analysis: ("analyze_vs_floor",),
    _quality: ("quality_16k_s",),
    _aggregation: ("aggregate_vs_polars",),
    _coverage_newest: ("coverage_16k_s",),
    _coverage_history: ("coverage_history_vs_read",),
    _cycle: ("fx_cycle_vs_empty_run", "fx_cycle_p95_s", "fx_cycle_event_log_mib_per_day"),
    _forecast_day: ("train_minutes_4178", "predict_minutes_4178", "forecast_peak_rss_mib"),
    _forecast_scores: (
        *(f"forecast_mae_vs_random_walk_{name}" for name in MARKETS),
        *(f"band{band}_coverage_{name}" for band in BANDS for name in MARKETS),
    ),
    _untouched: (
        *(f"forecast_crps_vs_best_peer_{market}" for market in RANKED),
        *(f"rank_ic_{market}_h{h}" for market in RANKED for h in (1, 5)),
        *("lme_3m_mae_vs_no_change", "lme_3m_direction", "jp_morning_mae_vs_no_change"),
    ),
    database_groups.bookkeeping: (
        "bookkeeping_vs_bare_write",
        "bookkeeping_vs_stock",
        "bookkeeping_ms_per_partition_asset",
    ),
    database_groups.durable: ("durable_steps_vs_dbos", "durable_resume_vs_dbos"),
    database_groups.large_table: ("large_symbol_year_ms", "large_market_day_ms"),
    _fetch_speed: ("fetch_vs_yfinance", "fetch_symbols_per_s"),
    _fetch_limit: ("fetch_wall_vs_limit",),
    _fetch_scale: ("fetch_peak_rss_mib", "fetch_cost_64k_vs_1k"),
    _backup: ("backup_vs_pg_dump",),
    _pruning: ("prune_2m_s",),
    _alerts: ("alert_rules_ms",),
    _api: ("api_requests_per_s", "api_p99_ms", "ws_delay_ms", "api_symbol_year_ms", "api_market_day_ms"),
    _dashboard: (
        *("dashboard_page_ms_p95", "dashboard_cold_ms", "screener_filter_ms", "dashboard_viewers_ms_p95"),
        *("dashboard_rss_mib", "dashboard_viewer_mib"),
    ),
    _fetch_requests: ("incremental_requests_per_symbol",),
}
"""What is measured together."""


def main() -> None:
    """Measures, prints, writes the results; exits 1 when a goal is missed or a metric could not be measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small size of everything")
    parser.add_argument("--only", default="", help="comma-separated metric names")
    arguments = parser.parse_args()
    chosen = {name.strip() for name in arguments.only.split(",") if name.strip()} or set(GOALS)
    if unknown := chosen - set(GOALS):
        parser.error(f"unknown metric {min(unknown)}; known: {', '.join(sorted(GOALS))}")
    metrics: dict[str, Metric] = {}
    missing: list[str] = []
    for measure, names in GROUPS.items():
        if not chosen & set(names):
            continue
        try:
            metrics.update(measure(quick=arguments.quick))
        except NotMeasuredError as reason:
            missing.append(f"{names[0]} … {names[-1]}: {reason}")
    results.show(metrics)
    written = results.write(metrics, quick=arguments.quick)
    print("\n".join([*missing, f"written to {written.relative_to(results.ROOT)}"]))
    if written != results.WHOLE:
        print("benchmarks/results.json is as it was: only a run of everything writes it")
    sys.exit(1 if missing or any(metric.holds is False for metric in metrics.values()) else 0)


if __name__ == "__main__":
    main()
