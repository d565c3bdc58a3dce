"""Prices of one instrument: days, five minutes, splits."""
