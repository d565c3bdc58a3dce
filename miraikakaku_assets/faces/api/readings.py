"""What the process that reads tables is asked for: a use case, and its result as a body.

The API names these functions and does not run them: what they need is imported inside.
"""

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import date, datetime, timedelta
from typing import Any

from pydantic_core import to_json

from miraikakaku_assets.application.coverage.repair_run import RepairRun
from miraikakaku_assets.application.ports.alert_states import AlertQuery
from miraikakaku_assets.application.ports.notices import Alert
from miraikakaku_assets.application.ports.serving import NamedInstrument
from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.market.instruments import collected_timeframe, universe
from miraikakaku_assets.domain.market.timeframes import Timeframe
from miraikakaku_assets.faces.api.answers import Body, body_of


def read_prices(
    use: Ports,
    instrument: NamedInstrument,
    timeframe: Timeframe,
    basis: str | None,
    since: date | None,
    until: date | None,
    form: str,
) -> Body:
    """Bars of a symbol."""
    from miraikakaku_assets.application.reading.bars import Window, symbol_bars
    from miraikakaku_assets.domain.bars.price_basis import PriceBasis
    from miraikakaku_assets.faces.api.tables import encoded

    usual = PriceBasis.SPLIT_ADJUSTED if timeframe is Timeframe.D1 else PriceBasis.RAW
    market, chosen = universe(instrument.universe), PriceBasis(basis or usual)
    bars = symbol_bars(market, timeframe, instrument.symbol, chosen, Window(since, until), use.stores.bars)
    head = {
        "symbol": instrument.symbol,
        "universe": instrument.universe,
        "timeframe": timeframe.value,
        "basis": chosen.value,
        "currency": instrument.currency,
        "unit": instrument.price_unit,
    }
    return encoded(bars, form, head, "bars")


def read_market(use: Ports, market: str, session: date, basis: str | None, form: str) -> Body:
    """Daily bars of every symbol of a session."""
    from miraikakaku_assets.application.reading.bars import market_bars
    from miraikakaku_assets.domain.bars.price_basis import PriceBasis
    from miraikakaku_assets.faces.api.tables import encoded

    whose, chosen = universe(market), PriceBasis(basis or PriceBasis.SPLIT_ADJUSTED)
    bars = market_bars(whose, session, chosen, use.stores.bars)
    head = {"universe": market, "date": session, "basis": chosen.value, "unit": whose.price_unit}
    return encoded(bars, form, head, "bars")


def read_indicators(
    use: Ports,
    instrument: NamedInstrument,
    timeframe: Timeframe,
    since: date | None,
    until: date | None,
    form: str,
) -> Body:
    """Indicators of a symbol."""
    from miraikakaku_assets.application.reading.bars import Window, symbol_indicators
    from miraikakaku_assets.faces.api.tables import encoded

    market = universe(instrument.universe)
    rows = symbol_indicators(market, timeframe, instrument.symbol, Window(since, until), use.stores.analysis)
    head = {
        "symbol": instrument.symbol,
        "universe": instrument.universe,
        "timeframe": timeframe.value,
        "basis": use.settings.price_basis,
    }
    return encoded(rows, form, head, "indicators")


def read_signals(
    use: Ports, market: str, symbols: Sequence[str] | None, since: datetime | None, limit: int, offset: int
) -> Body:
    """Signals of patterns, newest first."""
    from miraikakaku_assets.application.reading.judgements import newest_signals

    definition = use.settings.pattern_definition
    signals = newest_signals(universe(market), symbols, since, definition, use.stores.analysis)
    head = {"universe": market, "definition": definition, "total": len(signals)}
    return _document({**head, "signals": signals[offset : offset + limit]})


def read_forecasts(use: Ports, instrument: NamedInstrument, as_of: date | None) -> Body | None:
    """Forecasts of a symbol from a session, the newest by default; None without any."""
    from miraikakaku_assets.application.forecasting.view import show_forecasts

    market = universe(instrument.universe)
    origin = as_of or use.forecasting.forecasts.newest_origin(market)
    shown = (
        []
        if origin is None
        else show_forecasts(market, use.forecasting.forecasts, origin, [instrument.symbol])
    )
    if not shown:
        return None
    head = {
        "symbol": instrument.symbol,
        "as_of": origin,
        "currency": instrument.currency,
        "unit": instrument.price_unit,
    }
    return _document({**head, "predictions": [asdict(forecast) for forecast in shown]})


def read_scores(use: Ports, market: str, window: int, segment_kind: str, segment: str | None) -> Body:
    """The newest scores of forecasts."""
    from miraikakaku_assets.application.reading.judgements import newest_scores

    scores = newest_scores(universe(market), window, segment_kind, segment, use.forecasting.forecasts)
    return _document({"universe": market, "window": window, "scores": scores})


def read_curve(use: Ports, until: date | None, newest: int) -> Body | None:
    """The copper curve with so many sessions of history; None while nothing of it is stored."""
    from miraikakaku_assets.application.copper.curve_view import curve_view

    if not use.stores.curve.newest():
        return None
    return _document(curve_view(use.stores.curve, until).document(newest))


def read_coverage(use: Ports, market: str) -> Body:
    """The newest coverage check."""
    return _document({"universe": market, "segments": use.stores.status.newest_coverage(universe(market))})


def read_alerts(use: Ports, query: AlertQuery, days: int, limit: int, offset: int) -> Body:
    """Alerts that a query is about, of the last days where those that are over count, with who was told."""
    since = None if query.only_standing else use.clock() - timedelta(days=days)
    page = use.notices.alert_records.page(replace(query, since=since), limit=limit, offset=offset)
    messages = use.notices.alert_records.told([alert.id for alert in page.alerts])
    rows = [
        {**alert_row(alert), "notifications": [asdict(message) for message in messages.get(alert.id, ())]}
        for alert in page.alerts
    ]
    return _document({"total": page.total, "alerts": rows})


def alert_row(alert: Alert) -> dict[str, Any]:
    """An alert as clients get it."""
    return {**asdict(alert), "level": alert.level}


def read_repair_plan(use: Ports, wanted: RepairRun) -> dict[str, Any]:
    """What a repair would ask for by the newest check; ``checked_at`` is None where there was none.

    Raises:
        ConfigurationError: No such bars are collected.
    """
    from miraikakaku_assets.application.coverage.repair import planned

    market = universe(wanted.universe)
    timeframe = collected_timeframe(wanted.timeframe, market)
    plan, checked_at = planned(use.stores.coverage, market, timeframe, wanted)
    return {
        "checked_at": checked_at,
        "gaps": plan.gaps.height,
        "requests": plan.requests,
        "skipped": dict(plan.skipped),
    }


def read_asset_health(use: Ports, group: str | None) -> Body | None:
    """How the assets of a group (None: of all) are, the worst first; None while nobody has looked."""
    from miraikakaku_assets.application.monitoring.asset_health import judge_groups

    looked = use.operations.asset_health_snapshot.read()
    if looked is None:
        return None
    chosen = [asset for asset in looked.assets if group is None or asset.group == group]
    worst_first = sorted(chosen, key=lambda asset: (-asset.state, asset.key))
    return _document(
        {
            "as_of": looked.as_of,
            "is_current": looked.is_current(use.clock()),
            "groups": {name: state.word for name, state in judge_groups(looked.assets).items()},
            "assets": [asset.document for asset in worst_first],
        }
    )


def read_metrics(use: Ports) -> str:
    """Everything that is stored about the installation, as Prometheus reads it."""
    return use.operations.metrics_text()


def _document(content: dict[str, Any]) -> Body:
    return body_of(to_json({"success": True, **content}, inf_nan_mode="null"))
