"""Ports of what pages and programs read in one statement. Keep out: what stages of the work read and write."""
