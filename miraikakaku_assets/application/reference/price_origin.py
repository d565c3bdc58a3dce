"""Admits a source to an installation: simulated prices never come upon real ones, nor real upon simulated."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.market.origin import REAL, PriceOrigin

if TYPE_CHECKING:  # every command line loads this: the ports bring Polars
    from miraikakaku_assets.application.ports.origin import Look, OriginStore


def admit_prices(address: str, marks: OriginStore, look: Look) -> None:
    """Admits a source of prices and marks the installation as real or simulated, whichever it is.

    Nothing is settled while nothing answers there.

    Args:
        address: Base URL of the source.
        marks: The installation's mark.
        look: Says what answers at an address.

    Raises:
        ConfigurationError: The installation holds prices of the other kind.
    """
    exchange = look(address)
    if exchange is None:
        return
    origin = PriceOrigin(simulated=True, exchange=exchange) if exchange else REAL
    _refuse_other_kind(address, marks.claim(origin), simulated=origin.simulated)


def admit_files(name: str, marks: OriginStore) -> None:
    """Admits bars of files, imported or collected from, and marks the installation as real.

    Args:
        name: The file or folder.
        marks: The installation's mark.

    Raises:
        ConfigurationError: The installation holds simulated prices.
    """
    _refuse_other_kind(name, marks.claim(REAL), simulated=False)


def admit_list(location: str, marks: OriginStore, look: Look) -> None:
    """Admits a published list of issues; a file is what the user says it is.

    Raises:
        ConfigurationError: The installation holds prices of the other kind.
    """
    mark = marks.read()
    if mark is None or not location.startswith(("http://", "https://")):
        return
    exchange = look(location)
    if exchange is not None:
        _refuse_other_kind(location, mark, simulated=bool(exchange))


def _refuse_other_kind(address: str, mark: PriceOrigin | None, *, simulated: bool) -> None:
    if mark is None or mark.simulated == simulated:
        return
    named = urlsplit(address)
    shown = f"{named.scheme}://{named.netloc.rpartition('@')[2]}" if named.netloc else address
    elsewhere = "name another MIRAIKAKAKU_HOME (or DATABASE_URL)"
    if not mark.simulated:
        raise ConfigurationError(
            f"This installation holds real prices and takes no simulated ones from {shown}; {elsewhere}"
        )
    raise ConfigurationError(
        f"This installation holds simulated prices and takes nothing from {shown}; {_start_again(mark)}, "
        f"or {elsewhere}"
    )


def _start_again(mark: PriceOrigin) -> str:
    if mark.demo is not None:
        return "`miraikakaku up`, `schedule` and `collect` start its own exchange where no source is named"
    return f"start its exchange (`miraikakaku simulate {mark.exchange}`) and set the variables it prints"
