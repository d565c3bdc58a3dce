"""The chart of the page: bytes and hours over instruments, measured points and where they lead."""

from pathlib import Path
from typing import Any

from benchmarks.scaling.needs import CORES, RATES, daily, needs
from benchmarks.scaling.units import Measured

_SIZES = (1_000, 4_000, 16_000, 64_000, 256_000, 1_000_000)
_MARKED = (16_000, 64_000, 1_000_000)
_TICKS = (100, 1_000, *_MARKED)
_GIB = 2**30
_COLOURS = {"bars": "#1f77b4", "bars_key": "#ff7f0e", "indicators": "#2ca02c", "backup": "#9467bd"}
_NAMES = {
    "bars": "bars with their key",
    "bars_key": "their key",
    "indicators": "indicators",
    "backup": "a backup",
}


def draw(measured: Measured, path: Path) -> None:
    """Writes the chart as PNG."""
    from matplotlib.figure import Figure

    every = [needs(daily(symbols), measured.units) for symbols in _SIZES]
    figure = Figure(figsize=(11, 4.6), layout="constrained")
    room, night = figure.subplots(1, 2)
    for name, colour in _COLOURS.items():
        room.plot(
            _SIZES, [needed.bytes[name] / _GIB for needed in every], "--", color=colour, label=_NAMES[name]
        )
        dots = [(size.symbols, size.sizes[name] / _GIB) for size in measured.long]
        room.plot(*zip(*dots, strict=True), "o", color=colour, markersize=5)
    room.axhline(measured.memory_bytes / _GIB, color="#888888", linewidth=1)
    room.annotate(
        "memory of this machine", (_SIZES[0], measured.memory_bytes / _GIB), fontsize=8, va="bottom"
    )
    _decorate(room, "Twenty years of daily bars, GiB", "GiB")
    for rate in RATES:
        hours = [needed.request_hours[rate] for needed in every]
        night.plot(_SIZES, hours, "-", label=f"requests at {rate:g}/s", linewidth=1.5)
    work = [sum(needed.night_hours.values()) / CORES for needed in every]
    night.plot(_SIZES, work, "--", color="#d62728", label=f"work of one machine with {CORES} cores")
    night.axhline(24, color="#888888", linewidth=1)
    night.annotate("a day", (_SIZES[0], 24), fontsize=8, va="bottom")
    _decorate(night, "A night, hours", "hours")
    figure.savefig(path, dpi=110)


def _decorate(axes: Any, title: str, unit: str) -> None:
    axes.set(xscale="log", yscale="log", title=title, xlabel="instruments", ylabel=unit)
    for symbols in _MARKED:
        axes.axvline(symbols, color="#dddddd", linewidth=0.8, zorder=0)
    axes.set_xticks(_TICKS, [f"{symbols:,}" for symbols in _TICKS], fontsize=8)
    axes.legend(fontsize=8)
