"""Durable execution: the same steps recorded by Dagster with our storage and by DBOS, and taken up after a kill."""
