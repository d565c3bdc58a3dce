"""The REST API inside the test's process, over real HTTP and a real database."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.faces.api.app import build_api
from miraikakaku_assets.faces.api.keys import keys_of
from miraikakaku_assets.faces.api.server import KEEP_ALIVE_SECONDS, PatientProtocol
from miraikakaku_assets.settings import Settings
from miraikakaku_assets_tests.support.moments import NOW
from miraikakaku_assets_tests.support.patience import PATIENCE, until

NOWHERE = "http://127.0.0.1:9"
"""An address where no Dagster answers: what is accepted stays for the sensor."""


@dataclass(frozen=True)
class Api:
    """A running API.

    Attributes:
        ports: Of the installation.
        port: On 127.0.0.1.
        client: Asks it.
    """

    ports: Ports
    port: int
    client: httpx.Client

    @property
    def web_socket(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.client.get(path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.client.post(path, **options)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What a query of the database answers."""
        with self.ports.opened.engine.connect() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(query)]

    def execute(self, statement: str) -> None:
        """Changes something behind the API's back."""
        with self.ports.opened.engine.begin() as connection:
            connection.exec_driver_sql(statement)

    def list_issues(self, *issues: tuple[str, str, str, str]) -> None:
        """Puts issues into the masters: universe, code, Yahoo symbol and name."""
        for universe, code, symbol, name in issues:
            self.execute(
                "INSERT INTO miraikakaku.instruments (symbol, universe, kind, currency, price_unit, calendar)"
                f" VALUES ('{symbol}', '{universe}', 'stock', 'JPY', 'JPY per share', 'XTKS')"
            )
            self.execute(
                "INSERT INTO miraikakaku.stock_master (instrument_id, universe, exchange, stock_code, stock_name,"
                " market_category, security_type, sector, yahoo_symbol, first_list_date, last_list_date)"
                f" SELECT id, '{universe}', 'X', '{code}', '{name}', 'プライム（内国株式）', 'stock', '輸送用機器',"
                f" '{symbol}', '2025-01-06', '2025-01-06' FROM miraikakaku.instruments WHERE symbol = '{symbol}'"
            )


@contextmanager
def serving(folder: Path, database_url: str, **options: Any) -> Iterator[Api]:
    """An API of these settings."""
    chosen = {
        "miraikakaku_home": folder / "home",
        "database_url": database_url,
        "dagster_url": NOWHERE,
        "rate_limit_per_minute": 1_000_000,
    }
    settings = Settings(_env_file=None, **(chosen | options))  # type: ignore[arg-type]
    with served(Ports(settings, lambda: NOW)) as api:
        yield api


@contextmanager
def served(ports: Ports) -> Iterator[Api]:
    """An API of an installation."""
    listener = socket.create_server(("127.0.0.1", 0))
    port: int = listener.getsockname()[1]
    app = build_api(ports, keys_of(ports.settings))
    config = uvicorn.Config(
        app,
        http=PatientProtocol,
        ws="websockets-sansio",
        log_level="warning",
        access_log=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    until(lambda: server.started or not thread.is_alive())
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE) as client:
            yield Api(ports, port, client)
    finally:
        server.should_exit = True
        thread.join(PATIENCE)
        ports.opened.close()
