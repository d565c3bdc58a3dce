"""An installation into which files are imported, and what such files hold."""

from datetime import date
from pathlib import Path

from miraikakaku_assets.domain.market.sessions import sessions_between
from miraikakaku_assets_tests.support.command import QUICK, Command
from miraikakaku_assets_tests.support.in_process import InProcess
from miraikakaku_assets_tests.support.installations.installation import CODES, listed

HEADER = "symbol,date,open,high,low,close,volume"
DAYS = sessions_between("XTKS", date(2025, 1, 6), date(2025, 2, 28))


def csv(*rows: str, header: str = HEADER) -> str:
    return "\n".join([header, *rows]) + "\n"


def installed(url: str, folder: Path, here: InProcess | None = None) -> Command:
    """A master of `CODES`, and no bars."""
    command = Command(folder, QUICK, inside=here).with_(MIRAIKAKAKU_HOME=folder / "home", DATABASE_URL=url)
    (folder / "data_j.xls").write_bytes(listed(CODES))
    assert command("master", "update", "--file", "data_j.xls").code == 0
    return command
