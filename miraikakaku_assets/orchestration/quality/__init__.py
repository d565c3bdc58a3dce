"""Checks of stored data as asset checks. How they judge belongs to `application.quality` and `domain.quality`."""
