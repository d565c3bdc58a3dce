"""Rules of markets, bars, indicators, patterns and forecasts, as pure functions and values.

No clock, no file, no network, no database, no framework: what is needed comes in as an argument.
"""
