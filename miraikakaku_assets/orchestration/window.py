"""The window of dates a run may be given. Put here: its config. Keep out: what the dates mean to a use case."""

from datetime import date

import dagster as dg

from miraikakaku_assets.domain.errors import ConfigurationError


class WindowConfig(dg.Config):
    """First and last session, exchange dates."""

    since: str | None = None
    """First session, YYYY-MM-DD."""
    until: str | None = None
    """Last session, YYYY-MM-DD."""

    def dates(self) -> tuple[date | None, date | None]:
        """The dates, None for one that is not given.

        Raises:
            ConfigurationError: One is no date, or the first is after the last.
        """
        first, last = _day("since", self.since), _day("until", self.until)
        if first and last and first > last:
            raise ConfigurationError(f"since {first} is after until {last}")
        return first, last


def _day(name: str, value: str | None) -> date | None:
    try:
        return date.fromisoformat(value) if value else None
    except ValueError:
        raise ConfigurationError(f"{name} {value!r} is not a date like 2025-01-06") from None
