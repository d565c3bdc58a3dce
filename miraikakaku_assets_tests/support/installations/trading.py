"""Currencies that trade: an installation in which a test lets time pass, five minutes at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from miraikakaku_assets.orchestration.resources import PortsResource
from miraikakaku_assets_tests.fakes.simulated import Simulated, read
from miraikakaku_assets_tests.support.installations.installation import Installation, installed

EURO, DOLLAR = "EURUSD=X", "USDJPY=X"
PAIRS = (EURO, DOLLAR)
WEDNESDAY = datetime(2026, 11, 18, 19, 12, 30, tzinfo=UTC)
"""Mid-session, two and a half minutes before the simulated euro shows pattern 6, SELL, of high priority."""
CYCLE = timedelta(minutes=5)


@dataclass
class Trading:
    """An installation, and the clock that it and its exchange go by."""

    exchange: Simulated
    now: datetime = WEDNESDAY
    site: Installation = field(init=False)

    def passes(self, time: timedelta = CYCLE) -> None:
        """Lets time pass, here and at the exchange."""
        self.now += time
        self.exchange.set_clock(self.now)

    def cycle(self, *pairs: str) -> dg.ExecuteInProcessResult:
        """One cycle over both pairs, or over those named, as one starts it by hand."""
        return self.site.run(
            "fx_cycle_job", config={"ops": {"fx_cycle_op": {"config": {"symbols": list(pairs or PAIRS)}}}}
        )

    def requests(self) -> dict[str, int]:
        """Requests since the last time, by kind."""
        kinds: dict[str, int] = read(self.exchange.post("requests", {}))["kinds"]
        return kinds

    def tick(self, schedule: str = "fx_cycle") -> Any:
        """Result of a schedule at this moment."""
        repository = self.site.definitions.get_repository_def()
        with dg.build_schedule_context(
            instance=self.site.instance,
            scheduled_execution_time=self.now,
            repository_def=repository,
            resources={"ports": PortsResource()},
        ) as context:
            return repository.get_schedule_def(schedule).evaluate_tick(context)

    def sensor(self, name: str) -> Any:
        """Result of a sensor at this moment."""
        repository = self.site.definitions.get_repository_def()
        with dg.build_sensor_context(
            instance=self.site.instance, repository_def=repository, resources={"ports": PortsResource()}
        ) as context:
            return repository.get_sensor_def(name).evaluate_tick(context)

    def log(self) -> list[tuple[Any, ...]]:
        """Cycles, oldest first: symbols, of them succeeded, whether it ended, error."""
        query = (
            "SELECT symbols, succeeded, ended_at IS NOT NULL, error FROM miraikakaku.cycle_log ORDER BY id"
        )
        return self.site.rows(query)

    def standing(self) -> dict[str, str]:
        """Key → severity of each standing alert."""
        standing = self.site.ports.notices.alerts.listed(only_standing=True)
        return {alert.key: alert.severity.value for alert in standing if alert.kind == "cycle"}

    def bars(self) -> set[tuple[Any, ...]]:
        """Every stored bar and the transaction that has written it."""
        query = """SELECT symbol, timeframe, ts, status, price_bars.xmin::text
                   FROM miraikakaku.price_bars JOIN miraikakaku.instruments ON id = instrument_id"""
        return set(self.site.rows(query))


@contextmanager
def trading(
    exchange: Simulated, database_url: str, folder: Path, patch: pytest.MonkeyPatch, **options: Any
) -> Iterator[Trading]:
    """An installation for two pairs."""
    market = Trading(exchange)
    exchange.set_clock(market.now)
    exchange.set_faults()
    settings = {"fx_pairs": ",".join(PAIRS), "history_start": "2025-06-02", **options}
    with installed(exchange, database_url, folder, patch, lambda: market.now, **settings) as site:
        market.site = site
        yield market
    exchange.set_faults()


@dataclass(frozen=True)
class Loaded:
    """What the first cycle leaves: the name of its database, and the requests it took."""

    database: str
    requests: dict[str, int]
