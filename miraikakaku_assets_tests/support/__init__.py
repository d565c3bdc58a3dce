"""Helpers that prepare what tests look at: databases, bars, markets, installations, commands."""
