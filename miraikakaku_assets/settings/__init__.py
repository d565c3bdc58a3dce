"""Settings: the only place that reads the environment. Put here: what may be set. Keep out: what follows from it.

Values come from the environment and from ``.env`` in the working directory. A wrong value is refused when
the settings are loaded, with the variable's name and what is allowed. Secrets are ``SecretStr``: printing
the settings never shows them.
"""

from miraikakaku_assets.settings.model import JPX_LIST_URL, Settings
from miraikakaku_assets.settings.price_sources import PRICE_SOURCES, YAHOO_BASE_URL
from miraikakaku_assets.settings.reader import as_environment, load_settings, settings, with_database

__all__ = [
    "JPX_LIST_URL",
    "PRICE_SOURCES",
    "YAHOO_BASE_URL",
    "Settings",
    "as_environment",
    "load_settings",
    "settings",
    "with_database",
]
