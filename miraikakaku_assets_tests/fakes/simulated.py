"""A client of the simulator for its tests."""

import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from curl_cffi import requests

from miraikakaku_assets.simulator.core.config import SimulatorConfig
from miraikakaku_assets.simulator.server.serving import running

if TYPE_CHECKING:
    import pandas as pd

NOON = datetime(2026, 11, 20, 5, 2, 30, tzinfo=UTC)  # Friday 14:02:30 in Tokyo, mid-session
EVENING = NOON + timedelta(hours=9)


class Simulated:
    """A running simulator, reached over HTTP.

    Attributes:
        base: Its address.
        moment: Where its clock stands (UTC).
    """

    def __init__(self, base: str, moment: datetime = EVENING) -> None:
        self.base = base
        self.moment = moment

    def get(self, path: str, **options: Any) -> requests.Response:
        return requests.get(self.base + path, timeout=options.pop("timeout", 60), **options)

    def chart(self, symbol: str, **query: Any) -> requests.Response:
        return self.get(f"/v8/finance/chart/{symbol}", params=query)

    def result(self, symbol: str, **query: Any) -> dict[str, Any]:
        answer = self.chart(symbol, **query)
        assert answer.status_code == 200, answer.text
        result: dict[str, Any] = read(answer)["chart"]["result"][0]
        return result

    def closes(self, symbol: str, **query: Any) -> list[float | None]:
        closes: list[float | None] = self.result(symbol, **query)["indicators"]["quote"][0]["close"]
        return closes

    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = read(self.get("/simulator/state"))
        return state

    def post(self, what: str, body: dict[str, Any] | list[Any]) -> requests.Response:
        return requests.post(f"{self.base}/simulator/{what}", json=body, timeout=60)

    def set_faults(self, *specs: str) -> None:
        answer = self.post("faults", {"faults": specs})
        assert answer.status_code == 200, answer.text

    def set_clock(self, moment: datetime) -> None:
        answer = self.post("clock", {"now": moment.isoformat()})
        assert answer.status_code == 200, answer.text
        self.moment = moment

    def history(self, symbol: str, folder: Path, **options: Any) -> "pd.DataFrame":
        """What yfinance makes of the simulator; its caches go to the folder."""
        import yfinance

        yfinance.set_tz_cache_location(str(folder))
        yfinance.config.debug.hide_exceptions = False
        with Rewriting(self.base) as session, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # yfinance's own
            ticker = yfinance.Ticker(symbol, session=session)
            try:
                frame: pd.DataFrame = ticker.history(auto_adjust=False, **options)
            finally:
                ticker._data._crumb = (
                    None  # kept by yfinance for the whole process, whatever session comes next
                )
        return frame


def read(answer: requests.Response) -> Any:
    """The JSON of an answer."""
    return json.loads(answer.content)


class Rewriting(requests.Session):  # type: ignore[type-arg] # generic only in the stubs
    """A session that sends every request to the simulator, whatever host it was meant for."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self.base = base

    def request(self, method: Any, url: str, *args: Any, **options: Any) -> Any:
        return super().request(method, self.base + (urlsplit(url).path or "/"), *args, **options)


@contextmanager
def simulated(**options: Any) -> Iterator[Simulated]:
    """Run a small simulator on a Friday evening, or as the options say."""
    settings: dict[str, Any] = {
        "symbols": 60,
        "us_symbols": 40,
        "now": EVENING,
        "timeout_seconds": 20.0,
    } | options
    with running(SimulatorConfig(**settings)) as base:
        yield Simulated(base, settings["now"])
