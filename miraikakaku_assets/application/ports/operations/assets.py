"""Port of the newest look at the assets of the orchestrator; faces without it read it here."""

from typing import Protocol

from miraikakaku_assets.application.monitoring.asset_health import AssetSnapshot


class AssetHealthStore(Protocol):
    """How the assets were when the orchestrator was looked at last."""

    def replace(self, snapshot: AssetSnapshot) -> None:
        """Stores a snapshot in place of an older one; a younger one stays."""

    def read(self) -> AssetSnapshot | None:
        """The newest; None while there is none."""
