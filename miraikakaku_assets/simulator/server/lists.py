"""The lists of issues: JPX's workbook, Nasdaq Trader's directory, Alpha Vantage's status."""

from collections import OrderedDict
from collections.abc import Sequence
from datetime import date, datetime
from functools import partial
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from miraikakaku_assets.simulator.core.answers import Answer
from miraikakaku_assets.simulator.core.config import SimulatorConfig
from miraikakaku_assets.simulator.core.sessions import NEW_YORK
from miraikakaku_assets.simulator.faults.answers import damaged
from miraikakaku_assets.simulator.faults.specs import NASDAQ_LISTED, Plan
from miraikakaku_assets.simulator.listings.us_directory import listing_status, nasdaq_listed, other_listed
from miraikakaku_assets.simulator.listings.us_listings import UsListing
from miraikakaku_assets.simulator.prices.copper_curve import official_days
from miraikakaku_assets.simulator.prices.price_model import COPPER
from miraikakaku_assets.simulator.prices.quotes import Market
from miraikakaku_assets.simulator.server.westmetall_page import westmetall_page

_EXCEL = "application/vnd.ms-excel"
_TEXT = "text/plain"
_CSV = "application/x-download"
_HTML = "text/html; charset=utf-8"
_BAD_KEY = (
    b'{"Error Message": "the parameter apikey is invalid or missing. Please claim your free API key on '
    b'(https://www.alphavantage.co/support/#api-key). It should take less than 20 seconds."}'
)
_BAD_CALL = b'{"Error Message": "This API function (%s) does not exist here or one of its parameters cannot be read."}'
_SHORT_LIST = 0.4  # of the issues
_KEPT = 6


class Lists:
    """The bodies of the lists at an instant.

    Args:
        config: Which file and key to use.
        market: Whose issues to list.
    """

    def __init__(self, config: SimulatorConfig, market: Market) -> None:
        self._config = config
        self._market = market
        self._kept: OrderedDict[tuple[Any, ...], bytes] = OrderedDict()

    async def workbook(self, plan: Plan, now: int, unlisted: frozenset[str]) -> Answer:
        """Answer the list of JPX. A given file is served as it is."""
        if "empty" in plan.kinds:
            return damaged(plan, b"", _EXCEL)
        if self._config.master_file is not None:
            return damaged(plan, self._config.master_file.read_bytes(), _EXCEL)
        if "short-list" in plan.kinds:
            names = self._market.symbols()["jp"]
            unlisted |= frozenset(names[int(len(names) * _SHORT_LIST) :])
        return damaged(plan, await run_in_threadpool(self._market.workbook, now, unlisted), _EXCEL)

    async def directory(self, resource: str, plan: Plan, now: int, unlisted: frozenset[str]) -> Answer:
        """Answer nasdaqlisted.txt or otherlisted.txt."""
        moment = datetime.fromtimestamp(now, NEW_YORK)
        today, short = moment.date(), "short-list" in plan.kinds
        write = nasdaq_listed if resource == NASDAQ_LISTED else other_listed

        def make() -> bytes:
            return write(self._us(today, unlisted, short=short), moment)

        key = resource, today, moment.hour, moment.minute, unlisted, short
        body = b"" if "empty" in plan.kinds else await self._body(key, make)
        return damaged(plan, body, _TEXT)

    async def status(self, request: Request, plan: Plan, now: int, unlisted: frozenset[str]) -> Answer:
        """Answer Alpha Vantage's ``LISTING_STATUS``; its refusals have status 200."""
        query = request.query_params
        if query.get("apikey") != self._config.alpha_vantage_key:
            return Answer(200, _BAD_KEY, "application/json")
        state = query.get("state", "active")
        try:
            today = datetime.fromtimestamp(now, NEW_YORK).date()
            day = min(date.fromisoformat(query["date"]), today) if "date" in query else today
        except ValueError:
            state = ""
        if query.get("function") != "LISTING_STATUS" or state not in {"active", "delisted"}:
            return Answer(200, _BAD_CALL % query.get("function", "").encode(), "application/json")
        issues = self._market.us_issues()
        short = "short-list" in plan.kinds
        some = issues[: int(len(issues) * _SHORT_LIST)] if short else issues
        kept = [issue for issue in some if issue.symbol not in unlisted]
        make = partial(listing_status, kept, day, delisted=state == "delisted")
        body = b"" if "empty" in plan.kinds else await self._body((state, day, unlisted, short), make)
        return damaged(plan, body, _CSV)

    async def official_prices(self, language: str, plan: Plan, now: int, _unlisted: frozenset[str]) -> Answer:
        """Answer Westmetall's page; without copper in the market it has no day."""

        def make() -> bytes:
            front = self._market.quotes(COPPER, now)
            days = [] if front is None else official_days(front, now, self._config.seed)
            return westmetall_page(days, language)

        body = b"" if "empty" in plan.kinds else await self._body(("westmetall", language, now), make)
        return damaged(plan, body, _HTML)

    def _us(self, day: date, unlisted: frozenset[str], *, short: bool) -> Sequence[UsListing]:
        issues = self._market.us_issues()
        listed = [issue for issue in issues if issue.is_listed(day) and issue.symbol not in unlisted]
        return listed[: int(len(listed) * _SHORT_LIST)] if short else listed

    async def _body(self, key: tuple[Any, ...], make: Any) -> bytes:
        if key not in self._kept:
            self._kept[key] = await run_in_threadpool(make)
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return self._kept[key]
