"""Directories of the US exchanges, and what a vendor adds to them."""
