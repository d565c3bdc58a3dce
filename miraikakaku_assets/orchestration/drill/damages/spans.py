"""Spans that the clocks of damages are made of."""

from datetime import timedelta

from miraikakaku_assets.application.drill.frame import STEP

WATCHED = 5 * STEP
"""A watch a minute, a group wait, and room for a slow round."""
QUARTER = 15 * STEP
QUARTER_DAY = timedelta(hours=6)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
WEEK = timedelta(days=7)
