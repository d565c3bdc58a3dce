"""Settings as a ``.env`` file and as variables of the environment."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import SecretStr

from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.settings import Settings
from miraikakaku_assets.settings.reader import as_environment, load_settings
from miraikakaku_assets_tests.fuzz.target import Form, Parse, Target

_NAMES = {name.upper() for name in Settings.model_fields} | {"EIKON_APP_KEY"}
_SECRETS = {
    name.upper() for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation)
}
_SHORTEST_SECRET = 8  # characters; a shorter one may stand in a message by chance


@contextmanager
def _file(_: str) -> Iterator[Parse]:
    """Reads an input as ``.env`` of the working directory, without any variable set."""
    with _nothing_set() as folder:

        def parse(content: bytes) -> None:
            (folder / ".env").write_bytes(content)
            _check(load_settings())

        yield parse


@contextmanager
def _variables(_: str) -> Iterator[Parse]:
    """Reads each line ``NAME=value`` of an input as a variable; others are left out."""
    with _nothing_set():

        def parse(content: bytes) -> None:
            lines = content.replace(b"\0", b"").splitlines()
            pairs = [line.partition(b"=")[::2] for line in lines if b"=" in line]
            chosen = {name.decode("ascii", "replace"): value for name, value in pairs}
            chosen = {name: value for name, value in chosen.items() if name in _NAMES}
            for name in _NAMES:
                os.environ.pop(name, None)
            for name, value in chosen.items():
                os.environb[name.encode()] = value
            secrets = [os.fsdecode(chosen[name]) for name in _SECRETS & set(chosen)]
            try:
                loaded = load_settings()
            except ConfigurationError as error:
                refused = error
            else:
                _check(loaded)
                return
            assert not any(len(secret) >= _SHORTEST_SECRET and secret in str(refused) for secret in secrets)
            raise refused

        yield parse


@contextmanager
def _nothing_set() -> Iterator[Path]:
    before, environment = Path.cwd(), dict(os.environ)
    with tempfile.TemporaryDirectory() as name:
        os.chdir(name)
        for known in _NAMES:
            os.environ.pop(known, None)
        try:
            yield Path(name)
        finally:
            os.chdir(before)
            os.environ.clear()
            os.environ.update(environment)


def _check(loaded: Settings) -> None:
    """Settings that are accepted can be used, shown and handed to a child process."""
    assert loaded.price_location or loaded.miraikakaku_price_source
    for market in ("jp", "us", "fx", "copper"):
        assert len(set(loaded.watch_list(market))) == len(loaded.watch_list(market))
        assert len(set(loaded.named_symbols(market))) == len(loaded.named_symbols(market))
    shown = str(loaded)
    for name in _SECRETS:
        value = getattr(loaded, name.lower(), None)
        if isinstance(value, SecretStr) and len(value.get_secret_value()) >= _SHORTEST_SECRET:
            assert value.get_secret_value() not in shown, name
    for name, value in as_environment(loaded).items():
        f"{name}={value}".encode()
        assert "\0" not in value, name


TARGETS = (
    Target("settings_file", _file, (ConfigurationError,), Form.TEXT),
    Target("settings_variables", _variables, (ConfigurationError,), Form.TEXT),
)
