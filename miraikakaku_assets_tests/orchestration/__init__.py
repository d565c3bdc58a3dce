"""The Dagster code location: graph, runs, schedules, sensors."""
