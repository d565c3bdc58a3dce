"""A database with today's tables, fresh for each test."""

from collections.abc import Iterator

import pytest

from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.migrate import upgrade


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    upgrade(opened)
    yield opened
    opened.close()
