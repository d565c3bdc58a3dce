"""Use cases of coverage: which bars are missing, and why."""
