"""Tools about what is derived: signals, forecasts, their records, alerts."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Literal

from pydantic import Field

from miraikakaku_assets.application.ports.notices import Severity
from miraikakaku_assets.application.ports.serving import NamedInstrument
from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.market.universes import universe
from miraikakaku_assets.faces.mcp.answers import Answer
from miraikakaku_assets.faces.mcp.tool import (
    Arguments,
    Asked,
    Rows,
    Symbol,
    Text,
    Tool,
    UniverseName,
    instrument_of,
)

_WINDOW = 20  # origins that scores are counted over by default
_SCORES = (
    *("model", "horizon", "until", "n", "days", "mae_to_no_change", "mae", "mape", "dm_p_better"),
    *("calls", "hit_rate", "hit_low", "hit_high", "always_up", "coverage_80", "coverage_95"),
)
_ALERTS = ("id", "severity", "kind", "universe", "symbol", "title", "message", "raised_at", "last_seen_at")


class SignalArguments(Arguments):
    """Of `signals`."""

    universe: UniverseName = "fx"
    symbol: Symbol | None = None
    since: Annotated[date | None, Field(description="UTC date")] = None
    limit: Rows = 20


class ForecastArguments(Arguments):
    """Of `forecast`."""

    symbol: Symbol
    as_of: Annotated[date | None, Field(description="session it is made from; default newest")] = None


class PerformanceArguments(Arguments):
    """Of `performance`."""

    universe: UniverseName = "jp"
    window: Annotated[
        int, Field(ge=1, le=10_000, description="newest sessions that are scored: 1, 20, 60 or 250")
    ] = _WINDOW
    segment_kind: Literal["universe", "sector", "symbol"] = "universe"
    segment: Annotated[Text | None, Field(description="a sector or symbol")] = None


class AlertArguments(Arguments):
    """Of `alerts`."""

    standing: Annotated[bool, Field(description="false: also those that are over")] = True
    days: Annotated[int, Field(ge=1, le=3650)] = 7
    severity: Literal["critical", "warning", "info"] | None = None
    limit: Rows = 50


async def _signals(wanted: SignalArguments, asked: Asked) -> Answer:
    name, symbols = wanted.universe, None
    if wanted.symbol is not None:
        instrument = await instrument_of(asked, wanted.symbol)
        name, symbols = instrument.universe, [instrument.symbol]  # type: ignore[assignment]
    since = None if wanted.since is None else datetime.combine(wanted.since, time(), UTC)
    return await asked.read(_signalled, name, symbols, since, wanted.limit, asked.use)


def _signalled(
    name: str, symbols: list[str] | None, since: datetime | None, limit: int, use: Ports
) -> Answer:
    from miraikakaku_assets.application.reading.judgements import newest_signals

    definition = use.settings.pattern_definition
    signals = newest_signals(universe(name), symbols, since, definition, use.stores.analysis)
    rows = []
    for signal in signals[:limit]:
        record = signal["track_record"] or {}
        rows.append(
            {
                "symbol": signal["symbol"],
                "known_at": signal["at"],
                "pattern": f"{signal['pattern']} {signal['name']}",
                "direction": signal["direction"],
                "priority": signal["priority"],
                "close": signal["close"],
                "evidence": signal["evidence"],
                "record_n": record.get("n"),
                "record_hit_rate": record.get("hit_rate"),
                "record_95": [record.get("low"), record.get("high")],
                "record_mean": record.get("mean"),
                "record_of": record.get("horizon"),
            }
        )
    head: dict[str, Any] = {
        "universe": name,
        "symbols": symbols or "all",
        "definition": definition,
        "signals": len(signals),
        "basis": use.settings.price_basis,
        "evidence_is": "values that the pattern read, by timeframe and indicator",
        "record_is": "outcomes of earlier signals of that side, as known when this one arose; null: none was",
    }
    if not signals:
        head["hint"] = "no signal is stored; patterns are looked for in five-minute bars of the watch lists"
    return Answer(head, rows, "newest_signals", file_name=f"signals-{name}")


async def _forecast(wanted: ForecastArguments, asked: Asked) -> Answer:
    instrument = await instrument_of(asked, wanted.symbol)
    return await asked.read(_forecasted, wanted, instrument, asked.use)


def _forecasted(wanted: ForecastArguments, instrument: NamedInstrument, use: Ports) -> Answer:
    from miraikakaku_assets.application.forecasting.predict import ENSEMBLE
    from miraikakaku_assets.application.forecasting.view import show_forecasts
    from miraikakaku_assets.application.reading.judgements import newest_scores

    market = universe(instrument.universe)
    origin = wanted.as_of or use.forecasting.forecasts.newest_origin(market)
    shown = (
        []
        if origin is None
        else show_forecasts(market, use.forecasting.forecasts, origin, [instrument.symbol])
    )
    if not shown:
        which = f"from {origin}" if origin else "at all"
        raise ConfigurationError(
            f"There is no forecast of {instrument.symbol} {which}; leave out as_of, "
            f"or let `miraikakaku predict --universe {market.name}` make one"
        )
    scores = newest_scores(market, _WINDOW, "universe", None, use.forecasting.forecasts)
    records = {row["horizon"]: row for row in scores if row["model"] == ENSEMBLE}
    rows = []
    for forecast in shown:
        record = records.get(forecast.horizon, {})
        rows.append(
            {
                "target": forecast.target,
                "median": forecast.median,
                "band_80": [forecast.lo80, forecast.hi80],
                "band_95": [forecast.lo95, forecast.hi95],
                "no_forecast_because": forecast.reason,
                "edge": forecast.edge or "yes",
                "record_error_to_no_change": record.get("mae_to_no_change"),
                "record_band_80_held": record.get("coverage_80"),
                "record_hit_rate": record.get("hit_rate"),
                "record_n": record.get("n"),
                "record_until": record.get("until"),
            }
        )
    head = {
        "symbol": instrument.symbol,
        "unit": instrument.price_unit,
        "basis": "split_adjusted",
        "as_of": shown[0].as_of,
        "close": shown[0].close,
        "model": ENSEMBLE,
        "edge_is": "優位性なし: its direction was not called better than by luck within a year",
        "record_is": f"the ensemble's forecasts of all of {market.name} over the newest {_WINDOW} origins; "
        "below 1 the error beats no change; null: not scored yet",
    }
    return Answer(head, rows, "forecasts", file_name=f"forecast-{instrument.symbol}")


async def _performance(wanted: PerformanceArguments, asked: Asked) -> Answer:
    return await asked.read(_performed, wanted, asked.use)


def _performed(wanted: PerformanceArguments, use: Ports) -> Answer:
    from miraikakaku_assets.application.forecasting.score import WINDOWS
    from miraikakaku_assets.application.reading.judgements import newest_scores

    market = universe(wanted.universe)
    scores = newest_scores(
        market, wanted.window, wanted.segment_kind, wanted.segment, use.forecasting.forecasts
    )
    first = ("segment",) if wanted.segment_kind != "universe" and wanted.segment is None else ()
    rows = [{name: row[name] for name in (*first, *_SCORES)} for row in scores]
    head: dict[str, Any] = {
        "universe": market.name,
        "segment": wanted.segment or wanted.segment_kind,
        "window": wanted.window,
        "denominator": "n: forecasts with an outcome; calls: those that point up or down",
        "errors_are": "of log returns; mae_to_no_change below 1 beats no change; dm_p_better: how likely by luck",
    }
    if not rows:
        known = ", ".join(map(str, sorted(WINDOWS)))
        head["hint"] = (
            f"nothing is scored: windows are {known}, and a forecast is scored when its session is over"
        )
    return Answer(head, rows, "scores", file_name=f"performance-{market.name}")


async def _alerts(wanted: AlertArguments, asked: Asked) -> Answer:
    since = asked.use.clock() - timedelta(days=wanted.days)
    alerts = await asked.read(asked.use.notices.alerts.listed, since=since, only_standing=wanted.standing)
    chosen = [alert for alert in alerts if wanted.severity in {None, Severity(alert.severity).value}]
    rows = [
        {
            **{name: getattr(alert, name) for name in _ALERTS},
            "times": alert.occurrences,
            "over_at": alert.resolved_at,
        }
        for alert in chosen[: wanted.limit]
    ]
    head = {"standing_only": wanted.standing, "since": since, "alerts": len(chosen)}
    return Answer(head, rows, "newest_alerts", file_name="alerts")


TOOLS = (
    Tool(
        "signals",
        "Newest chart-pattern signals with their evidence and what came after earlier ones.",
        SignalArguments,
        _signals,
    ),
    Tool(
        "forecast",
        "Forecast of a symbol for the next five sessions with bands, beside what such forecasts were worth.",
        ForecastArguments,
        _forecast,
    ),
    Tool(
        "performance",
        "How good forecasts were, by model and sessions ahead, beside those of no change.",
        PerformanceArguments,
        _performance,
    ),
    Tool("alerts", "Alerts about data, sources and services.", AlertArguments, _alerts),
)
