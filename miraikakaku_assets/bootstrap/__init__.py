"""Composition root: settings → concrete ports. Dagster, the command line and other faces get theirs here.

Nothing is opened before it is used; importing this package costs no more than the settings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from miraikakaku_assets.bootstrap.forecasting import Forecasting
from miraikakaku_assets.bootstrap.installation import utc_now
from miraikakaku_assets.bootstrap.sources import REACH, Sources
from miraikakaku_assets.settings import Settings, settings

if TYPE_CHECKING:
    from miraikakaku_assets.application.ports import Clock

__all__ = ["REACH", "Ports", "dagster_storage_url", "ports", "use", "utc_now"]


@dataclass(frozen=True)
class Ports(Sources, Forecasting):
    """The ports of one installation, made when first asked for."""


_ports: Ports | None = None


def ports() -> Ports:
    """The ports of this process."""
    global _ports  # noqa: PLW0603 - one composition root per process
    if _ports is None:
        _ports = Ports(settings())
    return _ports


def use(chosen: Settings, clock: Clock = utc_now) -> Ports:
    """Makes these settings, and this clock, the ones of this process (the demo brings its own)."""
    global _ports  # noqa: PLW0603 - one composition root per process
    _ports = Ports(chosen, clock)
    return _ports


def dagster_storage_url() -> str:
    """SQLAlchemy URL of the schema in which Dagster keeps runs, events and schedules."""
    return ports().database.dagster_url
