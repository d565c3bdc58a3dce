"""Dagster as it is watched: what rules look at is read here, from inside and from outside. Keep out: the rules."""
