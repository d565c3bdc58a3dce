"""ta-lib-python's own function and stream tests on the installed build, and its series through our indicators."""

import inspect
import runpy
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import numpy as np
import polars as pl
import pytest
import talib

from miraikakaku_assets.domain.indicators.compute import compute
from miraikakaku_assets.domain.indicators.definitions import INDICATORS, NEEDED_HISTORY, Indicator
from miraikakaku_assets_tests.others.source_distributions import folder_of

_BEGIN = datetime(2012, 1, 3, tzinfo=UTC)
_PREFIXES = (1, 2, 13, 14, 15, 20, 26, 34, 75, 120, 200, 249)
"""How many bars of the year a history has had when its newest value is asked for."""
_IDS = [indicator.columns[0] for indicator in INDICATORS]


@cache
def ford() -> dict[str, np.ndarray[Any, Any]]:
    """The year of Ford's bars that ta-lib-python tests its functions with; whole numbers, too, as floats."""
    fixture = runpy.run_path(str(folder_of("ta-lib") / "conftest.py"))["ford_2012"]
    data: dict[str, np.ndarray[Any, Any]] = inspect.unwrap(fixture)()
    return {name: values.astype(float) for name, values in data.items()}


def bars(length: int) -> pl.DataFrame:
    chosen = {
        name: values[:length]
        for name, values in ford().items()
        if name in {"open", "high", "low", "close", "volume"}
    }
    moments = [_BEGIN + timedelta(days=day) for day in range(length)]
    return pl.DataFrame({"symbol": ["F"] * length, "ts": moments, **chosen})


def expected(indicator: Indicator, module: Any, length: int) -> list[Any]:
    """What ta-lib-python says of so many bars, per column."""
    arrays = [ford()[name][:length] for name in indicator.inputs]
    result = getattr(module, indicator.function)(*arrays, *indicator.parameters)
    return list(result) if isinstance(result, tuple) else [result]


@pytest.mark.parametrize("module", ["test_func.py", "test_stream.py"])
def test_the_installed_build_passes_the_suite_of_its_authors(module: str) -> None:
    path = folder_of("ta-lib") / module
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-c",
        "/dev/null",
        f"--rootdir={path.parent}",
    ]
    ended = subprocess.run([*command, str(path)], capture_output=True, text=True, check=False)

    assert ended.returncode == 0, ended.stdout[-3000:]


@pytest.mark.parametrize("indicator", INDICATORS, ids=_IDS)
def test_our_indicators_are_its_functions_on_its_series(indicator: Indicator) -> None:
    length = len(ford()["close"])
    ours = compute(bars(length), only=indicator.columns, history={})
    for name, theirs in zip(indicator.columns, expected(indicator, talib, length), strict=True):
        own = ours[name].to_numpy()
        defined = ~np.isnan(own)
        assert defined.any(), name
        np.testing.assert_array_equal(own[defined], theirs[defined])
        if not indicator.undefined:
            np.testing.assert_array_equal(defined, ~np.isnan(theirs))


@pytest.mark.parametrize("indicator", INDICATORS, ids=_IDS)
def test_the_newest_value_of_every_history_is_its_stream(indicator: Indicator) -> None:
    """What a cycle adds a bar at a time is what the C library streams."""
    compared = 0
    for length in _PREFIXES:
        ours = compute(bars(length), only=indicator.columns, history={})
        theirs = expected(indicator, talib.stream, length)
        for name, value in zip(indicator.columns, theirs, strict=True):
            own = ours[name][-1]
            if own is not None:
                assert own == pytest.approx(value, rel=1e-9, abs=1e-9), (name, length)
                compared += 1
            elif not indicator.undefined:
                assert np.isnan(value), (name, length)
    assert compared >= 1


def test_values_that_are_shown_begin_where_they_are_said_to() -> None:
    length = len(ford()["close"])
    ours = compute(bars(length))
    for name, needed in NEEDED_HISTORY.items():
        shown = ours[name].is_not_null()
        assert not shown[: min(needed, length + 1) - 1].any(), name
        assert needed > length or shown[needed - 1], name
