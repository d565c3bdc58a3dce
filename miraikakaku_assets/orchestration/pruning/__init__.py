"""The job that removes old events of Dagster's event log. Nothing of ours is deleted here."""
