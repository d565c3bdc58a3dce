"""Use cases that bring bars in and account for every row. What is derived from bars belongs to `analysis`."""
