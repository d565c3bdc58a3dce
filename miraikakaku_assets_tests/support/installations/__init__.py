"""Whole installations: command line, Dagster instance, simulated exchange."""
