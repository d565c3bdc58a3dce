"""Collection and analysis of a symbol as one step: what each key ends as, and what each part asks for."""

import base64
import io
import re
from typing import Any

import dagster as dg
import pytest
from matplotlib.image import imread

from miraikakaku_assets.domain.market.instruments import JP, Timeframe
from miraikakaku_assets.orchestration.partitions import register_keys
from miraikakaku_assets.orchestration.prices.assets import chain_keys
from miraikakaku_assets_tests.fakes.simulated import read
from miraikakaku_assets_tests.support.installations.installation import (
    PRICES,
    SESSIONS,
    SYMBOLS,
    Installation,
    failure_of,
)

pytestmark = pytest.mark.slow

DAILY, WATCHED = chain_keys(JP, Timeframe.D1), chain_keys(JP, Timeframe.M5)
WEEKS, MONTHS, INDICATORS = DAILY[1:]
HOURS, PATTERNS = WATCHED[1], WATCHED[3]


FEW = 2


@pytest.fixture
def market(listed_market: Installation, monkeypatch: pytest.MonkeyPatch) -> Installation:
    for where in ("analysis.run", "prices.collection"):  # fewer pictures to draw
        monkeypatch.setattr(f"miraikakaku_assets.orchestration.{where}.CHARTED_SYMBOLS", FEW)
    return listed_market


def analysed(market: Installation, *assets: dg.AssetKey, **options: Any) -> dg.ExecuteInProcessResult:
    """A run of all keys, of the whole daily chain unless assets are named."""
    return market.materialize(assets or DAILY, SYMBOLS[0], SYMBOLS[-1], **options)


def names(*assets: dg.AssetKey) -> list[str]:
    return [asset.to_user_string() for asset in assets]


def requests(market: Installation) -> int:
    """Charts that were asked for since the last time."""
    return int(read(market.exchange.post("requests", {}))["charts"])


def derived(market: Installation) -> dict[str, list[tuple[Any, ...]]]:
    """What was derived, of each symbol, without the moment at which it was."""
    bars = """SELECT symbol, timeframe, ts, open, high, low, close, volume, status, parts, expected_parts
              FROM miraikakaku.price_bars JOIN miraikakaku.instruments ON id = instrument_id
              WHERE built_from IS NOT NULL ORDER BY symbol, timeframe, ts"""
    indicators = """SELECT symbol, values.* FROM miraikakaku.technical_indicators AS values
                    JOIN miraikakaku.instruments ON id = instrument_id ORDER BY symbol, timeframe, ts"""
    return {"bars": market.rows(bars), "indicators": market.rows(indicators)}


def pixels(markdown: str) -> Any:
    """The picture in a run's metadata."""
    image = re.fullmatch(r"!\[.*\]\(data:image/png;base64,(.*)\)", markdown)
    assert image is not None, markdown[:100]
    assert len(image[1]) < 100_000
    return imread(io.BytesIO(base64.b64decode(image[1], validate=True)), format="png")


def test_a_symbol_that_fails_is_red_throughout_and_holds_up_no_other(market: Installation) -> None:
    market.exchange.set_faults("500@1306.T")
    keys = {
        "dagster/asset_partition_range_start": SYMBOLS[0],
        "dagster/asset_partition_range_end": SYMBOLS[-1],
    }

    run = market.run("jp_daily_job", tags=keys)

    assert failure_of(run).description.startswith("1 of 7 symbols failed, the others are stored")
    stored_run = market.instance.get_run_by_id(run.run_id)
    assert stored_run is not None
    assert stored_run.status is dg.DagsterRunStatus.FAILURE
    good = [symbol for symbol in SYMBOLS if symbol != "1306.T"]
    assert market.materialized(run.run_id) == sorted(
        (asset, symbol) for asset in names(*DAILY) for symbol in good
    )
    for asset in DAILY:  # and what is not materialized has failed: no key is left without a word
        assert market.statuses(asset) == dict.fromkeys(SYMBOLS, "MATERIALIZED") | {"1306.T": "FAILED"}

    market.exchange.set_faults()
    assert market.run("jp_daily_job", tags=keys).success
    assert all(set(market.statuses(asset).values()) == {"MATERIALIZED"} for asset in DAILY)
    assert {symbol for symbol, *_ in derived(market)["indicators"]} == set(SYMBOLS)


def test_indicators_alone_are_computed_without_asking_the_source(market: Installation) -> None:
    assert market.collect_range().success
    requests(market)

    run = analysed(market, INDICATORS)

    assert run.success
    assert requests(market) == 0
    assert market.materialized(run.run_id) == [("jp/indicators", symbol) for symbol in SYMBOLS]
    shown = market.metadata(INDICATORS, "7203.T")
    rows = {name: shown[name] for name in ("rows_1d", "rows_1w", "rows_1mo")}
    assert shown["status"] == "ok"
    assert rows["rows_1d"] == SESSIONS
    assert shown["rows_written"] == sum(rows.values())
    counted = """SELECT 'rows_' || timeframe, count(*) FROM miraikakaku.technical_indicators
                 JOIN miraikakaku.instruments ON id = instrument_id WHERE symbol = '7203.T' GROUP BY 1"""
    assert dict(market.rows(counted)) == rows
    batches = market.rows("SELECT count(*) FROM miraikakaku.batch_executions")
    assert batches == [(1,)]


def test_a_second_run_computes_nothing_unless_told_to(market: Installation) -> None:
    assert analysed(market).success
    first = derived(market)
    weeks = [row for row in first["bars"] if row[:2] == ("7203.T", "1w")]
    assert len(weeks) >= SESSIONS / 5
    requests(market)

    assert analysed(market, INDICATORS, WEEKS).success
    idle = market.metadata(INDICATORS, "7203.T"), market.metadata(WEEKS, "7203.T")
    assert analysed(market, INDICATORS, WEEKS, again=True).success
    anew = market.metadata(INDICATORS, "7203.T"), market.metadata(WEEKS, "7203.T")

    assert requests(market) == 0
    assert [metadata["status"] for metadata in (*idle, *anew)] == ["up_to_date", "up_to_date", "ok", "ok"]
    assert (idle[1]["rows_written"], anew[1]["rows_written"]) == (0, len(weeks))
    assert (idle[0]["rows_written"], anew[0]["rows_1d"]) == (0, SESSIONS)
    assert derived(market) == first


def test_a_run_of_few_symbols_shows_their_indicators_and_one_of_many_does_not(
    market: Installation,
) -> None:
    assert market.materialize(DAILY, *SYMBOLS[:FEW]).success
    picture = pixels(market.metadata(INDICATORS, "1301.T")["chart"])
    assert picture.shape[0] > 200
    assert picture.shape[1] > 400
    assert float(picture.std()) > 0.05  # something is drawn
    assert "chart" not in market.metadata(WEEKS, "1301.T")
    assert "newest_final_bar" in market.metadata(MONTHS, "1301.T")

    assert analysed(market, INDICATORS, again=True).success
    assert "chart" not in market.metadata(INDICATORS, "1301.T")


def test_the_watched_are_followed_from_five_minutes_to_patterns(market: Installation) -> None:
    watched = ["6758.T", "7203.T"]
    register_keys(market.instance, "jp_intraday", watched)
    assert market.collect_symbols(*watched).success

    run = market.materialize(WATCHED, *watched)

    assert run.success, failure_of(run)
    assert market.materialized(run.run_id) == sorted(
        (asset, symbol) for asset in names(*WATCHED) for symbol in watched
    )
    assert {key for asset in WATCHED for key in market.statuses(asset, Timeframe.M5).items()} == {
        (symbol, "MATERIALIZED") for symbol in watched
    }
    held = market.rows("SELECT timeframe, count(*) FROM miraikakaku.price_bars GROUP BY 1")
    bars = dict(held)
    assert set(bars) == {"1d", "5m", "1h", "4h"}
    assert bars["5m"] > 10 * bars["1h"] > 10 * bars["4h"] > 0
    assert market.metadata(HOURS, "7203.T")["rows_written"] == bars["1h"] / 2
    signals = dict(
        market.rows(
            """SELECT symbol, count(*)::int FROM miraikakaku.pattern_signals
               JOIN miraikakaku.instruments ON id = instrument_id GROUP BY 1"""
        )
    )
    assert {symbol: market.metadata(PATTERNS, symbol)["new_signals"] for symbol in signals} == signals
    assert pixels(market.metadata(PATTERNS, "7203.T")["chart"]).std() > 0.05


def test_what_is_derived_from_nothing_does_not_look_as_if_it_were_there(market: Installation) -> None:
    run = analysed(market, INDICATORS)

    assert run.success
    assert market.materialized(run.run_id) == []
    seen = [event.message for event in run.all_events]
    observed = market.instance.fetch_observations(INDICATORS, limit=1).records[0].asset_observation
    assert observed is not None
    assert observed.metadata["verdicts"].value == {"no_bars": len(SYMBOLS)}, seen


def test_the_job_for_any_list_of_symbols_leaves_the_same_events(market: Installation) -> None:
    assert market.collect_range().success
    options = {"symbols": ["7203.T", "9984.T"], "timeframe": "1d"}

    run = market.run("jp_analyze_symbols", config={"ops": {"analyze_jp_symbols": {"config": options}}})

    assert run.success
    assert market.materialized(run.run_id) == sorted(
        (asset, symbol) for asset in names(*DAILY[1:]) for symbol in options["symbols"]
    )
    assert PRICES not in {event.asset_key for event in run.all_events}
    mistyped = {"symbols": ["7203.T", "7230.T", "AAPL"]}
    unknown = market.run("jp_analyze_symbols", config={"ops": {"analyze_jp_symbols": {"config": mistyped}}})
    assert failure_of(unknown).description == (
        "Nothing was analysed of symbols that are in no stock master of jp: 7230.T, AAPL; "
        "correct them or update the master"
    )
    assert {symbol for _, symbol in market.materialized(unknown.run_id)} == {"7203.T"}
    refused = market.run(
        "jp_analyze_symbols", config={"ops": {"analyze_jp_symbols": {"config": {"timeframe": "1w"}}}}
    )
    assert failure_of(refused).metadata["exit_code"].value == 2
