"""Trainings, forecasts, outcomes and scores."""
