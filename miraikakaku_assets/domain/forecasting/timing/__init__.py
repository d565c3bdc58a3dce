"""When forecasts are made, and what was known then."""
