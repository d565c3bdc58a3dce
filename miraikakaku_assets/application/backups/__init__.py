"""Use cases about backups: making, restoring, listing, looking for damage. Keep out: SQL, files."""
