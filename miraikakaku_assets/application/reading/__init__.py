"""Use cases of those who only read: bars, indicators, signals and scores as tables. What makes them lives elsewhere."""
