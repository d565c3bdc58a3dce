"""Arms the fault points that the settings name, where prices are simulated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from miraikakaku_assets.domain.errors import ConfigurationError, DependencyUnavailableError
from miraikakaku_assets.fault_points import Faults, arm, armed, parse_orders

if TYPE_CHECKING:
    from miraikakaku_assets.adapters.storage.engine import Database
    from miraikakaku_assets.settings import Settings


def arm_faults(settings: Settings, database: Database) -> None:
    """Puts the orders of MIRAIKAKAKU_FAULTS in force in this process; those already in force keep their counts.

    Raises:
        ConfigurationError: The installation is not marked as simulated.
        DependencyUnavailableError: The database cannot be reached.
    """
    orders, folder = parse_orders(settings.miraikakaku_faults), settings.home / "faults"
    in_force = armed()
    if in_force is not None and (in_force.orders, in_force.folder) == (orders, folder):
        return
    if not _is_simulated(database):
        raise ConfigurationError(
            "MIRAIKAKAKU_FAULTS makes processes fail on purpose and is for installations that are marked as simulated, "
            f"which {database.shown} is not; unset it"
        )
    arm(Faults(orders, folder, DependencyUnavailableError))


def _is_simulated(database: Database) -> bool:
    from sqlalchemy.exc import ProgrammingError

    from miraikakaku_assets.adapters.storage.collection.price_origin import PostgresOrigin

    database.check()
    try:
        mark = PostgresOrigin(database).read()
    except ProgrammingError:  # its tables are not there
        return False
    return mark is not None and mark.simulated
