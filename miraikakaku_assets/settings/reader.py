"""Reads the settings, and writes them down for processes that are started with them."""

from functools import cache

from pydantic import SecretStr, TypeAdapter, ValidationError

from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.words import one_line
from miraikakaku_assets.settings.checks import PostgresUrl
from miraikakaku_assets.settings.model import Settings


def load_settings() -> Settings:
    """Reads the environment now.

    Raises:
        ConfigurationError: A variable has a value that is not allowed; the message names it.
    """
    try:
        return Settings()
    except (UnicodeDecodeError, OSError) as error:  # of .env: variables are decoded with surrogates
        raise ConfigurationError(
            f".env cannot be read ({type(error).__name__}); save it as UTF-8 text"
        ) from None
    except ValidationError as error:
        first = error.errors()[0]
        name = f"{str(first['loc'][0]).upper()}: " if first["loc"] else ""
        raise ConfigurationError(
            f"{name}{one_line(first['msg'].removeprefix('Value error, '))}; correct it in the environment or in .env"
        ) from None


def with_database(chosen: Settings, url: str) -> Settings:
    """The same settings with another external database.

    Raises:
        ConfigurationError: It is no URL of one.
    """
    try:
        checked = TypeAdapter(PostgresUrl).validate_python(url)
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise ConfigurationError(f"The URL of the database {reason}") from None
    return chosen.model_copy(update={"database_url": checked, "backup_wal": "off"})


def as_environment(chosen: Settings) -> dict[str, str]:
    """Variables by which a child process gets the same settings, where it would read others; secrets included."""
    values = {name: getattr(chosen, name) for name in Settings.model_fields}
    differing = {name: value for name, value in values.items() if value != getattr(settings(), name)}
    return {
        name.upper(): value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        for name, value in differing.items()
        if value is not None  # there is no variable that says so
    }


@cache
def settings() -> Settings:
    """The settings of this process, read once."""
    return load_settings()
