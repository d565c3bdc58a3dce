"""Who publishes what is listed: universe → how its source is made from the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from miraikakaku_assets.application.ports import MasterSource
    from miraikakaku_assets.settings import Settings


def _jpx(chosen: Settings) -> MasterSource:
    from miraikakaku_assets.adapters.sources.jpx.stock_list import JpxList

    return JpxList(chosen.worker_timeout, chosen.jpx_list_url)


def _us_directories(chosen: Settings) -> MasterSource:
    from miraikakaku_assets.adapters.sources.us_listings.directories import UsAddresses, UsDirectories

    key = chosen.alpha_vantage_api_key
    addresses = UsAddresses(
        chosen.nasdaq_listed_url,
        chosen.other_listed_url,
        chosen.alpha_vantage_base_url,
        key.get_secret_value() if key else "",
    )
    return UsDirectories(chosen.worker_timeout, addresses)


LISTS: Mapping[str, Callable[[Settings], MasterSource]] = {
    "jp": _jpx,
    "us": _us_directories,
}
