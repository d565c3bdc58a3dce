"""The table of everything the validation can say about a row.

Names are stored (``quarantined_bars``, ``quarantined_actions``, ``price_bars.flag``) and printed in reports.
"""

from miraikakaku_assets.domain.bars.duplicates import DUPLICATE_RULES
from miraikakaku_assets.domain.bars.moves import NEIGHBOUR_RULES
from miraikakaku_assets.domain.bars.quality_rule import QualityRule
from miraikakaku_assets.domain.bars.row_rules import ROW_RULES

OTHER_SCALE = "other_scale"

QUALITY_RULES = (
    QualityRule("other_file_preferred", "another file of the archive holds this symbol"),
    QualityRule(
        OTHER_SCALE,
        "prices of the file are on another scale than the stored ones: adjusted for dividends or splits that it "
        "does not name; import the whole history, up to its newest bar",
    ),
    *ROW_RULES,
    *DUPLICATE_RULES,
    *NEIGHBOUR_RULES,
    QualityRule("restated_away", "the source has restated its history and no longer has this session"),
)
"""Rules by which bars are refused, in the order in which they are tried."""

RULES = {rule.name: rule.sentence for rule in QUALITY_RULES}
"""Rule of a refused bar → what it says."""

MOVE_RULES = tuple(rule.name for rule in QUALITY_RULES if rule.judges_neighbours)
"""Rules that judge a bar by its neighbours: what they refuse is judged again when further neighbours come."""

SUPERSEDING_RULES = tuple(
    rule.name for rule in QUALITY_RULES if rule.contradicts_stored or rule.judges_neighbours
)
"""Rules that judge a bar by its neighbours or the calendar: a stored bar equal to it is withdrawn."""

EXPECTED_RULES = tuple(rule.name for rule in QUALITY_RULES if rule.is_expected)
"""Rules of rows that come on every healthy day: no trouble, nothing to look into."""

BEYOND_LIMIT = "beyond_price_limit"
SPLIT_UNADJUSTED = "split_unadjusted"
UNIT_CHANGE = "unit_change"
SCALE_JUMP = "scale_jump"

OUTSIDE_RANGE = "outside_range"

FLAGS = {
    BEYOND_LIMIT: "the close moved beyond the daily price limit without a corporate action",
    SPLIT_UNADJUSTED: "prices change here by the ratio of a split: one side is not adjusted for it",
    UNIT_CHANGE: "prices change here by a factor of a hundred: one side is in another unit",
    OUTSIDE_RANGE: "open or close lies outside high and low by a few quote increments; the range was widened",
    SCALE_JUMP: "prices change here by a factor that no trading explains, and no corporate action either",
}
"""Flag of an accepted bar → what it says. A flag about a change marks the first bar on the new side."""

MOVE_FLAGS = (BEYOND_LIMIT, SPLIT_UNADJUSTED, UNIT_CHANGE, SCALE_JUMP)
"""Flags that judge a bar by its neighbours: they come and go with them."""

ACTION_RULES = {
    "bad_amount": "the dividend or split ratio is missing, not finite, zero or negative",
    "duplicate_action": "the same corporate action came twice",
    "action_twice": "the same dividend or split again, one or two sessions apart",
    "dividend_exceeds_price": "the dividend is not smaller than the price before it",
    "dividend_without_drop": "a dividend of a fifth of the price or more, and the price did not fall",
}
"""Rule of a refused corporate action → what it says, in the order in which rules are tried."""

ACTION_FLAGS = {
    "dividend_unit": "the amount is a hundred times off the dividends or price falls of the same issue",
    "dividend_before_split": "the amount fits the other dividends only when divided by the split beside it",
    "dividend_doubtful": "a large dividend, and the price hardly fell on its ex-date",
}
"""Flag of an accepted corporate action → what it says."""
