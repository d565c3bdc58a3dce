"""Prices: every symbol ends as a materialization or as a failure, each with its own numbers."""

import base64
import io
import re
from datetime import date

import dagster as dg
import pytest
from matplotlib.image import imread

from miraikakaku_assets_tests.orchestration.installation import (
    CODES,
    PRICES,
    SESSIONS,
    SYMBOLS,
    Installation,
    failure_of,
    history_start,
    last_evening,
    listed,
)

PRO_MARKET = "PRO Market"
UNKNOWN_TO_YAHOO = "2999"  # not an issue of the simulated world


@pytest.fixture
def market(installation: Installation) -> Installation:
    assert installation.update_master(listed(CODES)).success
    return installation


def test_failed_symbols_fail_alone_and_a_retry_clears_their_marks(market: Installation) -> None:
    market.exchange.set_faults("404@7203.T", "500@1306.T", "html@6758.T")
    failing = {"7203.T": "not_on_source", "1306.T": "server_error", "6758.T": "unreadable_answer"}

    run = market.collect_range()

    assert not run.success
    assert market.instance.get_run_by_id(run.run_id).status is dg.DagsterRunStatus.FAILURE  # type: ignore[union-attr]
    failure = failure_of(run)
    assert failure.description.startswith("3 of 7 symbols failed, the others are stored; see batch ")
    first = failure.metadata["first_failures"].value
    assert {symbol: sentence[-len(kind) - 2 :] for (symbol, sentence), kind in zip(
        first.items(), failing.values(), strict=False
    )} == {}
