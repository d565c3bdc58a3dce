"""How large batches and pools of workers may be, between a lowest size and the one that the settings name."""

from dataclasses import dataclass

from miraikakaku_assets.domain.operations.thresholds import DATABASE_CONNECTION, MEMORY, Level, Threshold


@dataclass(frozen=True)
class AdjustableSize:
    """A size that is lowered while what it burdens is in danger, and raised again afterwards.

    Attributes:
        setting: Name of the setting, as in the environment.
        lowest: Smallest size that is ever chosen.
        burdens: Figure of the health checks whose danger lowers it.
    """

    setting: str
    lowest: int
    burdens: Threshold

    def next_size(self, current: int, configured: int, peak: float | None) -> int:
        """The size for the coming hour.

        Halved in danger, doubled up to the configured size in normal hours, left alone in between and while nothing is
        known: halving needs one bad hour, and the way back as many good ones, so that it does not swing.

        Args:
            current: Size in force.
            configured: Size that the settings name; never exceeded, and kept where it is below `lowest`.
            peak: Highest value of the figure within the last hour; None where it was not measured.
        """
        bounded = min(current, configured)
        if peak is None:
            return bounded
        level = self.burdens.level(peak)
        if level is Level.DANGER:
            return min(configured, max(self.lowest, bounded // 2))
        return min(configured, bounded * 2) if level is Level.NORMAL else bounded


SIZES = (AdjustableSize("BATCH_SIZE", 10, MEMORY), AdjustableSize("MAX_WORKERS", 2, DATABASE_CONNECTION))
"""A batch is held in memory until it is stored; every worker takes connections for its requests' rate and records."""
