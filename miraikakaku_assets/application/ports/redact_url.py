"""Where a file comes from, in words that may be written down."""

from urllib.parse import urlsplit, urlunsplit


def shown(location: str) -> str:
    """A URL without user, password, query and fragment, fit for messages and tables; a path as it is."""
    if not location.startswith(("http://", "https://")):
        return location
    try:
        parts = urlsplit(location)
    except ValueError:  # no address at all; where its password would end cannot be said
        return f"{location.partition(':')[0]}://…"
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))
