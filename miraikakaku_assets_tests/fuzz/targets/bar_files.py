"""Files of bars that a user imports: CSV and Parquet, daily and 5-minute."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from miraikakaku_assets.adapters.sources.files.daily_bars import read_bar_file
from miraikakaku_assets.adapters.sources.files.intraday_bars import read_intraday_file
from miraikakaku_assets.domain.errors import InputFileError
from miraikakaku_assets.domain.market.instruments import FX, JP, US, Universe
from miraikakaku_assets_tests.fuzz.accepted_bars import check_daily, check_intraday
from miraikakaku_assets_tests.fuzz.target import Form, Parse, Target
from miraikakaku_assets_tests.support.moments import NOW


def _daily(path: Path, universe: Universe) -> None:
    check_daily(*read_bar_file(path, universe), universe, NOW)


def _five_minutes(path: Path, universe: Universe) -> None:
    check_intraday(read_intraday_file(path, universe, "Europe/Helsinki"), universe, NOW)


def _as_file(
    name: str, universe: Universe, read: Callable[[Path, Universe], None]
) -> Callable[[str], AbstractContextManager[Parse]]:
    @contextmanager
    def opened(_: str) -> Iterator[Parse]:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, name)

            def parse(content: bytes) -> None:
                path.write_bytes(content)
                read(path, universe)

            yield parse

    return opened


TARGETS = (
    Target("daily_csv", _as_file("7203.csv", JP, _daily), (InputFileError,), Form.TEXT),
    Target("daily_parquet", _as_file("7203.parquet", JP, _daily), (InputFileError,), Form.BINARY),
    Target("minutes_csv", _as_file("USDJPY=X.csv", FX, _five_minutes), (InputFileError,), Form.TEXT),
    Target("minutes_parquet", _as_file("AAPL.parquet", US, _five_minutes), (InputFileError,), Form.BINARY),
)
