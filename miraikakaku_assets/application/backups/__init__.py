"""Use cases about backups: making, restoring, listing, looking for damage. Keep out: PostgreSQL, files, Dagster."""
