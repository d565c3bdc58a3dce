"""The figures of the page: unit costs with their growth, and what each size needs."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from benchmarks import results
from benchmarks.scaling.growth import Growth
from benchmarks.scaling.needs import FREEZE_AGE, RATES, SCENARIOS, YEARS, Needs, needs

if TYPE_CHECKING:  # the pages of a test need none of what measures
    from benchmarks.scaling.units import Measured

BEGIN = "<!-- scaling: begin, written by `python -m benchmarks.scaling --measure` -->"
END = "<!-- scaling: end -->"
_GIB = 2**30
_STAGES = {
    "collect": "reading, judging and storing a bar",
    "analyze": "weeks, months and indicators of a bar's history, all of it",
    "coverage": "coverage of a bar's session",
    "vacuum": "`VACUUM (FREEZE)` of a bar",
    "backup": "copying a bar with what is derived from it",
    "night_analyze": f"one new bar of a symbol with {YEARS} years of them",
    "forecasts": "storing a forecast",
    "books": "a partition of an asset in Dagster's books",
    "fetch": "a request with a month of bars, judged and stored",
}
_SIZES = {
    "bars": "a collected bar in `price_bars`, the longer bars built from it and the key included",
    "bars_key": "of that the key",
    "indicators": "indicators of a bar",
    "forecasts": "a forecast",
    "books": "a partition of an asset in Dagster's event log, before it is pruned",
    "backup": "a bar and what is derived from it in a backup",
}


def with_figures(page: str, measured: "Measured") -> str:
    """A page with these figures between its marks.

    Raises:
        ValueError: The page has no place for them.
    """
    return results.on_page(page, BEGIN, END, _lines(measured))


def _lines(measured: "Measured") -> list[str]:
    machine = results.machine()
    units, largest = measured.units, measured.markets[-1]
    every = [needs(scenario, units) for scenario in SCENARIOS]
    peaks = {name: max(size.stages[name].peak_mib for size in measured.markets) for name in largest.stages}
    highest = max(peaks, key=lambda name: peaks[name])
    measured_on = (
        f"Measured on {machine['system']}, {machine['cores']} cores, {measured.memory_bytes / _GIB:.0f} GiB, CPython "
        f"{machine['python']}, at commit `{results.commit()[:12]}`; processor time is that of all processes, "
        "PostgreSQL included."
    )
    memory = (
        f"Most memory of one process: {peaks[highest]:,.0f} MiB ({highest}, {largest.symbols:,} issues with "
        f"{largest.sessions:,} sessions); of a collection over HTTP, all its processes: {measured.fetch_mib:,.0f} MiB. "
        f"Transaction ids of a night: {units.transactions.per_unit:.2f} a symbol."
    )
    return [
        measured_on,
        "",
        "### Unit costs (measured)",
        "",
        "| processor time of | sizes | at the largest, each | exponent |",
        "|---|---|---|---|",
        *(
            _unit(what, units.cpu[name], lambda cost: f"{cost * 1e6:,.1f} µs")
            for name, what in _STAGES.items()
        ),
        "",
        "| bytes of | sizes | at the largest, each | exponent |",
        "|---|---|---|---|",
        *(_unit(what, units.sizes[name], lambda cost: f"{cost:,.0f} B") for name, what in _SIZES.items()),
        "",
        memory,
        "",
        "### What a size needs (extrapolated)",
        "",
        "![Bytes and hours over instruments; dots are measured](images/scaling.png)",
        "",
        "|  | " + " | ".join(needed.scenario.name for needed in every) + " |",
        "|---|" + "---|" * len(every),
        *(f"| {what} | " + " | ".join(shown) + " |" for what, shown in _needed(every, measured)),
    ]


def _unit(what: str, cost: Growth, shown: Callable[[float], str]) -> str:
    sizes = " · ".join(f"{work:,.0f}" for work, _ in cost.points)
    return f"| {what} | {sizes} | {shown(cost.per_unit)} | {cost.exponent:.2f} |"


def _needed(every: Sequence[Needs], measured: "Measured") -> list[tuple[str, list[str]]]:
    units, memory = measured.units, measured.memory_bytes
    key = units.sizes["bars_key"]

    def row(what: str, shown: Callable[[Needs], str]) -> tuple[str, list[str]]:
        return what, [shown(needed) for needed in every]

    def gib(name: str) -> Callable[[Needs], str]:
        return lambda needed: f"{needed.bytes[name] / _GIB:,.1f}" if name in needed.bytes else "–"

    return [
        row("collected bars", lambda needed: f"{needed.scenario.bars:,}"),
        row(
            "times the largest measured",
            lambda needed: f"{needed.scenario.bars / units.sizes['bars'].largest[0]:,.0f}",
        ),
        row(
            "longer bars and indicators, rows",
            lambda n: "–" if n.derived_rows is None else f"{n.derived_rows:,.0f}",
        ),
        row("requests of a first pass, and of a night", lambda needed: f"{needed.scenario.symbols:,}"),
        *(row(f"hours of them at {rate:g}/s", partial(_request_hours, rate=rate)) for rate in RATES),
        row("bars, GiB", gib("bars")),
        row("of that the key, GiB", gib("bars_key")),
        row("key over this machine's memory", lambda needed: f"{key.at(needed.scenario.bars) / memory:,.2f}"),
        row("indicators, GiB", gib("indicators")),
        row("forecasts of a year, GiB", gib("forecasts")),
        row("event log of a night, GiB", gib("books")),
        row("event log of a night, rows", lambda needed: f"{needed.event_rows:,.0f}"),
        row("a backup, GiB", gib("backup")),
        row("history once, core hours", lambda needed: _hours(sum(needed.first_hours.values()))),
        *(
            row(f"a night, core hours: {stage}", partial(_stage_hours, stage=stage))
            for stage in every[0].night_hours
        ),
        *(
            row(
                f"workers of 2 cores for a night as short as its requests at {rate:g}/s",
                partial(_workers, rate=rate),
            )
            for rate in RATES
        ),
        row("a backup, core hours", lambda needed: _hours(needed.backup_hours)),
        row("freezing the bars, core hours", lambda needed: _hours(needed.vacuum_hours)),
        row("transaction ids of a night", lambda needed: f"{needed.transactions:,.0f}"),
        row(f"nights until {FREEZE_AGE:,} of them", lambda needed: f"{needed.nights_to_freeze:,.0f}"),
    ]


def _request_hours(needed: Needs, rate: float) -> str:
    return _hours(needed.request_hours[rate])


def _workers(needed: Needs, rate: float) -> str:
    return f"{needed.workers(rate):,}"


def _stage_hours(needed: Needs, stage: str) -> str:
    return _hours(needed.night_hours[stage]) if stage in needed.night_hours else "–"


def _hours(hours: float) -> str:
    return f"{hours:,.1f}" if hours >= 1 else f"{hours:.2f}" if hours >= 0.01 else f"{hours * 3600:.1f} s"  # noqa: PLR2004
