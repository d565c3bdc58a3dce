"""Names of everything the validation can say about a row, with what each says.

Names are stored (``quarantined_bars``, ``quarantined_actions``, ``price_bars.flag``) and printed in reports.
"""

OTHER_SCALE = "other_scale"

RULES = {
    "not_in_master": "the symbol is in no stock master",
    "other_file_preferred": "another file of the archive holds this symbol",
    OTHER_SCALE: (
        "prices of the file are on another scale than the stored ones: adjusted for dividends or splits that it "
        "does not name; import the whole history, up to its newest bar"
    ),
    "lunch_break": "an empty row in the exchange's lunch break",
    "closing_call": "an empty row while orders are collected for the closing price",
    "closing_print": "the closing price as the source repeats it at or after the close, without a trade",
    "no_price": "the source sent a row without any price",
    "not_finite": "a price is missing, NaN or infinite",
    "not_positive": "a price is zero or negative",
    "inconsistent_range": "high and low do not enclose open and close",
    "bad_volume": "the volume is missing, negative, not finite or beyond any count of shares",
    "future_bar": "the bar has not begun yet",
    "not_a_session": "the exchange was closed on that day",
    "outside_hours": "the bar lies before the open, after the close or in the break",
    "wrong_time_zone": "the time stamp lies outside the session it is dated to",
    "off_grid": "the time stamp is no multiple of five minutes, and the bar is not the running one",
    "price_out_of_range": "no share of this exchange was ever quoted that high",
    "provisional_duplicate": "a running bar beside the official bar of its session or slot",
    "conflicting_duplicate": "two different bars claim the same session or slot",
    "duplicate_bar": "the same bar came twice",
    "stray_price": "open, high or low is ten times off the closes around it",
    "unit_error": "prices a hundred times off those before and after, as between pence and pounds",
    "split_error": "prices off those before and after by the ratio of a split of the same issue",
    "limit_undone": "the move is beyond any daily limit and the next session takes it back",
    "limit_absurd": "the move is beyond the expanded daily limit and no later session confirms it",
    "move_undone": "the price leaves by a large factor and the next bar takes it back",
    "move_absurd": "the price leaves by a very large factor and no later bar confirms it",
    "restated_away": "the source has restated its history and no longer has this session",
}
"""Rule of a refused bar → what it says, in the order in which rules are tried."""

MOVE_RULES = (
    "stray_price",
    "unit_error",
    "split_error",
    "limit_undone",
    "limit_absurd",
    "move_undone",
    "move_absurd",
)
"""Rules that judge a bar by its neighbours: what they refuse is judged again when further neighbours come."""

SUPERSEDING_RULES = ("price_out_of_range", "not_a_session", *MOVE_RULES)
"""Rules that judge a bar by its neighbours or the calendar: a stored bar equal to it is withdrawn."""

EXPECTED_RULES = ("lunch_break", "closing_call", "closing_print")
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
