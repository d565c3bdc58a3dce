"""Every target, by name."""

from collections.abc import Mapping
from importlib import import_module

from miraikakaku_assets_tests.fuzz.target import Target

_PLACES: Mapping[str, tuple[str, ...]] = {
    "stock_lists": ("jpx_list", "nasdaq_listed", "other_listed", "listing_status", "us_list"),
    "yahoo_answers": ("yahoo_daily", "yahoo_probe", "yahoo_5m"),
    "copper_tables": ("westmetall_page", "copper_files"),
    "bar_files": ("daily_csv", "daily_parquet", "minutes_csv", "minutes_parquet"),
    "settings_files": ("settings_file", "settings_variables"),
    "requests": ("api_bodies", "mcp_arguments"),
}
"""Module of `targets` → its targets; a module is imported where one of them is wanted."""
NAMES = tuple(name for names in _PLACES.values() for name in names)


def target_named(name: str) -> Target:
    """The target of a name of `NAMES`."""
    place = next(place for place, names in _PLACES.items() if name in names)
    module = import_module(f"miraikakaku_assets_tests.fuzz.targets.{place}")
    target: Target = next(target for target in module.TARGETS if target.name == name)
    return target
