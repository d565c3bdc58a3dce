"""Derived bars, indicators and signals."""
