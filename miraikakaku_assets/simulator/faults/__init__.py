"""Faults: how they are named, and what they do to an answer."""
