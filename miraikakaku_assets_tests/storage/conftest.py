"""What Dagster's own tests expect of the project that collects them."""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Dagster marks one of its tests for a plugin that is not needed here; an unknown mark is an error."""
    config.addinivalue_line("markers", "flaky: set by Dagster in its own tests")
