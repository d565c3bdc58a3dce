"""What is measured: names, units and goals. `docs/contract.md` lists the names."""

from dataclasses import dataclass

_JUDGED_UNITS = frozenset({"ratio", "share", "1", "MiB"})


@dataclass(frozen=True)
class Goal:
    """What a metric should reach.

    Attributes:
        unit: Of the value.
        goal: The least or the most the value should be. Of a time or a speed it is what a machine with two cores of
            2.1 GHz has reached, for orientation.
        better: ``lower`` or ``higher``.
        most: Upper end where the value has to lie within a range.
    """

    unit: str
    goal: float
    better: str
    most: float | None = None

    @property
    def judged(self) -> bool:
        """Whether the goal can be missed: times and speeds say as much about the machine as about the program."""
        return self.unit in _JUDGED_UNITS

    def holds(self, value: float) -> bool | None:
        """Whether the value reaches the goal; nothing where times and speeds are not judged."""
        if not self.judged:
            return None
        if self.better == "lower":
            return value <= self.goal
        return value >= self.goal and (self.most is None or value <= self.most)


@dataclass(frozen=True)
class Metric:
    """One measured figure, in the shape of the results file.

    Attributes:
        floor: The peer's figure, measured in the same run; nothing where there is no peer.
        floor_is: What the peer did, or what was measured where there is none.
    """

    value: float
    unit: str
    floor: float | None
    floor_is: str
    goal: float
    better: str
    holds: bool | None


MARKETS = ("jp", "us", "fx", "copper")
RANKED = ("jp", "us")
"""Markets of many issues, whose order is forecast."""
BANDS = {"80": (0.78, 0.82), "95": (0.935, 0.965)}

GOALS: dict[str, Goal] = {
    "definitions_load_vs_dagster": Goal("ratio", 3.0, "lower"),
    "definitions_load_s": Goal("s", 2.0, "lower"),
    "partition_keys_16k_s": Goal("s", 1.0, "lower"),
    "ingest_vs_adbc": Goal("ratio", 0.5, "higher"),
    "analyze_vs_floor": Goal("ratio", 1.6, "lower"),
    "aggregate_vs_polars": Goal("ratio", 0.8, "higher"),
    "coverage_16k_s": Goal("s", 5.0, "lower"),
    "coverage_history_vs_read": Goal("ratio", 3.0, "lower"),
    "fx_cycle_vs_empty_run": Goal("ratio", 1.4, "lower"),
    "fx_cycle_p95_s": Goal("s", 5.0, "lower"),
    "fx_cycle_event_log_mib_per_day": Goal("MiB", 20.0, "lower"),
    "train_minutes_4178": Goal("min", 25, "lower"),
    "predict_minutes_4178": Goal("min", 12, "lower"),
    "forecast_peak_rss_mib": Goal("MiB", 4_096, "lower"),
    **{f"forecast_mae_vs_random_walk_{market}": Goal("ratio", 1.0, "lower") for market in MARKETS},
    **{
        f"band{band}_coverage_{market}": Goal("share", low, "higher", most=high)
        for band, (low, high) in BANDS.items()
        for market in MARKETS
    },
    **{f"forecast_crps_vs_best_peer_{market}": Goal("ratio", 0.98, "lower") for market in RANKED},
    "rank_ic_jp_h1": Goal("1", 0.060, "higher"),
    "rank_ic_jp_h5": Goal("1", 0.055, "higher"),
    **{f"rank_ic_us_h{h}": Goal("1", -1.0, "higher") for h in (1, 5)},
    "lme_3m_mae_vs_no_change": Goal("ratio", 0.89, "lower"),
    "lme_3m_direction": Goal("share", 0.66, "higher"),
    "jp_morning_mae_vs_no_change": Goal("ratio", 0.97, "lower"),
    "quality_16k_s": Goal("s", 20.0, "lower"),
    "bookkeeping_vs_stock": Goal("ratio", 25, "higher"),
    "bookkeeping_ms_per_partition_asset": Goal("ms", 0.6, "lower"),
    "bookkeeping_vs_bare_write": Goal("ratio", 2.0, "lower"),
    "durable_steps_vs_dbos": Goal("ratio", 1.0, "higher"),
    "durable_resume_vs_dbos": Goal("ratio", 1.0, "lower"),
    "fetch_vs_yfinance": Goal("ratio", 1.5, "higher"),
    "fetch_symbols_per_s": Goal("1/s", 120, "higher"),
    "fetch_wall_vs_limit": Goal("ratio", 1.03, "lower"),
    "fetch_peak_rss_mib": Goal("MiB", 1_024, "lower"),
    "fetch_cost_64k_vs_1k": Goal("ratio", 1.15, "lower"),
    "incremental_requests_per_symbol": Goal("1", 1.05, "lower"),
    "backup_vs_pg_dump": Goal("ratio", 0.9, "higher"),
    "prune_2m_s": Goal("s", 60, "lower"),
    "alert_rules_ms": Goal("ms", 200, "lower"),
    "api_requests_per_s": Goal("1/s", 1_500, "higher"),
    "api_p99_ms": Goal("ms", 50, "lower"),
    "ws_delay_ms": Goal("ms", 1_000, "lower"),
    "api_symbol_year_ms": Goal("ms", 15, "lower"),
    "api_market_day_ms": Goal("ms", 300, "lower"),
    "large_symbol_year_ms": Goal("ms", 15, "lower"),
    "large_market_day_ms": Goal("ms", 300, "lower"),
    "dashboard_page_ms_p95": Goal("ms", 1_500, "lower"),
    "dashboard_cold_ms": Goal("ms", 4_000, "lower"),
    "screener_filter_ms": Goal("ms", 300, "lower"),
    "dashboard_viewers_ms_p95": Goal("ms", 3_000, "lower"),
    "dashboard_rss_mib": Goal("MiB", 400, "lower"),
    "dashboard_viewer_mib": Goal("MiB", 15, "lower"),
}


def measured(name: str, value: float, floor: float | None, floor_is: str) -> Metric:
    """A figure beside its goal."""
    goal = GOALS[name]
    return Metric(value, goal.unit, floor, floor_is, goal.goal, goal.better, goal.holds(value))


def named(*figures: tuple[str, float, float | None, str]) -> dict[str, Metric]:
    """Metrics by name, from name, value, the peer's figure, and what that is."""
    return {name: measured(name, value, floor, what) for name, value, floor, what in figures}
