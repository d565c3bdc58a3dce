"""The definitions a user can choose from."""

from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.patterns.pattern import Definition
from miraikakaku_assets.domain.patterns.v1 import V1
from miraikakaku_assets.domain.patterns.v2 import V2

DEFAULT = V2.name
DEFINITIONS = {one.name: one for one in (V1, V2)}

READING = 2
"""Edition of how bars are read, whatever the definition: a new one has all stored signals judged anew.

1 took Tokyo's morning for over at 11:30, with the print of the five minutes that followed in it, and a day for known at
the close, with the auction's price; 2 waits until they are over, as `miraikakaku_assets.domain.bars.intervals` says.
"""


def judged_by(definition: str) -> str:
    """Mark of the rules by which signals were judged: of the definition, and of how bars are read, e.g. ``v2/2``."""
    return f"{definition}/{READING}"


def definition_of(name: str | Definition) -> Definition:
    """The definition of that name; one that is given as such is returned.

    Raises:
        ConfigurationError: There is none of that name.
    """
    if isinstance(name, Definition):
        return name
    try:
        return DEFINITIONS[name]
    except KeyError:
        known = ", ".join(DEFINITIONS)
        raise ConfigurationError(
            f"Pattern definition {name!r} does not exist; choose from: {known}"
        ) from None
