"""The definitions a user can choose from."""

from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.patterns.pattern import Definition
from miraikakaku_assets.domain.patterns.v1 import V1
from miraikakaku_assets.domain.patterns.v2 import V2

DEFAULT = V2.name
DEFINITIONS = {one.name: one for one in (V1, V2)}


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
