"""Dagster's instance: storage, connections, home, orphaned runs, batched events. No asset and no job."""
