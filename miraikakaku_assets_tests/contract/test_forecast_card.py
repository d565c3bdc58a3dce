"""The newest forecast of an instrument, and the record of a model, as pages show them; on a real database."""

from math import exp

import pytest

from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.application.reading.forecast_card import forecast_card
from miraikakaku_assets.application.reading.model_record import model_record
from miraikakaku_assets.domain.forecasting.bands import QUANTILES
from miraikakaku_assets.domain.market.instruments import JP
from miraikakaku_assets_tests.support.forecasts.stored_forecasts import (
    DAYS,
    LATER,
    MADE,
    forecasts,
    outcomes,
    store,
)
from miraikakaku_assets_tests.support.markets.stored_market import listed

CODES = tuple(str(code) for code in range(1301, 1326))
SYMBOLS = tuple(f"{code}.T" for code in CODES)


def test_a_card_and_a_record_tell_what_is_stored(database: Database) -> None:
    listed(database, *CODES)
    held = store(database)
    assert forecast_card(JP, "1301.T", held) is None
    made = forecasts(SYMBOLS, ("ensemble",), DAYS[:30], missing=["1302.T"])
    held.save_predictions(JP, made, MADE)
    held.save_outcomes(JP, outcomes(SYMBOLS, DAYS[:29], until=DAYS[29]), LATER)

    card = forecast_card(JP, "1301.T", held)
    assert card is not None
    assert (card.as_of, card.made_at, card.ranked, len(card.fan)) == (DAYS[29], MADE, 24, 5)
    row = made.filter(symbol="1301.T", as_of=DAYS[29], horizon=1).row(0, named=True)
    first = card.fan[0]
    assert first.median == pytest.approx(row["close"] * exp(row["point"]))
    assert list(first.quantiles) == list(QUANTILES)
    assert first.quantiles[0.975] == pytest.approx(row["close"] * exp(row["quantiles"][8]), rel=1e-5)
    low, high = first.bands[0.80]
    assert low < row["close"] * exp(row["point"]) < high
    assert first.edge == "優位性なし"
    assert 0 < first.beyond[0.05] < first.beyond[0.01] < 1
    next_session = (
        made.filter(as_of=DAYS[29], horizon=1)
        .drop_nulls("point")
        .sort("point", descending=True)["symbol"]
        .to_list()
    )
    assert card.rank == 1 + next_session.index("1301.T")
    assert card.skill is not None
    assert (card.skill.days, card.skill.until) == (29, DAYS[29])

    silent = forecast_card(JP, "1302.T", held)
    assert silent is not None
    assert (silent.rank, silent.skill, silent.fan[0].median, silent.fan[0].reason) == (
        None,
        None,
        None,
        "too_short",
    )

    record = model_record(JP, held, DAYS[29])
    assert record.forecasts == 24 * 29
    assert record.ranks["as_of"].to_list() == DAYS[:29]
    assert record.rank.mean == pytest.approx(record.ranks["ic"].mean())
    assert record.calls["calls"].to_list()[-1] == 24 * 29
    assert 0 < (record.crps or 0) < 0.1
    assert (record.champion, record.weights) == (None, None)
