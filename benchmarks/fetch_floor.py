"""yfinance alone: what it does out of the box for a list of symbols, in one process.

``python -m benchmarks.fetch_floor URL SINCE THREADS`` reads symbols from standard input and prints JSON. Nothing
is validated or stored. Its chart requests go to another host. What it asks before the first of them (cookie and
crumb, once an hour in real life) is answered here: a cookie of another host would be asked for again every time.
"""

import json
import logging
import sys
import tempfile
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

from curl_cffi import requests


class _Rewriting(requests.Session[requests.Response]):
    """A session that sends every chart request to one base URL, whatever host it was meant for."""

    def __init__(self, base: str) -> None:
        super().__init__(impersonate="chrome")
        self._base = base

    def request(self, method: Any, url: str, *args: Any, **options: Any) -> requests.Response:
        path = urlsplit(url).path
        if not path.startswith("/v8/finance/chart/"):
            answer = requests.Response()
            answer.url, answer.status_code, answer.content = url, 200, b"crumb"
            return answer
        return super().request(method, self._base + path, *args, **options)


def main(base: str, since: str, threads: int) -> None:
    import yfinance

    warnings.simplefilter("ignore")  # its own about pandas 3
    logging.getLogger("yfinance").setLevel(logging.CRITICAL)  # symbols without bars
    symbols = sys.stdin.read().split()
    with tempfile.TemporaryDirectory() as folder, _Rewriting(base) as session:
        yfinance.set_tz_cache_location(folder)

        def rows(symbol: str) -> int:
            return len(yfinance.Ticker(symbol, session=session).history(start=since, auto_adjust=False))

        began = time.perf_counter()
        with ThreadPoolExecutor(threads) as pool:
            counts = list(pool.map(rows, symbols))
        seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "rows": sum(counts), "symbols": len(symbols)}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
