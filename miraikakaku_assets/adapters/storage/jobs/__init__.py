"""Bulk jobs: accepted requests, the runs that did them, and who is told of their progress."""
