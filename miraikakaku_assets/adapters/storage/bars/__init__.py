"""Bars, corporate actions and the quarantine."""
