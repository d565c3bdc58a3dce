"""Which gaps are repaired. Loads no Polars: faces ask for repairs from processes that have none."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from miraikakaku_assets.domain.coverage.causes import CAUSES, PERMANENT
from miraikakaku_assets.domain.errors import ConfigurationError


@dataclass(frozen=True)
class RepairSelection:
    """Which gaps are repaired.

    Attributes:
        symbols: None stands for all.
        causes: None stands for all that a request may fill.
        since: Sessions before it are left alone.
        until: Sessions after it are left alone.
        limit: At most so many gaps, the newest first; 0 for all.
        force: Also ask for what no request is expected to fill.

    Raises:
        ConfigurationError: A cause does not exist, or is permanent and not forced.
    """

    symbols: Sequence[str] | None = None
    causes: Sequence[str] | None = None
    since: date | None = None
    until: date | None = None
    limit: int = 0
    force: bool = False

    def __post_init__(self) -> None:
        for cause in self.causes or ():
            if cause not in CAUSES:
                raise ConfigurationError(f"There is no cause {cause!r}; causes: {', '.join(CAUSES)}")
            if cause in PERMANENT and not self.force:
                raise ConfigurationError(
                    f"Gaps with the cause {cause} are not asked for again ({CAUSES[cause]}); --force does it"
                )
