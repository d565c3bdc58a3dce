"""Settings: the only place that reads the environment. Put here: what may be set. Keep out: what follows from it.

Values come from the environment and from ``.env`` in the working directory. A wrong value is refused when
the settings are loaded, with the variable's name and what is allowed. Secrets are ``SecretStr``: printing
the settings never shows them.
"""

from miraikakaku_assets.settings.model import (
    ALPHA_VANTAGE_BASE_URL,
    CANARY_SYMBOLS,
    JPX_LIST_URL,
    NASDAQ_LISTED_URL,
    OTHER_LISTED_URL,
    Settings,
)
from miraikakaku_assets.settings.price_sources import PRICE_SOURCES, YAHOO_BASE_URL
from miraikakaku_assets.settings.reader import as_environment, load_settings, settings

__all__ = [
    "ALPHA_VANTAGE_BASE_URL",
    "CANARY_SYMBOLS",
    "JPX_LIST_URL",
    "NASDAQ_LISTED_URL",
    "OTHER_LISTED_URL",
    "PRICE_SOURCES",
    "YAHOO_BASE_URL",
    "Settings",
    "as_environment",
    "load_settings",
    "settings",
]
