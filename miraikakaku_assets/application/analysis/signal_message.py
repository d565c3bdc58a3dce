"""The message about a pattern signal, in Japanese, from the details of its alert.

It says what was seen and how often this side of the pattern was right before; it never says what to do.
"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from miraikakaku_assets.domain.market.instruments import UNIVERSES
from miraikakaku_assets.domain.patterns.definitions import labels_ja
from miraikakaku_assets.domain.percent import percent_ja
from miraikakaku_assets.domain.tokyo_time import TOKYO

PIP = 0.01
"""JPY per USD; take-profit and stop exist for USD/JPY alone."""

_DIRECTIONS = {"SELL": "売り", "BUY": "買い", "NEUTRAL": "様子見"}
_PRIORITIES = {"HIGH": "高", "MEDIUM": "中", "LOW": "低"}
_TIMEFRAMES = {"d1": "日足", "h4": "4時間足", "h1": "1時間足", "m5": "5分足"}
_HORIZONS = {"next session": "翌立会日の終値まで", "72 five-minute bars": "5分足72本(6時間)後まで"}
_COMPARED = re.compile(r"mean move of up to (\d+) symbols")
_COIN = 0.5
_CLOSING = "※ 過去の記録であり、売買の助言ではありません。"


def pattern_message(universe: str | None, details: Mapping[str, object]) -> tuple[str, str]:
    """Title and text of the message about a signal.

    Args:
        universe: Name of the universe of its symbol.
        details: ``symbol``, ``pattern``, ``name_ja``, ``direction``, ``priority``, ``at`` (ISO 8601 with offset),
            ``close`` (in the instrument's unit), ``evidence`` (timeframe and column → value), ``definition``, and if
            there are any ``track_record`` (a row of `track_record`), ``take_profit_pips`` and ``stop_pips``.

    Raises:
        KeyError: One of them is missing, or there is no such universe.
        ValueError: One of them has another form.
    """
    symbol, close = str(details["symbol"]), _float(details["close"])
    direction = _DIRECTIONS.get(str(details["direction"]), str(details["direction"]))
    at = datetime.fromisoformat(str(details["at"])).astimezone(TOKYO)
    title = f"【{direction}】{details['name_ja']} {symbol}"
    word = "" if symbol.startswith("^") else UNIVERSES[str(universe)].price_word  # an index has points
    priority = _PRIORITIES.get(str(details["priority"]), str(details["priority"]))
    lines = [
        f"時刻: {at:%Y-%m-%d %H:%M} JST",
        f"価格: {_price(close)}{word}",
        f"方向: {direction} / 優先度: {priority} / パターン{details['pattern']}({details['definition']})",
        *_targets(details, close),
        "",
        "根拠",
        *_evidence(details["evidence"]),
        "",
        *_record(details.get("track_record")),
        "",
        _CLOSING,
    ]
    return title, "\n".join(lines)


def _targets(details: Mapping[str, object], close: float) -> list[str]:
    names = (("利確", details.get("take_profit_pips")), ("損切り", details.get("stop_pips")))
    targets = [
        f"{name}: {_whole(pips):+d} pips ({close + _whole(pips) * PIP:.3f})"
        for name, pips in names
        if pips is not None
    ]
    return [" / ".join(targets) + " (定義に書かれた距離)"] if targets else []


def _evidence(evidence: object) -> list[str]:
    readings = json.loads(evidence) if isinstance(evidence, str) else evidence
    if not isinstance(readings, Mapping):
        raise TypeError("evidence is a JSON object")
    lines = []
    for short, name in _TIMEFRAMES.items():
        values = [
            _reading(key.partition(".")[2], value)
            for key, value in readings.items()
            if key.startswith(f"{short}.")
        ]
        if values:
            lines.append(f"・{name}: " + "、".join(values))
    return lines


def _reading(column: str, value: object) -> str:
    label, is_share = labels_ja().get(column, (column, False))
    if value is None:
        return f"{label} なし"
    number = _float(value)
    return f"{label} {percent_ja(number) if is_share else _price(number)}"


def _record(record: object) -> list[str]:
    if not isinstance(record, Mapping) or not record.get("n"):
        return ["実績なし: このパターンのこの方向には、結果の出たシグナルがまだありません。"]
    n, days = _whole(record["n"]), _whole(record["days"])
    horizon = str(record["horizon"])
    return [
        f"これまでの実績(全銘柄、n={n}、{days}日分)",
        f"・{_hits(record, n)}",
        f"・平均 {_float(record['mean']):+.2%} / 直近{_last(record)}",
        f"・結果は{_HORIZONS.get(horizon, horizon)}、{_adjustment(str(record['adjustment']))}",
    ]


def _hits(record: Mapping[str, object], n: int) -> str:
    if record.get("hit_rate") is None:
        return "的中率なし(方向を示さないパターン)"
    low, high = _float(record["low"]), _float(record["high"])
    chance = "。偶然(50%)と区別できません" if low <= _COIN <= high else ""
    rate = f"的中率 {percent_ja(_float(record['hit_rate']))} ({_whole(record['hits'])}/{n})"
    return f"{rate}、95%信頼区間 {percent_ja(low)}〜{percent_ja(high)}{chance}"


def _last(record: Mapping[str, object]) -> str:
    outcomes = record["last_ten"]
    if not isinstance(outcomes, Sequence):
        raise TypeError("last_ten is a list of outcomes")
    if record.get("hit_rate") is None:
        shown = " ".join(f"{_float(outcome):+.1%}" for outcome in outcomes)
    else:
        shown = "".join("○" if _float(outcome) > 0 else "×" for outcome in outcomes)
    return f"{len(outcomes)}回(右が最新) {shown}"


def _adjustment(words: str) -> str:
    compared = _COMPARED.search(words)
    if compared:
        return f"同じ期間の市場平均(最大{compared[1]}銘柄)を差し引いた値"
    return "市場調整なし" if words.startswith("none") else words


def _price(value: float) -> str:
    """Up to six significant digits, never an exponent, full digits above a million."""
    if abs(value) >= 1e6:  # noqa: PLR2004
        return f"{value:,.0f}"
    if value != 0 and abs(value) < 1e-3:  # noqa: PLR2004
        return f"{value:.8f}".rstrip("0")
    return f"{value:,.6g}"


def _float(value: object) -> float:
    return float(str(value))


def _whole(value: object) -> int:
    return int(str(value))
