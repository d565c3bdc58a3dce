"""Composition root: settings → concrete ports. Dagster, the command line and other faces get theirs here.

Nothing is opened before it is used; importing this package costs no more than the settings.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from miraikakaku_assets.adapters.files.whole_file import whole_file
from miraikakaku_assets.bootstrap.backups import Backups
from miraikakaku_assets.bootstrap.forecasting import Forecasting
from miraikakaku_assets.bootstrap.installation import Installation, clock_of, stop_server, utc_now
from miraikakaku_assets.bootstrap.log_file import open_log
from miraikakaku_assets.bootstrap.notices import Notices
from miraikakaku_assets.bootstrap.operations import Operations
from miraikakaku_assets.bootstrap.quality import Quality
from miraikakaku_assets.bootstrap.roles import NarrowRoles, Role
from miraikakaku_assets.bootstrap.security import Security
from miraikakaku_assets.bootstrap.serving import Serving
from miraikakaku_assets.bootstrap.sources import Sources, price_vendors
from miraikakaku_assets.bootstrap.stores import Stores
from miraikakaku_assets.bootstrap.watching import Watching
from miraikakaku_assets.settings import Settings, settings

if TYPE_CHECKING:
    from datetime import timedelta

    from miraikakaku_assets.adapters.sources.vendor import PriceVendor
    from miraikakaku_assets.application.copper.collect_curve import CurvePorts
    from miraikakaku_assets.application.pipeline import PipelinePorts
    from miraikakaku_assets.application.ports import Clock

__all__ = [
    "Ports",
    "Role",
    "dagster_storage_url",
    "ports",
    "price_vendor",
    "price_vendors",
    "renew",
    "stop_server",
    "use",
    "utc_now",
    "whole_file",
]


@dataclass(frozen=True)
class Ports(Installation):
    """One installation and its rooms, each made when first asked for.

    It is an installation rather than having one: settings, clock and database belong to no room. Rooms are handed the
    installation and the rooms they build on, never the ports. They are cached beside the fields instead of being
    fields, so that a copy with other settings (`dataclasses.replace`) has rooms of its own.
    """

    @cached_property
    def stores(self) -> Stores:
        """Tables and folders."""
        return Stores(self)

    @cached_property
    def sources(self) -> Sources:
        """Published lists and prices."""
        return Sources(self)

    @cached_property
    def notices(self) -> Notices:
        """Alerts, cycles and the channels of notifications."""
        return Notices(self, self.stores)

    @cached_property
    def forecasting(self) -> Forecasting:
        """Models, forecasts and their scores."""
        return Forecasting(self)

    @cached_property
    def backups(self) -> Backups:
        """Backups, cold bars, the search for damage and maintenance."""
        return Backups(self)

    @cached_property
    def security(self) -> Security:
        """The security scan, its findings and upgraded locks."""
        return Security(self, self.notices)

    @cached_property
    def watching(self) -> Watching:
        """What watchers look at, and whom they tell."""
        return Watching(self, self.stores, self.sources, self.notices, self.backups, self.security)

    @cached_property
    def operations(self) -> Operations:
        """Health, heartbeats, metrics and reviews."""
        return Operations(self, self.stores, self.sources, self.notices, self.backups)

    @cached_property
    def quality(self) -> Quality:
        """Checks of stored data."""
        return Quality(self, self.stores)

    @cached_property
    def roles(self) -> NarrowRoles:
        """Narrow roles of the database."""
        return NarrowRoles(self)

    @cached_property
    def serving(self) -> Serving:
        """What the API asks, over one event loop."""
        return Serving(self, self.roles)

    @cached_property
    def for_reading(self) -> Ports:
        """The same installation through connections of its own in the role that reads; see `narrow_settings`."""
        return replace(self, settings=self.roles.narrow_settings(Role.READER))

    @property
    def pipeline(self) -> PipelinePorts:
        """What the stages of a pipeline need beside their runs."""
        from miraikakaku_assets.application.pipeline import PipelinePorts

        def pause_left() -> timedelta | None:
            # By the database's clock, also in a rehearsal.
            until = self.sources.rate_limiter.state().resume_at
            return None if until is None else until - utc_now()

        named = self.settings.named_symbols
        forecasts, curve = self.forecasting.forecasts, self.sources.has_curve_sources
        return PipelinePorts(self.stores.masters, named, forecasts, pause_left, self.clock, curve)

    @property
    def curve_collection(self) -> CurvePorts:
        """What collecting the copper curve needs."""
        from miraikakaku_assets.application.copper.collect_curve import CurvePorts

        return CurvePorts(self.sources.curve_sources, self.stores.curve, self.clock)


_ports: Ports | None = None


def ports() -> Ports:
    """The ports of this process."""
    return use(settings()) if _ports is None else _ports


def use(chosen: Settings, clock: Clock | None = None, receiver: str = "") -> Ports:
    """Makes these settings the ones of this process (the demo brings its own), and this clock instead of theirs.

    Args:
        chosen: The settings.
        clock: Where the time comes from; None for the clock that the settings name.
        receiver: See `Installation.receiver`.
    """
    return _in_force(Ports(chosen, clock or clock_of(chosen), receiver))


def renew(installation: Ports, quota: int | None = None) -> Ports:
    """Makes the same installation the one of this process with nothing opened: a server that was restarted has moved.

    Args:
        installation: Which.
        quota: See `Installation.quota`; None for the one it has.
    """
    return _in_force(replace(installation, quota=installation.quota if quota is None else quota))


def _in_force(installation: Ports) -> Ports:
    global _ports  # noqa: PLW0603 - one composition root per process
    _ports = installation
    open_log(installation.settings)
    return installation


def price_vendor() -> PriceVendor:
    """The record of the price source that the settings of this process name; nothing is opened for it."""
    return price_vendors()[settings().miraikakaku_price_source]


def dagster_storage_url() -> str:
    """SQLAlchemy URL of the schema in which Dagster keeps runs, events and schedules."""
    return ports().database.dagster_url
