"""Batches of stored rows that suites judge, and what was found."""
