"""Alerts and the outbox of notifications."""
