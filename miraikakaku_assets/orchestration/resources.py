"""Resources: shells around the composition root. No behaviour lives here."""

import dagster as dg

from miraikakaku_assets.bootstrap import Ports, ports


class PortsResource(dg.ConfigurableResource):  # type: ignore[type-arg] # it is its own value
    """The ports of this installation (database, sources, shelves), made from the settings."""

    @property
    def use(self) -> Ports:
        """The ports of this process."""
        return ports()
