"""Resources: shells around the composition root."""

import dagster as dg
from dagster._core.storage.runs import SqliteRunStorage

from miraikakaku_assets.bootstrap import Ports, ports
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.orchestration.instance.orphaned_runs import process_tags


class PortsResource(dg.ConfigurableResource):  # type: ignore[type-arg] # it is its own value
    """The ports of this installation (database, sources, shelves), made from the settings."""

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Writes down which process does the run: whoever starts a run does not know it.

        Raises:
            ConfigurationError: The run is on another Dagster instance than this installation's: `miraikakaku up`
                would not see what it did, and with a temporary one it would be lost.
        """
        if context.instance is not None and isinstance(context.instance.run_storage, SqliteRunStorage):
            raise ConfigurationError(
                "This Dagster instance keeps its runs in files of its own, not in this installation's database; "
                "start it with `miraikakaku up`, or `dagster dev` in the checkout without DAGSTER_HOME"
            )
        if context.run is not None and context.instance is not None:
            context.instance.add_run_tags(context.run.run_id, process_tags(context.run.run_id))

    @property
    def use(self) -> Ports:
        """The ports of this process."""
        return ports()
