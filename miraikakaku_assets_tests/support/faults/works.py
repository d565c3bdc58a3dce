"""Pieces of work that pass the fault points, and the small installations that they begin with."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from alembic import command as alembic
from sqlalchemy.engine import make_url

from miraikakaku_assets.adapters.storage.alerts.store import PostgresAlerts
from miraikakaku_assets.adapters.storage.collection.price_origin import PostgresOrigin
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.migrate import alembic_config
from miraikakaku_assets.application.ports.notices import Severity
from miraikakaku_assets.domain.market.origin import PriceOrigin
from miraikakaku_assets_tests.fakes.simulated import Simulated, simulated
from miraikakaku_assets_tests.fakes.webhook_receiver import Receiver, webhook_receiver
from miraikakaku_assets_tests.support.alerting.desk import condition
from miraikakaku_assets_tests.support.command import QUICK, Command
from miraikakaku_assets_tests.support.databases import EMPTY, INSTALLED, fresh_database, send_everybody_away
from miraikakaku_assets_tests.support.faults.server import ScenarioServer, output_of, scenario_server
from miraikakaku_assets_tests.support.installations.installation import CODES, history_start, listed
from miraikakaku_assets_tests.support.installations.trading import CYCLE, PAIRS, WEDNESDAY
from miraikakaku_assets_tests.support.moments import last_evening

BEFORE_NEWEST = "0022"


@dataclass(frozen=True)
class Work:
    """What is killed.

    Attributes:
        template: Name of the prepared installation that it begins with.
        scenario: Name of what is done.
        arguments: Its arguments.
        points: Fault points that it passes.
    """

    template: str
    scenario: str
    arguments: tuple[str, ...]
    points: tuple[str, ...]


WORKS = {
    "collection": Work(
        "listed",
        "command",
        ("collect", "--universe", "jp"),
        (
            *("ledger.after_begin", "ledger.before_commit", "ledger.after_commit", "ledger.before_end"),
            *("claims.after_commit", "bars.after_copy", "bars.before_commit", "bars.after_commit"),
            *("events.before_commit", "events.after_commit", "report.before_commit"),
        ),
    ),
    "collection in processes": Work(
        "listed",
        "collect_in_processes",
        ("collect", "--universe", "jp"),
        ("fetcher.after_fork", "fetcher.before_answer"),
    ),
    "master": Work(
        "listed",
        "command",
        ("master", "update", "--file", "longer.xls", "--accept-mass-change"),
        ("master.after_copy_kept", "master.before_commit", "master.after_commit"),
    ),
    "cycle": Work(
        "trading",
        "cycle",
        PAIRS,
        (
            *("cycle.after_begin", "analysis.after_copy", "analysis.before_commit", "analysis.after_commit"),
            *("cycle.before_end", "cycle.after_end", "alerts.before_plan_commit"),
        ),
    ),
    "forecasts": Work(
        "collected",
        "forecast",
        (),
        (
            *(
                "models.after_file",
                "models.after_commit",
                "forecasts.before_commit",
                "forecasts.after_commit",
            ),
            *("scores.before_commit", "scores.after_commit"),
        ),
    ),
    "lease": Work("listed", "lease", (), ("lease.after_take", "lease.before_renew")),
    "migration": Work(
        "older", "command", ("db", "upgrade"), ("migration.before_commit", "migration.after_commit")
    ),
}


@dataclass
class Grounds:
    """The prepared installations, made when first asked for, and what they reach.

    Attributes:
        server_url: PostgreSQL.
        folder: Holds their state folders.
        scenarios: Does the work.
        tokyo: Exchange of the evening.
        currencies: Exchange at which currencies trade.
        receiver: Who is told.
    """

    server_url: str
    folder: Path
    scenarios: ScenarioServer
    tokyo: Simulated
    currencies: Simulated
    receiver: Receiver
    kept: ExitStack
    prepared: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def copy(self, name: str) -> Iterator[Command]:
        """An installation like a prepared one, which is gone afterwards."""
        template = self._prepared(name)
        folder = Path(self.folder / f"copy_of_{name}")
        shutil.copytree(self.folder / name, folder)
        self.receiver.got.clear()
        with fresh_database(self.server_url, template) as url:
            yield self.command(name, folder, url)
        shutil.rmtree(folder)

    def command(self, name: str, folder: Path, url: str) -> Command:
        """The command line of such an installation."""
        trades = name == "trading"
        exchange = self.currencies if trades else self.tokyo
        return Command(folder, QUICK).with_(
            MIRAIKAKAKU_HOME=folder / "home",
            DATABASE_URL=url,
            YAHOO_BASE_URL=exchange.base,
            JPX_LIST_URL=f"{exchange.base}/jpx/data_j.xls",
            MIRAIKAKAKU_NOW=exchange.moment.isoformat(),
            HISTORY_START="2025-06-02" if trades else history_start(),
            FX_PAIRS=",".join(PAIRS),
            DISCORD_WEBHOOK_URL=self.receiver.discord,
        )

    def run(self, command: Command, scenario: str, arguments: Sequence[str]) -> int:
        """Runs a scenario with a command's folder and variables; its exit code, negative for a signal."""
        return self.scenarios.run(command.folder, command.environment, scenario, arguments)

    def _prepared(self, name: str) -> str:
        """The name of its database."""
        if name not in self.prepared:
            folder = self.folder / name
            folder.mkdir()
            base = self._prepared(_BASES[name]) if name in _BASES else INSTALLED
            url = self.kept.enter_context(fresh_database(self.server_url, EMPTY if name == "older" else base))
            getattr(self, f"_make_{name}")(folder, url)
            send_everybody_away(self.server_url, url)
            self.prepared[name] = str(make_url(url).database)
        return self.prepared[name]

    def _do(self, name: str, folder: Path, url: str, scenario: str, *arguments: str) -> None:
        code = self.run(self.command(name, folder, url), scenario, arguments)
        assert code == 0, output_of(folder)

    def _make_listed(self, folder: Path, url: str) -> None:
        for name, codes in (("list.xls", CODES[1:]), ("longer.xls", CODES)):
            (folder / name).write_bytes(listed(codes))
        self._do("listed", folder, url, "command", "master", "update", "--file", "list.xls")
        _mark(url)

    def _make_collected(self, folder: Path, url: str) -> None:
        self._do("collected", folder, url, "command", "collect", "--universe", "jp")

    def _make_trading(self, folder: Path, url: str) -> None:
        self.currencies.set_clock(WEDNESDAY)
        self._do("trading", folder, url, "cycle", *PAIRS)
        database = Database(url)
        stands = condition("backup/missed", Severity.CRITICAL)
        PostgresAlerts(database).raise_conditions([stands], WEDNESDAY)  # so that there is something to plan
        database.close()
        self.currencies.set_clock(WEDNESDAY + CYCLE)

    def _make_older(self, _: Path, url: str) -> None:
        database = Database(url)
        with database.engine.begin() as connection:
            for schema in ("miraikakaku", "dagster"):
                connection.exec_driver_sql(f"CREATE SCHEMA {schema}")
            alembic.upgrade(alembic_config(connection), BEFORE_NEWEST)
        database.close()
        _mark(url)


_BASES = {"collected": "listed"}
"""Installation → the one that it goes on from."""


@contextmanager
def prepared_grounds(server_url: str, folder: Path) -> Iterator[Grounds]:
    """Both exchanges, the receiver and the process whose forks do the work."""
    with (
        simulated(symbols=8, us_symbols=0, now=last_evening()) as tokyo,
        simulated(symbols=1, us_symbols=0, now=WEDNESDAY) as currencies,
        webhook_receiver() as receiver,
        scenario_server() as scenarios,
        ExitStack() as kept,
    ):
        yield Grounds(server_url, folder, scenarios, tokyo, currencies, receiver, kept)


def _mark(url: str) -> None:
    """Marks an installation as simulated, as its first collection does."""
    database = Database(url)
    PostgresOrigin(database).claim(PriceOrigin(simulated=True, exchange="--seed 7"))
    database.close()
