"""What checks of stored data work with."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from miraikakaku_assets.bootstrap.stores import Stores

if TYPE_CHECKING:
    from miraikakaku_assets.application.ports.quality import QualityPorts


class Quality(Stores):
    """Checks of stored data."""

    @cached_property
    def quality(self) -> QualityPorts:
        """Batches, results and Great Expectations, which is imported when a suite runs."""
        from miraikakaku_assets.adapters.quality import GreatExpectations
        from miraikakaku_assets.adapters.storage.quality.store import PostgresQuality
        from miraikakaku_assets.application.ports.quality import QualityPorts

        return QualityPorts(
            PostgresQuality(self.database),
            self.bars,
            GreatExpectations(),
            self.clock,
            self.settings.quality_retention_days,
        )
