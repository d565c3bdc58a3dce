"""Which code a model was trained by: what makes two trainings on the same bars one."""

import hashlib
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from importlib.resources.abc import Traversable

_PACKAGE = "miraikakaku_assets"
_SOURCES = (
    "domain/forecasting",
    "adapters/forecasters",
    "application/forecasting/inputs.py",
    "domain/bars/price_basis.py",
)
"""Everything between stored bars and a trained model."""

_LIBRARIES = frozenset({"numpy", "polars"})
"""What all models come from."""

_DIGITS = 12


@cache
def code_version(libraries: frozenset[str]) -> str:
    """The version of this package, and a digest of the source and the libraries that models come from.

    The package's version alone stays the same from one change of a constant to the next.

    Args:
        libraries: Names of distributions beside those of all models.
    """
    digest = hashlib.sha256()
    for place in _SOURCES:
        for name, content in _modules(files(_PACKAGE).joinpath(place), place):
            digest.update(f"{name}\0{len(content)}\0".encode() + content)
    for library in sorted(_LIBRARIES | libraries):
        digest.update(f"{library} {_version(library)}\n".encode())
    return f"{version('miraikakaku-assets')}+{digest.hexdigest()[:_DIGITS]}"


def _modules(place: Traversable, name: str) -> list[tuple[str, bytes]]:
    if place.is_file():
        return [(name, place.read_bytes())] if name.endswith(".py") else []
    inside = sorted(place.iterdir(), key=lambda entry: entry.name)
    return [module for entry in inside for module in _modules(entry, f"{name}/{entry.name}")]


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "absent"
