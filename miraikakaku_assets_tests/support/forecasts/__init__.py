"""Panels, forecasts and scoreboards, and the contract of every forecaster."""
