"""Dagster, thin: assets, jobs, schedules, sensors and runs that are started from outside.

A body translates between Dagster and a use case; what is to be done is decided in `application`.
"""
