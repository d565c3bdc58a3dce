"""Who may ask: the keys of the API, and what each may do."""

import hmac
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.settings import Settings

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
READ, OPERATE = "read", "operate"
SCOPES = frozenset({READ, OPERATE})
_FIELDS = 3  # name, digest, scopes
_DIGEST = 64  # hex digits of a SHA-256
_OTHERS = 0o077


@dataclass(frozen=True)
class Key:
    """A key that is known by its digest only.

    Attributes:
        name: Of whoever has it; it is the name of its request limit, too.
        digest: SHA-256 of the key.
        scopes: What it may do; `OPERATE` includes reading.
    """

    name: str
    digest: bytes
    scopes: frozenset[str]

    def may(self, scope: str) -> bool:
        """Whether it has a scope."""
        return scope in self.scopes or OPERATE in self.scopes


ANONYMOUS = Key("anonymous", b"", SCOPES)
"""Everybody, where no key is set."""


class Keys:
    """The keys that are set.

    Args:
        keys: None: no authentication.
    """

    def __init__(self, keys: tuple[Key, ...] | None) -> None:
        self._keys = keys

    @property
    def are_set(self) -> bool:
        """Whether anybody has to authenticate."""
        return self._keys is not None

    def find(self, presented: str | None) -> Key | None:
        """Whose key it is; None for nobody's. Takes as long for a wrong key as for a right one."""
        if self._keys is None:
            return ANONYMOUS
        digest = sha256((presented or "").encode(errors="surrogateescape")).digest()
        owner = None
        for key in self._keys:  # all of them: where it stops would say which one was right
            if hmac.compare_digest(key.digest, digest):
                owner = key
        return owner


def keys_of(settings: Settings) -> Keys:
    """The keys that the settings name.

    Raises:
        ConfigurationError: The file of keys cannot be used.
    """
    keys = []
    if settings.api_key is not None:
        digest = sha256(settings.api_key.get_secret_value().encode()).digest()
        keys.append(Key("default", digest, SCOPES))
    if settings.api_keys_file is not None:
        keys += _read(settings.api_keys_file)
    names = [key.name for key in keys]
    if len(names) != len(set(names)):
        raise ConfigurationError(
            "API_KEYS_FILE: a name stands there twice (`default` is API_KEY's); rename one"
        )
    return Keys(tuple(keys) if keys else None)


def require_keys(settings: Settings, host: str, who: str) -> None:
    """Refuses to listen to others where nobody has to show a key.

    Args:
        settings: Name the keys.
        host: Where is to be listened.
        who: Listens there, for people.

    Raises:
        ConfigurationError: No key is set and the address is not of this machine alone, or the file of keys is wrong.
    """
    if not keys_of(settings).are_set and host not in LOOPBACK:
        raise ConfigurationError(
            f"--host {host}: without API_KEY (or API_KEYS_FILE) the {who} listens on 127.0.0.1 only; set a key"
        )


def _read(path: Path) -> list[Key]:
    file = path.expanduser()
    try:
        mode = file.stat().st_mode
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"API_KEYS_FILE: {path} cannot be read ({type(error).__name__})") from None
    if mode & _OTHERS:
        raise ConfigurationError(f"API_KEYS_FILE: others may read {path}; `chmod 600` it")
    keys = []
    for number, line in enumerate(lines, 1):
        fields = line.split("#")[0].split()
        if not fields:
            continue
        if len(fields) != _FIELDS:
            raise ConfigurationError(f"API_KEYS_FILE: line {number} of {path} is not `name sha256 scopes`")
        name, digest, scopes = fields
        keys.append(Key(name, _digest(digest, number, path), _scopes(scopes, number, path)))
    if not keys:
        raise ConfigurationError(f"API_KEYS_FILE: {path} holds no key")
    return keys


def _digest(written: str, number: int, path: Path) -> bytes:
    try:
        digest = bytes.fromhex(written)
    except ValueError:
        digest = b""
    if len(written) != _DIGEST or not digest:
        raise ConfigurationError(f"API_KEYS_FILE: line {number} of {path} holds no SHA-256 of a key in hex")
    return digest


def _scopes(written: str, number: int, path: Path) -> frozenset[str]:
    scopes = frozenset(written.split(","))
    if not scopes <= SCOPES:
        raise ConfigurationError(f"API_KEYS_FILE: scopes of line {number} of {path} must be read or operate")
    return scopes
