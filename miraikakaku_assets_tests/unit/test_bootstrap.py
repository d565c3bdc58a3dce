"""The composition root: which ports the settings lead to; nothing is opened before it is used."""

import os
from dataclasses import fields, replace
from datetime import date, datetime, time, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from miraikakaku_assets.adapters.sources.files.archive import ArchiveSource
from miraikakaku_assets.adapters.sources.yahoo import source as yahoo
from miraikakaku_assets.adapters.sources.yahoo.source import YahooOptions
from miraikakaku_assets.bootstrap import Ports, price_vendors, utc_now
from miraikakaku_assets.bootstrap.sources import Sources
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.market.instruments import FX, JP, US, Timeframe, Universe
from miraikakaku_assets.settings import PRICE_SOURCES, Settings


def ports(folder: Path, **options: Any) -> Ports:
    return Ports(Settings(_env_file=None, miraikakaku_home=folder).model_copy(update=options))


def test_archive_is_the_price_source_when_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "7203.csv").write_text("Date,Open,High,Low,Close,Volume\n2025-01-06,1,1,1,1,1\n")
    opened = ports(tmp_path / "home", miraikakaku_price_source="archive", miraikakaku_archive_dir=tmp_path)
    assert isinstance(opened.sources.prices, ArchiveSource)
    assert opened.sources.prices is opened.sources.prices
    assert opened.sources.history_start(JP, Timeframe.D1) == date.min


def test_history_of_an_open_ended_source_begins_where_the_settings_say(tmp_path: Path) -> None:
    assert ports(tmp_path, history_start="1999-05-06").sources.history_start(JP, Timeframe.D1) == date(
        1999, 5, 6
    )


@pytest.mark.parametrize("universe", [JP, US, FX], ids=lambda universe: universe.name)
def test_shorter_bars_begin_where_yahoo_still_has_them_or_later(tmp_path: Path, universe: Universe) -> None:
    zone = ZoneInfo(universe.time_zone)
    before = (utc_now() - timedelta(days=59)).astimezone(zone).date()
    start = ports(tmp_path, history_start="1999-05-06").sources.history_start(universe, Timeframe.M5)
    after = (utc_now() - timedelta(days=59)).astimezone(zone).date()
    assert before <= start <= after  # midnight may have passed between
    assert utc_now() - datetime.combine(start, time(0), zone) < timedelta(
        days=60
    )  # what Yahoo refuses, in seconds
    tomorrow = utc_now().astimezone(zone).date() + timedelta(days=1)
    chosen = ports(tmp_path, history_start=str(tomorrow))
    assert chosen.sources.history_start(universe, Timeframe.M5) == tomorrow


@pytest.mark.parametrize(
    ("rate", "workers", "most"), [(5.0, 10, 1), (60.0, 10, 1), (61.0, 10, 2), (500.0, 1, 1), (500.0, 10, 9)]
)
def test_processes_fetch_only_at_rates_one_interpreter_cannot_keep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rate: float, workers: int, most: int
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    chosen = Settings(
        _env_file=None,
        miraikakaku_home=tmp_path,
        database_url="postgresql://h/d",
        requests_per_second=rate,
        max_workers=workers,
        lme_price_source="files",  # asked of a page, official prices need the rate limit of the database
        copper_drop_dir=tmp_path,
    )
    made = list[YahooOptions]()
    monkeypatch.setattr(yahoo, "YahooSource", lambda options, _: made.append(options))
    monkeypatch.setattr(Sources, "rate_limiter", None)
    _ = Ports(chosen).sources.prices
    assert made[0].processes == most


@pytest.mark.parametrize(
    ("named", "complaint"), [(None, "is not set"), ("nowhere", "does not exist"), (".", "no Parquet or CSV")]
)
def test_archive_that_is_not_there_is_refused_with_the_variables_name(
    tmp_path: Path, named: str | None, complaint: str
) -> None:
    folder = None if named is None else tmp_path / named
    with pytest.raises(ConfigurationError, match=f"^MIRAIKAKAKU_ARCHIVE_DIR.*{complaint}"):
        _ = ports(tmp_path, miraikakaku_price_source="archive", miraikakaku_archive_dir=folder).sources.prices


def test_every_registered_source_has_a_record_of_its_name() -> None:
    assert [vendor.name for vendor in price_vendors().values()] == list(PRICE_SOURCES)


def test_a_source_that_is_asked_nothing_has_no_canaries(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="archive has no canaries"):
        _ = ports(tmp_path, miraikakaku_price_source="archive").sources.probe


ROOMS = [
    name
    for name, member in vars(Ports).items()
    if name != "for_reading" and isinstance(member, cached_property)
]


@pytest.mark.parametrize("room", ROOMS)
def test_a_copy_has_rooms_of_its_own_installation(tmp_path: Path, room: str) -> None:
    first = ports(tmp_path / "first")
    stands = getattr(first, room)
    assert getattr(first, room) is stands
    other = replace(
        first, settings=first.settings.model_copy(update={"miraikakaku_home": tmp_path / "other"})
    )
    assert getattr(other, room).installation is other
    assert stands.installation is first


def test_rooms_build_on_the_rooms_of_the_ports(tmp_path: Path) -> None:
    opened = ports(tmp_path)
    for room in (getattr(opened, name) for name in ROOMS):
        for field in fields(room):
            if field.name != "installation":
                assert getattr(room, field.name) is getattr(opened, field.name)


def test_making_the_ports_opens_nothing(tmp_path: Path) -> None:
    home = tmp_path / "home"
    opened = ports(home)
    assert opened.stores.files is not None
    assert opened.stores.reports is not None
    assert opened.sources.master_source(JP).locations[0].endswith("/data_j.xls")
    assert [location.rpartition("/")[2] for location in opened.sources.master_source(US).locations] == [
        "nasdaqlisted.txt",
        "otherlisted.txt",
    ]
    with pytest.raises(ConfigurationError, match="Universe fx has no published list"):
        opened.sources.master_source(FX)
    assert not home.exists()
