"""The rule by which answers for language models are measured, against what tokenizers have counted."""

import json
from typing import Any

import pytest

from miraikakaku_assets.faces.mcp.answers import most_tokens

NAMES = ("トヨタ自動車", "極洋", "三菱ＵＦＪフィナンシャル・グループ", "鴻池運輸", "霞ヶ関キャピタル")
BARS = [
    [f"2025-{month:02}-{day:02}", 2987.5 + day, 3010.5 + month, 2950.0, 3001.5, 18_234_500 + day]
    for month in range(1, 4)
    for day in range(6, 28)
]
RETURNS = [[round(0.0123457 * n, 7), round(-1.2345678 / (n + 1), 7)] for n in range(60)]
GAPS = [
    [f"{1300 + n}.T", NAMES[n % 5], "プライム（内国株式）", "after_last_bar", 2, "2025-01-09"]
    for n in range(60)
]


@pytest.mark.parametrize(
    ("rows", "counted"),
    [
        # cl100k_base and o200k_base with tiktoken 0.14.0, Anthropic's published tokenizer with tokenizers 0.23.3
        (BARS, (2113, 2113, 2172)),
        (RETURNS, (713, 713, 702)),
        (GAPS, (2450, 2197, 2636)),
    ],
    ids=["prices", "returns", "Japanese names"],
)
def test_no_tokenizer_counts_more_than_the_rule(rows: Any, counted: tuple[int, ...]) -> None:
    text = json.dumps(rows, ensure_ascii=False, separators=(",", ":"))

    assert max(counted) <= most_tokens(text) <= 1.5 * max(counted)


def test_every_character_counts() -> None:
    assert [most_tokens(text) for text in ("", "1234", "abcd", "a1,b", " \n", "極", "極洋")] == [
        0,
        2,
        1,
        4,
        0,
        2,
        3,
    ]
