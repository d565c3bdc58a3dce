"""Assets derived from collected bars. Put here: their descriptions. Keep out: how they are computed.

They are made by the step that collects their bars (`miraikakaku_assets.orchestration.prices.assets`): a symbol whose
collection fails then never holds up the analysis of the others.
"""

import dagster as dg

from miraikakaku_assets.application.analysis.scope import DERIVED
from miraikakaku_assets.domain.indicators.definitions import MEANINGS
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe
from miraikakaku_assets.domain.patterns.definitions import NAMES
from miraikakaku_assets.orchestration.analysis.run import bars_key, indicators_key, patterns_key
from miraikakaku_assets.orchestration.universes import described

_BUILT = {
    Timeframe.H1: "Hourly bars, built from 5-minute bars and anchored to sessions: each unbroken stretch of trading is "
    "divided from its beginning on, so that no bar spans Tokyo's lunch break",
    Timeframe.H4: "Four-hour bars, built from 5-minute bars and anchored to sessions (Tokyo: morning and afternoon; "
    "currencies: from 17:00 in New York)",
    Timeframe.W1: "Weekly bars, built from daily bars; ISO weeks of the exchange's dates",
    Timeframe.MO1: "Monthly bars, built from daily bars; calendar months of the exchange's dates",
}


def derived_specs(universe: Universe, collected: Timeframe) -> list[dg.AssetSpec]:
    """What an analysis of collected bars of that timeframe materializes."""
    source = dg.AssetKey([universe.name, f"prices_{collected}"])
    bars = [
        _spec(
            universe,
            bars_key(universe, timeframe),
            [source],
            "price_bars",
            _bars_columns(timeframe),
            f"{_BUILT[timeframe]}. A bar that is still open is provisional and never read by patterns; every bar says "
            "from how many parts it was built and how many the calendar expects.",
        )
        for timeframe, _ in DERIVED[collected]
    ]
    built = [spec.key for spec in bars]
    if collected is Timeframe.D1:
        text = (
            f"{len(MEANINGS)} technical indicators of every timeframe, by TA-Lib, from each instrument's first bar on; "
            "null until warmed up. Prices are on the basis of `PRICE_BASIS`. Those of 5m, 1h and 4h come with the "
            "five-minute bars."
        )
        key = indicators_key(universe)
        return [
            *bars,
            _spec(universe, key, [source, *built], "technical_indicators", _indicator_columns(), text),
        ]
    text = (
        "Signals of the six patterns over 1d, 4h, 1h and 5m (definition `PATTERN_DEFINITION`), each on the bar on "
        "which it begins, with its evidence and the realised track record of its side. Only closed bars are read. "
        "None of the patterns had a significant edge when they were defined: a signal is no advice."
    )
    daily = dg.AssetDep(
        dg.AssetKey([universe.name, "prices_1d"]), partition_mapping=dg.IdentityPartitionMapping()
    )
    key = patterns_key(universe)
    return [*bars, _spec(universe, key, [daily, source, *built], "pattern_signals", _signal_columns(), text)]


def _spec(
    universe: Universe,
    key: dg.AssetKey,
    deps: list[dg.AssetKey | dg.AssetDep],
    table: str,
    columns: list[dg.TableColumn],
    text: str,
) -> dg.AssetSpec:
    kinds = {"talib" if table != "price_bars" else "polars", "postgres"}
    return dg.AssetSpec(key, deps=deps, skippable=True, **described(universe, table, text, kinds, columns))


def _bars_columns(timeframe: Timeframe) -> list[dg.TableColumn]:
    return [
        dg.TableColumn("instrument_id", "integer", description="Key into instruments"),
        dg.TableColumn("timeframe", "text", description=timeframe.value),
        dg.TableColumn("ts", "timestamptz", description="Start of the interval (UTC)"),
        *(
            dg.TableColumn(name, "double", description="Raw, as the bars it was built from")
            for name in ("open", "high", "low", "close")
        ),
        dg.TableColumn("volume", "bigint", description="Sum of the parts"),
        dg.TableColumn("status", "text", description="final, or provisional while the interval is open"),
        dg.TableColumn("built_from", "text", description="Timeframe of the parts"),
        dg.TableColumn("parts", "integer", description="How many parts there were"),
        dg.TableColumn("expected_parts", "integer", description="How many the calendar expects"),
    ]


def _indicator_columns() -> list[dg.TableColumn]:
    return [
        dg.TableColumn("instrument_id", "integer", description="Key into instruments"),
        dg.TableColumn("timeframe", "text", description="5m, 1h, 4h, 1d, 1w or 1mo"),
        dg.TableColumn("ts", "timestamptz", description="Start of the bar (UTC)"),
        *(
            dg.TableColumn(
                name, "double", description=f"{meaning[0].upper()}{meaning[1:]}; null until warmed up"
            )
            for name, meaning in MEANINGS.items()
        ),
    ]


def _signal_columns() -> list[dg.TableColumn]:
    return [
        dg.TableColumn("instrument_id", "integer", description="Key into instruments"),
        dg.TableColumn("definition", "text", description=" or ".join(NAMES)),
        dg.TableColumn("pattern", "text", description="As its definition numbers it, e.g. 2-2"),
        dg.TableColumn("direction", "text", description="SELL, BUY or NEUTRAL"),
        dg.TableColumn("ts", "timestamptz", description="Start of the 5-minute bar on which it began (UTC)"),
        dg.TableColumn("at", "timestamptz", description="End of that bar: from then on it was known (UTC)"),
        dg.TableColumn("close", "double", description="Price at that moment"),
        dg.TableColumn("evidence", "jsonb", description="Values that made it true, by timeframe"),
        dg.TableColumn(
            "track_record", "jsonb", description="Outcomes of this side of the pattern until then"
        ),
    ]
