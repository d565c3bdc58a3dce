"""The command line of an installation that collects from a simulated exchange."""

from pathlib import Path

from sqlalchemy.engine import make_url

from miraikakaku_assets.domain.market.sessions import sessions_back
from miraikakaku_assets_tests.fakes.simulated import Simulated
from miraikakaku_assets_tests.support.command import QUICK, Command
from miraikakaku_assets_tests.support.moments import last_evening

PASSWORD = "hunter2-and-more"  # noqa: S105 - the test server lets everybody in; this must never be seen again


HALF_A_YEAR = 150
"""Sessions: somebody pays a dividend in any half year."""


def command_in(folder: Path, database_url: str, exchange: Simulated) -> Command:
    return Command(folder, QUICK).with_(
        MIRAIKAKAKU_HOME=folder / "home",
        DATABASE_URL=make_url(database_url).set(password=PASSWORD).render_as_string(hide_password=False),
        YAHOO_BASE_URL=exchange.base,
        MIRAIKAKAKU_NOW=exchange.moment.isoformat(),
        JPX_LIST_URL=f"{exchange.base}/jpx/data_j.xls",
        HISTORY_START=sessions_back("XTKS", last_evening().date(), HALF_A_YEAR - 1),
    )
