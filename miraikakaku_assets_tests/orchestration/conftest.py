"""One simulated exchange per module, one installation per test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from miraikakaku_assets_tests.integration.simulator_client import Simulated, simulated
from miraikakaku_assets_tests.orchestration.installation import Installation, installed, last_evening


@pytest.fixture(scope="module")
def quiet_exchange() -> Iterator[Simulated]:
    with simulated(symbols=8, us_symbols=0, now=last_evening()) as running:
        yield running


@pytest.fixture
def exchange(quiet_exchange: Simulated) -> Iterator[Simulated]:
    """The exchange, without the faults of other tests."""
    quiet_exchange.set_faults()
    yield quiet_exchange
    quiet_exchange.set_faults()


@pytest.fixture
def installation(
    exchange: Simulated, installed_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Installation]:
    with installed(exchange, installed_url, tmp_path, monkeypatch) as ready:
        yield ready
