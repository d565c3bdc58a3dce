"""The window of dates a run may be given. Put here: its config. Keep out: what the dates mean to a use case."""

import dagster as dg

from miraikakaku_assets.domain.market.window import Window, read_window


class WindowConfig(dg.Config):
    """First and last session, exchange dates."""

    since: str | None = None
    """First session, YYYY-MM-DD."""
    until: str | None = None
    """Last session, YYYY-MM-DD."""

    def dates(self) -> Window:
        """The dates, None for one that is not given; see `read_window` for the errors."""
        return read_window(self.since, self.until)
