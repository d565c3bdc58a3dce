"""What people see of forecasts."""

from collections.abc import Mapping, Sequence
from typing import Any

from miraikakaku_assets.domain.words import counted
from miraikakaku_assets.faces.cli.output import show_line, show_table

_LARGE = 1_000  # from here on one decimal, as exchanges quote it,
_VERY_LARGE = 10_000  # and from here on none


def show_training(done: Mapping[str, Any]) -> None:
    """Shows how a training went."""
    failed, reused = done.get("failed_models", 0), done.get("reused_models", 0)
    show_line(
        f"{done['universe']}: {counted(done['models'] - reused, 'model')} trained until {done['trained_until']} "
        f"({done['seconds']:.1f} s)"
        f"{f', {reused} as they were: same bars, same code' if reused else ''}"
        f"{f', {failed} failed' if failed else ''}"
    )


def show_predictions(done: Mapping[str, Any]) -> None:
    """Shows how many instruments each model has forecast."""
    models = [*done["made"], *(model for model in done["missing"] if model not in done["made"])]
    rows = [(model, done["made"].get(model, 0), _missing(done["missing"].get(model))) for model in models]
    title = f"{done['universe']} forecasts from {done['as_of']}: {counted(done['symbols'], 'symbol')}"
    show_table(title, ("model", "forecast", "missing"), rows)
    for name, why in (done.get("absent_inputs") or {}).items():
        show_line(f"{name} is not known: {why}")


def show_scores(done: Mapping[str, Any]) -> None:
    """Shows what was scored."""
    show_line(
        f"{done['universe']} scores until {done['until']}: {counted(done['new_outcomes'], 'new outcome')}, "
        f"{done['waiting_targets']:,} waiting for a bar"
    )
    show_line(f"{done['universe']} so far: {done['ensemble']}")


def show_fan(forecasts: Sequence[Mapping[str, Any]]) -> None:
    """Shows the forecasts of some symbols, fields as of `ShownForecast`: the next session and the fifth."""
    shown = [forecast for forecast in forecasts if forecast["horizon"] in {1, 5}]
    if not shown:
        return
    rows = [
        (
            forecast["symbol"],
            f"+{forecast['horizon']} {forecast['target']:%m-%d}",
            _price(forecast["close"]),
            forecast["reason"] or _price(forecast["median"]),
            _band(forecast["lo80"], forecast["hi80"]),
            _band(forecast["lo95"], forecast["hi95"]),
            forecast["edge"] or "",
        )
        for forecast in shown
    ]
    heads = ("symbol", "session", "close", "median", "80 %", "95 %", "direction")
    show_table(f"forecasts of the ensemble from {shown[0]['as_of']}", heads, rows)


def show_replay(done: Mapping[str, Any]) -> None:
    """Shows whether forecasts of the past came out as they were, if they were made again."""
    if "same" not in done:
        return
    same, different = sum(done["same"].values()), sum(done["different"].values())
    all_of_them = counted(same + different, "forecast")
    show_line(f"{done['universe']} made again from {done['as_of']}: {same:,} of {all_of_them} as before")
    if others := sum(done["other_bands"].values()):
        show_line(f"{others:,} of them with other bands: what calibrates them came after they were made")
    for model, why in done["gone"].items():
        show_line(f"{model}: {why}")


def _missing(reasons: Mapping[str, int] | None) -> str:
    return ", ".join(f"{count:,} {reason}" for reason, count in (reasons or {}).items())


def _price(value: float | None, beside: float = 0.0) -> str:
    """A price with as many decimals as its size wants, or that of another one that it stands beside."""
    if value is None:
        return "–"
    size = max(abs(value), beside)
    if size >= _LARGE:
        return f"{value:,.0f}" if size >= _VERY_LARGE else f"{value:,.1f}"
    return f"{value:,.4g}"


def _band(low: float | None, high: float | None) -> str:
    return "–" if low is None else f"{_price(low, high or 0.0)}–{_price(high)}"
