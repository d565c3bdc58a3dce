"""A database that goes away while prices are collected into it."""

import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url

from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.application.ports import BarRequest, Delivery
from miraikakaku_assets.domain.errors import SourcePausedError
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe
from miraikakaku_assets.main import _as_unreachable
from miraikakaku_assets_tests.fakes.exchange import Exchange
from miraikakaku_assets_tests.support.bars.raw_bars import closes
from miraikakaku_assets_tests.support.markets.collecting import collect
from miraikakaku_assets_tests.support.markets.stored_market import listed

SYMBOLS = ("1301.T", "7203.T", "9984.T")


class Dropping(Exchange):
    """An exchange during whose second answer the database disappears."""

    database: Database
    server_url: str

    def deliver(
        self,
        universe: Universe,
        timeframe: Timeframe,
        requests: Sequence[BarRequest],
        stopping: threading.Event | None = None,
    ) -> Iterator[Delivery]:
        for number, delivery in enumerate(super().deliver(universe, timeframe, requests, stopping)):
            if number == 1:
                self.drop()
            yield delivery

    def drop(self) -> None:
        admin = create_engine(
            make_url(self.server_url).set(drivername="postgresql+psycopg2"), isolation_level="AUTOCOMMIT"
        )
        with admin.connect() as connection:
            connection.exec_driver_sql(f'DROP DATABASE "{make_url(self.database.url).database}" WITH (FORCE)')
        admin.dispose()


@pytest.fixture
def source(database: Database, server_url: str) -> Dropping:
    listed(database, *(symbol.removesuffix(".T") for symbol in SYMBOLS))
    exchange = Dropping({symbol: closes(10.0, 11.0, symbol=symbol) for symbol in SYMBOLS})
    exchange.database, exchange.server_url = database, server_url
    return exchange


def test_command_line_says_that_the_database_went_away(database: Database, source: Dropping) -> None:
    with pytest.raises(Exception, match=r"does not exist|terminat|closed|lost") as caught:
        collect(database, source)
    error = _as_unreachable(caught.value)
    assert error is not None
    assert (error.exit_code, "run the same command again" in str(error)) == (3, True)


def test_trouble_that_came_first_is_what_is_raised(database: Database, source: Dropping) -> None:
    """A paused source says when it may be asked again; the batch that cannot be closed says it beside that."""
    paused = SourcePausedError("exchange", datetime(2025, 10, 1, tzinfo=UTC), "HTTP 503")

    class Paused(Dropping):
        def deliver(self, *_: Any) -> Iterator[Delivery]:
            self.drop()
            raise paused

    late = Paused()
    late.database, late.server_url = source.database, source.server_url
    with pytest.raises(SourcePausedError) as caught:
        collect(database, late)
    (note,) = caught.value.__notes__
    assert note.startswith("The end of batch 1 was not recorded: ")
