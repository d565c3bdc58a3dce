"""The composition root: which ports the settings lead to; nothing is opened before it is used."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from miraikakaku_assets.adapters.sources.archive import ArchiveSource
from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.settings import Settings


def ports(folder: Path, **said: Any) -> Ports:
    return Ports(Settings(_env_file=None, miraikakaku_home=folder, **said))


def test_archive_is_the_price_source_when_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "7203.csv").write_text("Date,Open,High,Low,Close,Volume\n2025-01-06,1,1,1,1,1\n")
    found = ports(tmp_path / "home", miraikakaku_price_source="archive", miraikakaku_archive_dir=tmp_path)
    assert isinstance(found.prices, ArchiveSource)
    assert found.prices is found.prices
    assert found.history_start == date.min


def test_history_of_an_open_ended_source_begins_where_the_settings_say(tmp_path: Path) -> None:
    assert ports(tmp_path, history_start="1999-05-06").history_start == date(1999, 5, 6)


@pytest.mark.parametrize(
    ("named", "said"), [(None, "is not set"), ("nowhere", "does not exist"), (".", "no Parquet or CSV")]
)
def test_archive_that_is_not_there_is_refused_with_the_variables_name(
    tmp_path: Path, named: str | None, said: str
) -> None:
    folder = None if named is None else tmp_path / named
    with pytest.raises(ConfigurationError, match=f"^MIRAIKAKAKU_ARCHIVE_DIR.*{said}"):
        _ = ports(tmp_path, miraikakaku_price_source="archive", miraikakaku_archive_dir=folder).prices


def test_making_the_ports_opens_nothing(tmp_path: Path) -> None:
    home = tmp_path / "home"
    found = ports(home)
    assert found.files is not None
    assert found.reports is not None
    assert found.master_source is not None
    assert not home.exists()
