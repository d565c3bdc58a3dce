"""A whole installation inside the test's process: database, Dagster instance, simulated exchange."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from miraikakaku_assets import bootstrap
from miraikakaku_assets.application.ports import Clock
from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.bootstrap.installation import clock_of
from miraikakaku_assets.domain.market.instruments import JP, Timeframe
from miraikakaku_assets.domain.market.sessions import sessions_back
from miraikakaku_assets.orchestration.build import build_defs
from miraikakaku_assets.orchestration.instance.home import open_instance
from miraikakaku_assets.orchestration.partitions import partitions_name, partitions_of
from miraikakaku_assets.settings import Settings
from miraikakaku_assets_tests.fakes.simulated import Simulated
from miraikakaku_assets_tests.support.markets.workbooks import PRIME, line, workbook
from miraikakaku_assets_tests.support.moments import last_evening

PRICES = dg.AssetKey(["jp", "prices_1d"])
COVERAGE = dg.AssetKey(["jp", "coverage"])
MASTER = dg.AssetKey(["jp", "stock_master"])
CODES = ("7203", "1301", "1306", "6758", "9984", "130A", "8951")
"""Issues that every simulated world holds, with a bar for each session."""
SYMBOLS = sorted(f"{code}.T" for code in CODES)
SESSIONS = 40
"""Sessions of history that an installation asks for."""


def history_start() -> str:
    """First day of the newest `SESSIONS` sessions."""
    return sessions_back("XTKS", last_evening().date(), SESSIONS - 1).isoformat()


def listed(codes: Sequence[str], day: str = "20250930", **markets: str) -> bytes:
    """JPX's list with these issues; `markets` names those outside the Prime market, as ``_1306="ETF・ETN"``."""
    return workbook(
        line(
            float(code) if code.isdigit() else code, f"銘柄{code}", markets.get(f"_{code}", PRIME), float(day)
        )
        for code in codes
    )


@dataclass
class Installation:
    """What a test works with."""

    ports: Ports
    instance: dg.DagsterInstance
    definitions: dg.Definitions
    exchange: Simulated
    folder: Path

    def run(
        self,
        job: str,
        *,
        config: dict[str, Any] | None = None,
        tags: dict[str, str] | None = None,
        partition: str | None = None,
    ) -> dg.ExecuteInProcessResult:
        """One run of a job, as a run worker would do it."""
        return self.definitions.resolve_job_def(job).execute_in_process(
            run_config=config,
            instance=self.instance,
            tags=tags,
            partition_key=partition,
            raise_on_error=False,
        )

    def update_master(self, content: bytes, *, accept: bool = False) -> dg.ExecuteInProcessResult:
        """Materializes the stock master from a workbook."""
        path = self.folder / "data_j.xls"
        path.write_bytes(content)
        options = {"file": str(path), "accept_mass_change": accept}
        return self.run("jp_master_job", config={"ops": {"jp__stock_master": {"config": options}}})

    def collect_range(self, **window: str) -> dg.ExecuteInProcessResult:
        """One run over all partition keys."""
        keys = self.partition_keys()
        tags = {
            "dagster/asset_partition_range_start": keys[0],
            "dagster/asset_partition_range_end": keys[-1],
        }
        config = {"ops": {"jp_symbol_chain": {"config": window}}}
        return self.run("jp_prices_job", config=config, tags=tags)

    def collect_symbols(self, *symbols: str, **window: str) -> dg.ExecuteInProcessResult:
        """One run of the op job for scattered symbols."""
        options = {"symbols": list(symbols), **window}
        return self.run("jp_collect_symbols", config={"ops": {"collect_jp_symbols": {"config": options}}})

    @contextmanager
    def told(self, **options: Any) -> Iterator[None]:
        """Other settings for a while, by the same clock unless they name another moment."""
        changed = self.ports.settings.model_copy(update=options)
        ports = Ports(changed, self.ports.clock if changed.miraikakaku_now is None else clock_of(changed))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(bootstrap, "_ports", ports)
            yield
        ports.database.close()

    def partition_keys(self) -> list[str]:
        """Partition keys in the order in which ranges run."""
        return list(self.instance.get_dynamic_partitions("jp_symbols"))

    def materialize(
        self, assets: Sequence[dg.AssetKey], first: str, last: str, **options: Any
    ) -> dg.ExecuteInProcessResult:
        """One run of a range of one step's assets, as the web UI launches it from the graph."""
        step = self.definitions.resolve_assets_def(assets[0]).op.name
        return self.definitions.resolve_implicit_global_asset_job_def().execute_in_process(
            run_config={"ops": {step: {"config": options}}},
            instance=self.instance,
            tags={"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last},
            asset_selection=list(assets),
            raise_on_error=False,
        )

    def statuses(self, asset: dg.AssetKey = PRICES, timeframe: Timeframe = Timeframe.D1) -> dict[str, str]:
        """Status of each partition of an asset of Japan, as the web UI asks for it."""
        partitions = partitions_of(JP, timeframe)
        keys = list(self.instance.get_dynamic_partitions(partitions_name(JP, timeframe)))
        by_partition = self.instance.get_status_by_partition(asset, keys, partitions)
        assert by_partition is not None
        return {key: status.value if status else "MISSING" for key, status in by_partition.items()}

    def materialized(self, run_id: str) -> list[tuple[str, str | None]]:
        """Assets and partitions that a run materialized, sorted."""
        logs = self.instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
        events = [log.dagster_event for log in logs]
        return sorted(
            (event.asset_key.to_user_string(), event.partition)
            for event in events
            if event and event.asset_key
        )

    def newest(self, asset: dg.AssetKey, symbol: str | None = None) -> Any:
        """The newest materialization record of an asset or one of its partitions."""
        chosen = dg.AssetRecordsFilter(asset_key=asset, asset_partitions=[symbol] if symbol else None)
        return self.instance.fetch_materializations(chosen, limit=1).records[0]

    def metadata(self, asset: dg.AssetKey, symbol: str | None = None) -> dict[str, Any]:
        """Plain metadata of the newest materialization."""
        shown = self.newest(asset, symbol).asset_materialization.metadata
        return {name: value.value for name, value in shown.items()}

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What a query of the database answers."""
        with self.ports.database.engine.connect() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(query)]


def failure_of(result: dg.ExecuteInProcessResult) -> Any:
    """The failure that a step was ended with."""
    events = result.get_step_failure_events()
    assert len(events) == 1, [event.message for event in result.all_events]
    failure = events[0].step_failure_data.user_failure_data
    assert failure is not None, events[0].step_failure_data.error
    return failure


@contextmanager
def installed(
    exchange: Simulated,
    database_url: str,
    folder: Path,
    patch: pytest.MonkeyPatch,
    clock: Clock | None = None,
    **options: Any,
) -> Iterator[Installation]:
    """An installation of its own, by the clock of its exchange; the process forgets it afterwards."""
    values: dict[str, Any] = {
        "miraikakaku_home": folder / "home",
        "database_url": database_url,
        "yahoo_base_url": exchange.base,
        "jpx_list_url": f"{exchange.base}/jpx/data_j.xls",
        "requests_per_second": 1000.0,
        "burst_limit": 1000,
        "retry_delay": 0.01,
        "max_retries": 1,
        "history_start": history_start(),
        **options,
    }
    for name in ("DAGSTER_HOME", "MIRAIKAKAKU_HOME", "DAGSTER_DISABLE_TELEMETRY", "DAGSTER_EVENT_BATCH_SIZE"):
        patch.setenv(name, "")  # remembered, so that what opening the instance sets is taken back
        patch.delenv(name)
    patch.setattr(bootstrap, "_ports", None)
    ports = bootstrap.use(Settings(_env_file=None, **values), clock or (lambda: exchange.moment))
    _ = ports.database
    with open_instance(ports.settings) as instance:
        yield Installation(ports, instance, build_defs(), exchange, folder)
    ports.database.close()
