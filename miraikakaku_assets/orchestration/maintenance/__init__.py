"""Maintenance in Dagster. Put here: its jobs and schedules. Keep out: what leaves when."""
