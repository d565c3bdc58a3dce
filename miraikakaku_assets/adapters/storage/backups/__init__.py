"""Copies of the database, and damage in it. Put here: what PostgreSQL's own programs do. Keep out: folders of backups."""
