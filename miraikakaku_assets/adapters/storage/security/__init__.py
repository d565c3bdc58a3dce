"""Findings of the security scan, roles of the database, and how it lets people in."""
