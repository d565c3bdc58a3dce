"""Who may look: the API's keys, shown once in a form and remembered in a signed cookie."""

import hmac
import secrets
from datetime import datetime, timedelta
from hashlib import sha256

from miraikakaku_assets.faces.api.keys import READ, Key, Keys

COOKIE = "miraikakaku_dashboard"
LASTS = timedelta(hours=12)
"""How long a cookie is good; a restart of the dashboard ends all of them."""
_PARTS = 3


class Access:
    """The keys, and cookies that stand for one of them.

    Args:
        keys: Who may look.
    """

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._secret = secrets.token_bytes(32)
        self._admitted: dict[str, Key] = {}

    @property
    def is_open(self) -> bool:
        """Whether nobody has to show a key: none is set, and only this machine may ask."""
        return not self._keys.are_set

    def key(self, presented: str | None, cookie: str | None, now: datetime) -> Key | None:
        """Whose request it is; None for nobody's.

        Args:
            presented: Header ``X-API-KEY``.
            cookie: Cookie `COOKIE`.
            now: Now (UTC).
        """
        if self.is_open or presented is not None:
            key = self._keys.find(presented)
            return key if key is not None and key.may(READ) else None
        return self._signed(cookie, now)

    def cookie(self, presented: str, now: datetime) -> str | None:
        """A cookie for a key that was typed into the form; None for a wrong one."""
        key = self._keys.find(presented)
        if key is None or not key.may(READ):
            return None
        self._admitted[key.name] = key
        ends = str(int((now + LASTS).timestamp()))
        name = key.name.encode().hex()
        return f"{name}.{ends}.{self._signature(key, ends)}"

    def _signed(self, cookie: str | None, now: datetime) -> Key | None:
        parts = (cookie or "").split(".")
        if len(parts) != _PARTS or not parts[1].isdigit():
            return None
        name, ends, signature = parts
        try:
            key = self._admitted.get(bytes.fromhex(name).decode())
        except ValueError:
            return None
        if key is None or not hmac.compare_digest(signature.encode(), self._signature(key, ends).encode()):
            return None
        return key if int(ends) > now.timestamp() else None

    def _signature(self, key: Key, ends: str) -> str:
        return hmac.new(self._secret, key.digest + f"{key.name}.{ends}".encode(), sha256).hexdigest()
