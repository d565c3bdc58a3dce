"""The walk-through of a quality rule: daily bars and slots are refused by it, with its sentence."""

import json
from pathlib import Path

from miraikakaku_assets_tests.walkthroughs.follow import follow

DELIVERIES = """
import json
from miraikakaku_assets.domain.bars.intraday import validate_intraday
from miraikakaku_assets.domain.bars.quality_rule import BarContext
from miraikakaku_assets.domain.bars.rules import EXPECTED_RULES, RULES, SUPERSEDING_RULES
from miraikakaku_assets.domain.bars.validation import validate_daily
from miraikakaku_assets.domain.market.instruments import JP
from miraikakaku_assets_tests.support.bars import raw_bars, raw_intraday

daily = validate_daily(
    raw_bars.raw([raw_bars.bar(raw_bars.january(6), volume=0.5), raw_bars.bar(raw_bars.january(7))]),
    raw_bars.context(),
)
ticks = [raw_intraday.tick(raw_intraday.tokyo(9, 0), volume=10.5), raw_intraday.tick(raw_intraday.tokyo(9, 5))]
slots = validate_intraday(raw_intraday.raw(ticks), BarContext(JP, raw_intraday.LATER))
names = list(RULES)
print(json.dumps({
    "refused": [validated.refused.select("rule", "detail").rows() for validated in (daily, slots)],
    "accepted": [validated.accepted.height for validated in (daily, slots)],
    "before": names[names.index("fractional_volume") + 1],
    "apart": "fractional_volume" in (*EXPECTED_RULES, *SUPERSEDING_RULES),
}))
"""


def test_bars_of_any_length_are_refused_by_it(tmp_path: Path) -> None:
    checkout = follow("Adding a quality rule", tmp_path)
    report = json.loads(checkout.python("-c", DELIVERIES))
    refused = [["fractional_volume", "the volume is no whole number of shares"]]
    assert report == {"refused": [refused] * 2, "accepted": [1, 1], "before": "future_bar", "apart": False}
