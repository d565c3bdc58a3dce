"""Prices: every symbol ends as a materialization or as a failure, each with its own numbers."""

import base64
import io
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import dagster as dg
import pytest
from matplotlib.image import imread

from miraikakaku_assets.application.collection.collect_prices import collect_prices
from miraikakaku_assets.application.collection.report import CollectionReport
from miraikakaku_assets.application.collection.request import CollectionPorts
from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.market.instruments import JP, Timeframe
from miraikakaku_assets.orchestration.prices.assets import chain_keys
from miraikakaku_assets_tests.support.installations.installation import (
    CODES,
    PRICES,
    SESSIONS,
    SYMBOLS,
    Installation,
    failure_of,
    listed,
)
from miraikakaku_assets_tests.support.markets.collecting import requested
from miraikakaku_assets_tests.support.moments import last_evening

pytestmark = pytest.mark.slow

UNKNOWN_TO_YAHOO = "2999"  # no issue of the simulated world
NOT_LISTED = "4321.T"  # in no list


@pytest.fixture
def market(listed_market: Installation) -> Installation:
    return listed_market


def observations(market: Installation) -> list[dict[str, Any]]:
    """Metadata of all observations, newest first."""
    records = market.instance.fetch_observations(PRICES, limit=100).records
    return [
        {name: value.value for name, value in record.asset_observation.metadata.items()}  # type: ignore[union-attr]
        for record in records
    ]


def test_a_symbol_that_fails_fails_alone_and_a_retry_of_it_clears_its_mark(market: Installation) -> None:
    kinds = {"1306.T": "server_error", "6758.T": "unreadable_answer", "7203.T": "not_on_source"}
    market.exchange.set_faults("500@1306.T", "html@6758.T", "404@7203.T")

    run = market.collect_range()

    stored_run = market.instance.get_run_by_id(run.run_id)
    assert stored_run is not None
    assert stored_run.status is dg.DagsterRunStatus.FAILURE
    failure = failure_of(run)
    assert re.fullmatch(
        r"3 of 7 symbols failed, the others are stored; see batch \d+ in batch_execution_details",
        failure.description,
    )
    assert failure.metadata["failed_symbols"].value == 3
    sentences = failure.metadata["first_failures"].value
    assert {symbol: sentence.rpartition("[")[2] for symbol, sentence in sentences.items()} == {
        symbol: f"{kind}]" for symbol, kind in kinds.items()
    }
    assert market.statuses() == {
        symbol: "FAILED" if symbol in kinds else "MATERIALIZED" for symbol in SYMBOLS
    }
    for symbol in set(SYMBOLS) - set(kinds):
        shown = market.metadata(PRICES, symbol)
        assert shown["status"] == "ok"
        assert shown["inserted"] == stored_bars(market)[symbol]
        assert shown["last_session"] == str(last_evening().date())
    assert set(stored_bars(market)) == set(SYMBOLS) - set(kinds)
    totals = observations(market)[0]
    assert totals["symbols"] == 7
    assert totals["failed_symbols"] == 3
    assert totals["verdicts"] == {"ok": 4, "not_on_source": 1, "server_error": 1, "unreadable_answer": 1}
    assert (
        totals["rows_read"]
        == totals["inserted"] + totals["restated"] + totals["unchanged"] + totals["quarantined"]
    )

    market.exchange.set_faults()
    retry = market.collect_symbols(*sorted(kinds))

    assert retry.success
    assert set(market.statuses().values()) == {"MATERIALIZED"}
    assert {market.newest(PRICES, symbol).run_id for symbol in kinds} == {retry.run_id}
    assert set(stored_bars(market)) == set(SYMBOLS)


def stored_bars(market: Installation) -> dict[str, int]:
    query = "SELECT symbol, count(*) FROM miraikakaku.price_bars JOIN miraikakaku.instruments ON id = instrument_id"
    return dict(market.rows(f"{query} GROUP BY symbol"))


def test_symbols_without_a_single_bar_are_named_and_stay_missing_with_all_that_is_derived_of_them(
    installation: Installation,
) -> None:
    codes = (*CODES, "25935", UNKNOWN_TO_YAHOO)  # a symbol without bars, and one that Yahoo does not know
    without = {"25935.T": "never_delivered", f"{UNKNOWN_TO_YAHOO}.T": "not_on_source"}
    installation.update_master(listed(codes, **{f"_{UNKNOWN_TO_YAHOO}": "PRO Market"}))
    keys = installation.partition_keys()
    chain = chain_keys(JP, Timeframe.D1)

    for _ in range(2):  # collected again, they are no better
        assert installation.materialize(chain, keys[0], keys[-1]).success

        expected = {key: "MISSING" if key in without else "MATERIALIZED" for key in keys}
        assert [installation.statuses(asset) for asset in chain] == [expected] * len(chain)
        totals = observations(installation)[0]
        assert (totals["symbols"], totals["failed_symbols"], totals["symbols_without_bars"]) == (9, 0, 2)
        assert totals["first_without_bars"] == without
    # Nor do they look better when they are analysed without being collected.
    assert installation.materialize(chain[1:], keys[0], keys[-1]).success
    assert installation.statuses(chain[-1]) == expected


def test_doing_it_again_changes_no_bar_and_says_so_for_each_symbol(market: Installation) -> None:
    contents = "SELECT * FROM miraikakaku.price_bars ORDER BY instrument_id, ts"
    assert market.collect_range().success
    before = market.rows(contents)

    again = market.collect_range()

    assert again.success
    assert market.rows(contents) == before
    assert len(before) == len(SYMBOLS) * SESSIONS
    for symbol in SYMBOLS:
        shown = market.metadata(PRICES, symbol)
        assert (shown["status"], shown["inserted"], shown["restated"]) == ("no_new_data", 0, 0)
        assert shown["unchanged"] == market.ports.settings.restatement_sessions


def test_two_collections_at_once_share_the_symbols_and_both_tell_the_truth(market: Installation) -> None:
    start = threading.Barrier(2)

    def collection(ports: Ports) -> CollectionReport:
        request = requested(ports.database, ports.sources.prices)
        parts = CollectionPorts(
            ports.sources.prices, ports.stores.bars, ports.stores.ledger, ports.clock, ports.stores.claims
        )
        start.wait()
        return collect_prices(request, parts, lambda _: None)

    other = Ports(market.ports.settings, market.ports.clock)
    with closing(other.database), ThreadPoolExecutor(2) as pool:
        reports = list(pool.map(collection, (market.ports, other)))

    for report in reports:
        assert (report.symbols, report.failures, report.without_bars) == (7, {}, {})
        assert set(report.verdicts) <= {"ok", "no_new_data", "reused"}
        assert report.balanced
    assert sum(report.inserted for report in reports) == sum(stored_bars(market).values()) > 0


def test_a_delisted_issue_keeps_its_key_and_is_materialized_as_delisted(market: Installation) -> None:
    rest = [code for code in CODES if code != "6758"]
    assert market.update_master(listed(rest, "20251031"), accept=True).success

    run = market.collect_range()

    assert run.success
    assert set(market.statuses().values()) == {"MATERIALIZED"}
    assert market.metadata(PRICES, "6758.T")["status"] == "delisted"
    assert "6758.T" not in stored_bars(market)


def test_an_unknown_symbol_is_named_and_the_others_are_stored(market: Installation) -> None:
    run = market.collect_symbols("7203.T", NOT_LISTED)

    assert not run.success
    failure = failure_of(run)
    assert failure.description.startswith("1 of 2 symbols failed")
    assert failure.metadata["first_failures"].value == {
        NOT_LISTED: f"{NOT_LISTED}: it is in no stock master of jp; correct it or update the master [not_in_master]"
    }
    assert set(stored_bars(market)) == {"7203.T"}
    verdicts = (
        "SELECT symbol, status, verdict, error_class FROM miraikakaku.batch_execution_details ORDER BY symbol"
    )
    assert market.rows(verdicts) == [
        (NOT_LISTED, "failed", "not_in_master", "permanent"),
        ("7203.T", "completed", "ok", None),
    ]


def test_one_partition_launched_like_the_web_ui_does_carries_a_chart(market: Installation) -> None:
    run = market.run("jp_prices_job", partition="7203.T")

    assert run.success
    assert market.newest(PRICES, "7203.T").run_id == run.run_id
    assert set(market.statuses().items()) >= {("7203.T", "MATERIALIZED"), ("1301.T", "MISSING")}
    markdown = market.metadata(PRICES, "7203.T")["chart"]
    title, picture = re.fullmatch(r"!\[(.*)\]\(data:image/png;base64,(.*)\)", markdown).groups()  # type: ignore[union-attr]
    pixels = imread(io.BytesIO(base64.b64decode(picture, validate=True)), format="png")
    assert title == "7203.T, last 250 bars"
    assert pixels.shape[0] > 200
    assert pixels.shape[1] > 400
    assert float(pixels.std()) > 0.05  # something is drawn
    assert len(picture) < 100_000


def test_a_large_run_says_how_far_it_is_and_carries_no_charts(
    market: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("miraikakaku_assets.orchestration.prices.collection.CHARTED_SYMBOLS", 3)
    market.exchange.set_faults("404@7203.T")

    market.collect_range()

    seen = observations(market)
    assert seen[0]["symbols"] == 7
    assert seen[1] == {"done": 7, "total": 7, "failed": 1}
    assert "chart" not in market.metadata(PRICES, "1301.T")


@pytest.mark.parametrize(
    ("window", "sentence"),
    [
        ({"since": "gestern"}, "since 'gestern' is not a date like 2025-01-06"),
        ({"until": "2025-02-30"}, "until '2025-02-30' is not a date like 2025-01-06"),
        ({"since": "2025-02-02", "until": "2025-02-01"}, "since 2025-02-02 is after until 2025-02-01"),
    ],
)
def test_a_wrong_window_in_the_launchpad_is_refused_in_a_sentence(
    market: Installation, window: dict[str, str], sentence: str
) -> None:
    failure = failure_of(market.collect_symbols("7203.T", **window))

    assert failure.description == sentence
    assert failure.metadata["exit_code"].value == 2
    assert market.rows("SELECT count(*) FROM miraikakaku.batch_executions") == [(0,)]


def test_a_window_bounds_what_is_stored(market: Installation) -> None:
    first, last = market.ports.settings.history_start, str(last_evening().date())

    assert market.collect_symbols("7203.T", since=first, until=first).success

    assert stored_bars(market) == {"7203.T": 1}
    shown = market.metadata(PRICES, "7203.T")
    assert shown["first_session"] == shown["last_session"] == first != last


def test_a_source_that_cannot_be_reached_fails_the_run_with_its_sentence_and_exit_code(
    market: Installation,
) -> None:
    with market.told(yahoo_base_url="http://127.0.0.1:9", max_retries=0):
        failure = failure_of(market.collect_range())

    assert failure.description.startswith("Yahoo at http://127.0.0.1:9 cannot be reached")
    assert failure.metadata["exit_code"].value == 3
    assert set(market.statuses().values()) == {"FAILED"}
    batches = market.rows("SELECT status, processed_stocks FROM miraikakaku.batch_executions")
    assert batches == [("failed", 0)]
