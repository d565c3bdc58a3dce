"""Alembic's environment; `versions` holds the migrations, each of which stays as it was released."""
