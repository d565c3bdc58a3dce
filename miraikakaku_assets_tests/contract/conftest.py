"""A database with today's tables, fresh for each test."""

from collections.abc import Iterator

import pytest

from miraikakaku_assets.adapters.storage.engine import Database


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)  # the tables are there, see `database_url`
    yield opened
    opened.close()
