"""Control endpoints: what a test sets and reads while the simulator runs."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from starlette.requests import Request

from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.simulator.core.answers import Answer
from miraikakaku_assets.simulator.faults.specs import parse_faults
from miraikakaku_assets.simulator.yahoo_api.chart_text import to_json

if TYPE_CHECKING:
    from miraikakaku_assets.simulator.server.app import Simulator


class Control:
    """The endpoints below ``/simulator/``; none of them is counted.

    Args:
        simulator: The one to control.
    """

    def __init__(self, simulator: "Simulator") -> None:
        self._simulator = simulator

    async def health(self, _: Request) -> Answer:
        """Answer ``/simulator/health``."""
        return _control({"status": "ok"})

    async def state(self, _: Request) -> Answer:
        """Answer ``/simulator/state``."""
        one = self._simulator
        symbols = one.market.symbols()
        return _control(
            {
                "seed": one.config.seed,
                "mode": "archive" if one.config.archive_dir else "synthetic",
                "symbols": {universe: len(names) for universe, names in symbols.items()},
                "clock": one.clock.isoformat(),
                "clock_fixed": one.clock.is_fixed,
                "faults": [fault.spec for fault in one.faults.faults],
                "fault_hits": dict(one.faults.hits),
                "requests": dict(one.requests.kinds),
                "statuses": {str(status): count for status, count in one.requests.statuses.items()},
            }
        )

    async def symbols(self, _: Request) -> Answer:
        """Answer ``/simulator/symbols``: every Yahoo symbol by universe."""
        return _control(self._simulator.market.symbols())

    async def requests(self, request: Request) -> Answer:
        """Answer ``/simulator/requests``: the counts; POST and DELETE begin again at zero.

        With ``?symbols=all`` each symbol is named, without it the ten that were asked for most often.
        """
        counts = self._simulator.requests
        answer = _control(counts.summary(every_symbol=request.query_params.get("symbols") == "all"))
        if request.method in {"POST", "DELETE"}:
            counts.reset()
        return answer

    async def set_faults(self, request: Request) -> Answer:
        """Answer ``POST /simulator/faults`` with ``{"faults": [SPEC, ...]}``: replaces all faults."""
        one = self._simulator
        try:
            faults = parse_faults(_specs(await _json_object(request)))
        except ConfigurationError as error:
            return _control({"error": str(error)}, 400)
        one.faults.replace(faults)
        one.late_splits.update(faults, one.clock.now())
        return _control({"faults": [fault.spec for fault in faults]})

    async def set_clock(self, request: Request) -> Answer:
        """Answer ``POST /simulator/clock``.

        The body is ``{"now": "2026-11-20T05:00:00Z"}``, ``{"now": null}`` for the real clock, or
        ``{"advance_seconds": 3600}``, which makes the clock stand still where it arrives.
        """
        one = self._simulator
        try:
            second = _wanted_second(await _json_object(request), one.clock.now())
            if second is not None:
                one.market.check_clock(second)
        except ConfigurationError as error:
            return _control({"error": str(error)}, 400)
        one.clock.stand_at(second)
        return _control({"clock": one.clock.isoformat(), "clock_fixed": one.clock.is_fixed})


def _wanted_second(body: dict[str, Any], now: int) -> int | None:
    if "advance_seconds" in body:
        seconds = body["advance_seconds"]
        if not isinstance(seconds, int | float) or isinstance(seconds, bool):
            raise ConfigurationError("advance_seconds has to be a number of seconds.")
        return now + int(seconds)
    if "now" not in body:
        raise ConfigurationError('the body has to be {"now": INSTANT or null} or {"advance_seconds": N}.')
    if body["now"] is None:
        return None
    try:
        instant = datetime.fromisoformat(body["now"])
    except (TypeError, ValueError):
        raise ConfigurationError(f"now={body['now']!r} is not an ISO 8601 instant.") from None
    if instant.utcoffset() is None:
        raise ConfigurationError(f"now={body['now']!r} has no time zone; write it with Z or an offset.")
    return int(instant.timestamp())


async def _json_object(request: Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except ValueError:
        raise ConfigurationError("the body is not JSON.") from None
    if not isinstance(body, dict):
        raise ConfigurationError("the body has to be a JSON object.")
    return body


def _specs(body: dict[str, Any]) -> list[str]:
    specs = body.get("faults")
    if not isinstance(specs, list) or not all(isinstance(spec, str) for spec in specs):
        raise ConfigurationError('the body has to be {"faults": ["SPEC", ...]}.')
    return specs


def _control(value: object, status: int = 200) -> Answer:
    return Answer(status, to_json(value), "application/json")
