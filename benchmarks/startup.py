"""How long the code location takes to load, as Dagster's processes do: a fresh interpreter each time."""

import statistics
import subprocess
import sys
import time


def measure(rounds: int) -> dict[str, float]:
    """Times importing ``definitions.py`` and, beside it, importing Dagster alone.

    Returns:
        ``load_s`` and ``dagster_s``, medians of whole processes.
    """
    return {
        "load_s": _median("import miraikakaku_assets.definitions", rounds),
        "dagster_s": _median("import dagster", rounds),
    }


def _median(statement: str, rounds: int) -> float:
    times = []
    for _ in range(rounds + 1):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", statement], check=True)
        times.append(time.perf_counter() - began)
    return statistics.median(times[1:])  # the first one compiles and warms the disk cache
