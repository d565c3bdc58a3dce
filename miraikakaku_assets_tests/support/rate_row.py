"""The row that all users of one request rate share, as if time had passed: its clock is the database's."""

from miraikakaku_assets.adapters.storage.engine import Database

_MOMENTS = ("next_free", "rate_since", "blocked_until", "paused_until", "trial_until", "leaves_at")


def time_passes(database: Database, seconds: float) -> None:
    """Moves every moment that the row remembers into the past; nobody has to wait for a pause to end."""
    moved = ", ".join(f"{name} = {name} - interval '1 second' * {seconds}" for name in _MOMENTS)
    with database.engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE miraikakaku.rate_limits SET {moved}")
