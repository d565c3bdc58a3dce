"""Tests and what they share; every folder is a kind of test, see CONTRIBUTING.md."""
