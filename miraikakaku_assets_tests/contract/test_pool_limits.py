"""Pools follow the default of ``dagster.yaml`` wherever it goes, and limits that somebody has set stay."""

from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from miraikakaku_assets.orchestration.instance.pools import follow_default_limits
from miraikakaku_assets_tests.support.installations.instance_scenarios import (
    pooled_config,
    schema_url,
    stock_config,
    write_dagster_yaml,
)


@pytest.mark.parametrize("config", [stock_config, pooled_config])
def test_a_new_default_counts_for_pools_without_a_limit_of_their_own(
    config: Any, database_url: str, tmp_path: Path
) -> None:
    url, limits = schema_url(database_url, "dagster"), list[dict[str, int]]()
    for default in (2, 6, 2, 2):
        pools = {"pools": {"granularity": "run", "default_limit": default}}
        write_dagster_yaml(tmp_path, config(url), concurrency=pools)
        with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
            books = instance.event_log_storage
            if not limits:
                books.initialize_concurrency_limit_to_default("yahoo")  # as the first run of a pool does
                books.set_concurrency_slots("westmetall", 1)
            follow_default_limits(instance)
            limits.append({pool.name: pool.limit for pool in books.get_pool_limits()})
            free = {name: books.get_concurrency_info(name).slot_count for name in limits[-1]}
            assert free == limits[-1]
    assert limits == [{"yahoo": default, "westmetall": 1} for default in (2, 6, 2, 2)]
