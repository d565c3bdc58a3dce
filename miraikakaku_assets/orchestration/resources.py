"""Resources: shells around the composition root."""

import dagster as dg

from miraikakaku_assets.bootstrap import Ports, ports
from miraikakaku_assets.orchestration.abandoned import process_tags


class PortsResource(dg.ConfigurableResource):  # type: ignore[type-arg] # it is its own value
    """The ports of this installation (database, sources, shelves), made from the settings."""

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Writes down which process does the run: whoever starts a run does not know it."""
        if context.run is not None and context.instance is not None:
            context.instance.add_run_tags(context.run.run_id, process_tags(context.run.run_id))

    @property
    def use(self) -> Ports:
        """The ports of this process."""
        return ports()
