"""Fault points are armed where prices are simulated, and nowhere else."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from miraikakaku_assets.adapters.storage.collection.price_origin import PostgresOrigin
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.errors import ConfigurationError, DependencyUnavailableError
from miraikakaku_assets.domain.market.origin import REAL, PriceOrigin
from miraikakaku_assets.fault_points import Order, arm, armed, fault_point
from miraikakaku_assets.settings import Settings

SIMULATED = PriceOrigin(simulated=True, exchange="--seed 7")


@pytest.fixture(autouse=True)
def _unarmed_afterwards() -> Iterator[None]:
    yield
    arm(None)


def opened(url: str, home: Path, faults: str = "bars.after_commit:raise") -> Ports:
    ports = Ports(
        Settings(_env_file=None, database_url=url, miraikakaku_home=home, miraikakaku_faults=faults)
    )
    _ = ports.opened
    return ports


def test_simulated_prices_may_be_endangered(database: Database, database_url: str, tmp_path: Path) -> None:
    PostgresOrigin(database).claim(SIMULATED)
    opened(database_url, tmp_path).close()
    in_force = armed()
    assert in_force is not None
    assert in_force.orders == (Order("bars.after_commit", "raise"),)
    fault_point("bars.before_commit")
    opened(database_url, tmp_path).close()
    assert armed() is in_force, "who opens the database twice has passed what it has passed"
    with pytest.raises(DependencyUnavailableError):
        fault_point("bars.after_commit")


@pytest.mark.parametrize("mark", [None, REAL])
def test_others_are_refused(
    database: Database, database_url: str, tmp_path: Path, mark: PriceOrigin | None
) -> None:
    if mark is not None:
        PostgresOrigin(database).claim(mark)
    with pytest.raises(ConfigurationError, match=r"MIRAIKAKAKU_FAULTS .* marked as simulated"):
        opened(database_url, tmp_path)
    assert armed() is None


def test_an_empty_database_is_refused(database_url: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="marked as simulated"):
        opened(database_url, tmp_path)


def test_nothing_is_armed_without_an_order(database: Database, database_url: str, tmp_path: Path) -> None:
    PostgresOrigin(database).claim(SIMULATED)
    opened(database_url, tmp_path, "").close()
    assert armed() is None
