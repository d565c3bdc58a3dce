"""Folders of backups. Put here: their layout, digests and compression. Keep out: PostgreSQL, what is kept how long."""
