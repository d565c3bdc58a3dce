"""The definitions a user can choose from: each is `DEFINITION` in the module of its name beside this one."""

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from miraikakaku_assets.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from miraikakaku_assets.domain.patterns.pattern import Definition

NAMES = ("v1", "v2")
DEFAULT = "v2"

READING = 2
"""Edition of how bars are read, whatever the definition: a new one has all stored signals judged anew.

1 took Tokyo's morning for over at 11:30, with the print of the five minutes that followed in it, and a day for known at
the close, with the auction's price; 2 waits until they are over, as `miraikakaku_assets.domain.bars.intervals` says.
"""


def judged_by(definition: str) -> str:
    """Mark of the rules by which signals were judged: of the definition, and of how bars are read, e.g. ``v2/2``."""
    return f"{definition}/{READING}"


def definition_of(name: "str | Definition") -> "Definition":
    """The definition of that name; one that is given as such is returned.

    Raises:
        ConfigurationError: There is none of that name.
    """
    if not isinstance(name, str):
        return name
    if name not in NAMES:
        raise ConfigurationError(
            f"Pattern definition {name!r} does not exist; choose from: {', '.join(NAMES)}"
        )
    definition: Definition = import_module(f"{__package__}.{name}").DEFINITION
    return definition


@cache
def labels_ja() -> dict[str, tuple[str, bool]]:
    """Column of a signal's evidence → what people call it in Japanese, and whether it is a share of 1."""
    features = [(name, feature) for each in NAMES for name, feature in definition_of(each).features.items()]
    labels = {feature.twin: (feature.twin_ja, feature.is_share) for _, feature in features if feature.twin}
    return labels | {name: (feature.name_ja, feature.is_share) for name, feature in features}
