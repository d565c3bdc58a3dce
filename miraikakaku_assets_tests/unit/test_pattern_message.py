"""The message about a signal holds its evidence and its track record, and no advice."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miraikakaku_assets.application.analysis.signal_message import pattern_message
from miraikakaku_assets.domain.market.instruments import Timeframe
from miraikakaku_assets.domain.patterns.definitions import NAMES, definition_of, labels_ja
from miraikakaku_assets_tests.support.markets.signal_alerts import DETAILS, RECORD


def message(universe: str = "jp", **changed: Any) -> str:
    return pattern_message(universe, DETAILS | changed)[1]


def test_the_whole_message() -> None:
    title, text = pattern_message("jp", DETAILS)
    assert title == "【売り】強力なトレンド転換シグナル 7203.T"
    assert text == (
        "時刻: 2026-11-20 15:30 JST\n"
        "価格: 2,812.5円\n"
        "方向: 売り / 優先度: 高 / パターン1(v2)\n"
        "\n"
        "根拠\n"
        "・日足: RSI(3本の最大) 68.21、MACDヒストグラム -1.23456、1本前のヒストグラム 0.4\n"
        "・4時間足: RSI(3本の最大) 71.4、高値と+2σの差(3本の最大) 3.5\n"
        "・1時間足: 終値 2,812.5、+2σ 2,830.25\n"
        "・5分足: 1本前のRSI 66.1、上ヒゲの割合 62%\n"
        "\n"
        "これまでの実績(全銘柄、n=25、19日分)\n"
        "・的中率 56% (14/25)、95%信頼区間 37%〜73%。偶然(50%)と区別できません\n"
        "・平均 +0.12% / 直近10回(右が最新) ○×○○×○○××○\n"
        "・結果は翌立会日の終値まで、同じ期間の市場平均(最大4123銘柄)を差し引いた値\n"
        "\n"
        "※ 過去の記録であり、売買の助言ではありません。"
    )


@pytest.mark.parametrize("record", [None, {}, RECORD | {"n": 0, "hits": None, "hit_rate": None}])
def test_without_a_record_it_says_so(record: object) -> None:
    assert "実績なし" in message(track_record=record)
    assert "的中率" not in message(track_record=record)


def test_a_record_that_chance_does_not_explain_is_not_called_chance() -> None:
    clear = RECORD | {"low": 0.52, "high": 0.71}
    assert "偶然" not in message(track_record=clear)


def test_a_side_that_points_nowhere_has_no_hits() -> None:
    neutral = {"hits": None, "hit_rate": None, "low": None, "high": None, "last_ten": [0.011, -0.02]}
    text = message(direction="NEUTRAL", priority="LOW", track_record=RECORD | neutral)
    assert "方向: 様子見 / 優先度: 低" in text
    assert "的中率なし" in text
    assert "直近2回(右が最新) +1.1% -2.0%" in text


def test_currencies_have_their_own_horizon_and_targets() -> None:
    record = RECORD | {
        "horizon": "72 five-minute bars",
        "adjustment": "none: an instrument without a market, whose own drift is taken as 0",
    }
    text = message(
        "fx",
        symbol="USDJPY=X",
        close=149.234,
        take_profit_pips=-50,
        stop_pips=30,
        definition="v1",
        track_record=record,
    )
    assert "価格: 149.234\n" in text
    assert "利確: -50 pips (148.734) / 損切り: +30 pips (149.534)" in text
    assert "5分足72本(6時間)後まで、市場調整なし" in text
    assert "pips" not in message()


def test_the_currency_is_that_of_the_universe_and_an_index_has_points() -> None:
    assert "価格: 230.5ドル\n" in message("us", symbol="AAPL", close=230.5)
    assert "価格: 6,800.25\n" in message("us", symbol="^GSPC", close=6800.25)


def test_every_value_that_a_pattern_reads_has_a_name() -> None:
    read = set()
    for definition in map(definition_of, NAMES):
        for timeframe in Timeframe:
            for name in definition.names_read(timeframe):
                read |= {name, definition.features[name].twin or name}
    assert len(read) > 20
    assert all(labels_ja()[name][0] for name in read)
    assert {name for name in read if labels_ja()[name][1]} == {"upper_wick_share", "lower_wick_share"}


def test_evidence_may_be_text_or_of_a_column_nobody_knows() -> None:
    assert message(evidence=json.dumps(DETAILS["evidence"])) == message()
    assert "・5分足: something_new 0.00001234" in message(evidence={"m5.something_new": 0.00001234})
    assert "・日足: RSI なし" in message(evidence={"d1.rsi_14": None})


@pytest.mark.parametrize("broken", [{"evidence": [1]}, {"close": "much"}, {"at": "yesterday"}])
def test_details_of_another_form_are_refused(broken: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError)):
        message(**broken)


def test_missing_details_are_refused() -> None:
    with pytest.raises(KeyError):
        message("nowhere")
    with pytest.raises(KeyError):
        pattern_message("jp", {name: value for name, value in DETAILS.items() if name != "close"})


@given(
    st.dictionaries(st.sampled_from(sorted(labels_ja())), st.floats(-1e9, 1e9), max_size=len(labels_ja())),
    st.sampled_from(["SELL", "BUY", "NEUTRAL"]),
)
def test_it_fits_into_one_message_and_has_no_exponent(values: dict[str, float], direction: str) -> None:
    evidence = {
        f"{short}.{name}": value for short in ("d1", "h4") for name, value in list(values.items())[:8]
    }
    title, text = pattern_message("jp", DETAILS | {"evidence": evidence, "direction": direction})
    assert len(title) + len(text) < 1900
    assert "e-" not in text
    assert "e+" not in text
