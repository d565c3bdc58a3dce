"""Maintenance of the tables. Put here: which rows leave, and what of them stays. Keep out: when they do."""
