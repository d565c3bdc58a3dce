"""What checks of stored data work with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from miraikakaku_assets.application.ports.quality import QualityPorts
    from miraikakaku_assets.bootstrap.installation import Installation
    from miraikakaku_assets.bootstrap.stores import Stores


@dataclass(frozen=True)
class Quality:
    """Checks of stored data."""

    installation: Installation
    stores: Stores

    @cached_property
    def checks(self) -> QualityPorts:
        """Batches, results and Great Expectations, which is imported when a suite runs."""
        from miraikakaku_assets.adapters.quality import GreatExpectations
        from miraikakaku_assets.adapters.storage.quality.store import PostgresQuality
        from miraikakaku_assets.application.ports.quality import QualityPorts

        return QualityPorts(
            PostgresQuality(self.installation.database),
            self.stores.bars,
            GreatExpectations(),
            self.installation.clock,
            self.installation.settings.quality_retention_days,
        )
