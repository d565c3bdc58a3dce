"""Copies of the database, and damage in it. Put here: what PostgreSQL's programs do. Keep out: folders."""
