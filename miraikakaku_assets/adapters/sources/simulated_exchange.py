"""What answers at an address: a source of real prices, or an exchange that says that it is simulated."""

from urllib.parse import urlsplit

from miraikakaku_assets.domain.market.origin import SIMULATED_HEADER

_REAL_HOSTS = ("yahoo.com", "jpx.co.jp", "nasdaqtrader.com", "alphavantage.co", "westmetall.com")
_SECONDS = 10.0


def is_real(address: str) -> bool:
    """Whether an address is one of those that publish real prices and lists; they are not asked."""
    host = urlsplit(address).hostname or ""
    return any(host == real or host.endswith(f".{real}") for real in _REAL_HOSTS)


def simulated_exchange(address: str) -> str | None:
    """How a simulated exchange at an address describes itself.

    Returns:
        Empty for any other source, None when nothing answers.
    """
    if is_real(address):
        return ""
    from curl_cffi import requests

    parts = urlsplit(address)
    try:
        answer = requests.head(f"{parts.scheme}://{parts.netloc}/", timeout=_SECONDS, allow_redirects=False)
    except requests.exceptions.RequestException:
        return None
    return str(answer.headers.get(SIMULATED_HEADER) or "")
