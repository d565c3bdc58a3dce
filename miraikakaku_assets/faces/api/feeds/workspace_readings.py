"""What the process that reads tables is asked for by widgets: flat rows, nothing nested; see `readings`."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic_core import to_json

from miraikakaku_assets.application.ports.serving import NamedInstrument
from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.market.instruments import universe
from miraikakaku_assets.domain.market.timeframes import Timeframe
from miraikakaku_assets.faces.api.answers import Body, body_of

_SIGNALS = 200  # rows of a widget
_WINDOW = 20  # origins whose scores are the record of a forecast
_SIGNAL = ("at", "symbol", "name", "name_ja", "direction", "priority", "close")
_SEGMENT = (
    *("segment", "coverage", "stored_bars", "expected_bars", "instruments", "complete_instruments"),
    *("empty_instruments", "window_start", "window_end", "checked_at"),
)


def read_widget_coverage(use: Ports, market: str) -> Body:
    """The newest coverage check by segment."""
    segments = use.stores.status.newest_coverage(universe(market))
    return _rows([{name: segment[name] for name in _SEGMENT} for segment in segments])


def read_widget_prices(use: Ports, instrument: NamedInstrument, basis: str) -> Body:
    """Daily bars, newest first."""
    from miraikakaku_assets.application.reading.bars import Window, symbol_bars
    from miraikakaku_assets.domain.bars.price_basis import PriceBasis

    market = universe(instrument.universe)
    bars = symbol_bars(market, Timeframe.D1, instrument.symbol, PriceBasis(basis), Window(), use.stores.bars)
    columns = ("session", "open", "high", "low", "close", "volume", "status")
    shown = bars.reverse().select(columns).to_dicts()
    return _rows([{**row, "basis": basis, "unit": instrument.price_unit} for row in shown])


def read_widget_forecasts(use: Ports, instrument: NamedInstrument) -> Body | None:
    """The newest forecasts of a symbol, each with its record; None without any."""
    from dataclasses import asdict

    from miraikakaku_assets.application.forecasting.predict import ENSEMBLE
    from miraikakaku_assets.application.forecasting.view import show_forecasts
    from miraikakaku_assets.application.reading.judgements import newest_scores

    market = universe(instrument.universe)
    origin = use.forecasting.forecasts.newest_origin(market)
    shown = (
        []
        if origin is None
        else show_forecasts(market, use.forecasting.forecasts, origin, [instrument.symbol])
    )
    if not shown:
        return None
    scores = newest_scores(market, _WINDOW, "universe", None, use.forecasting.forecasts)
    records: dict[int, Mapping[str, Any]] = {
        row["horizon"]: row for row in scores if row["model"] == ENSEMBLE
    }
    names = ("mae_to_no_change", "coverage_80", "hit_rate", "n", "until")
    return _rows(
        [
            {
                **asdict(forecast),
                "unit": instrument.price_unit,
                **{f"record_{name}": records.get(forecast.horizon, {}).get(name) for name in names},
            }
            for forecast in shown
        ]
    )


def read_widget_signals(use: Ports, market: str) -> Body:
    """The newest signals of a universe."""
    from miraikakaku_assets.application.reading.judgements import newest_signals

    signals = newest_signals(
        universe(market), None, None, use.settings.pattern_definition, use.stores.analysis
    )
    rows = []
    for signal in signals[:_SIGNALS]:
        record = signal["track_record"] or {}
        rows.append(
            {
                **{name: signal[name] for name in _SIGNAL},
                "evidence": to_json(signal["evidence"]).decode(),
                "record_n": record.get("n"),
                "record_hit_rate": record.get("hit_rate"),
                "record_mean": record.get("mean"),
            }
        )
    return _rows(rows)


def read_widget_alerts(use: Ports) -> Body:
    """Alerts that stand."""
    names = ("raised_at", "severity", "kind", "universe", "symbol", "title", "message", "occurrences")
    return _rows(
        [
            {name: getattr(alert, name) for name in names}
            for alert in use.notices.alerts.listed(only_standing=True)
        ]
    )


def _rows(rows: Sequence[Mapping[str, Any]]) -> Body:
    return body_of(to_json(list(rows), inf_nan_mode="null"))
