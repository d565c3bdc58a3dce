"""Backups and the search for damage in Dagster. Put here: assets, jobs, schedules. Keep out: how a backup is made."""
