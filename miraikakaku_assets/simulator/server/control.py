"""Control endpoints: what a test sets and reads while the simulator runs."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.requests import Request

from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.simulator.core.answers import Answer
from miraikakaku_assets.simulator.core.clock import SimulatedClock
from miraikakaku_assets.simulator.core.config import SimulatorConfig
from miraikakaku_assets.simulator.core.request_counts import RequestCounts
from miraikakaku_assets.simulator.faults.late_split import LateSplits
from miraikakaku_assets.simulator.faults.specs import FaultBoard, parse_faults
from miraikakaku_assets.simulator.prices.quotes import Market
from miraikakaku_assets.simulator.yahoo_api.chart_text import to_json


@dataclass(frozen=True)
class Control:
    """The endpoints below ``/simulator/``; none of them is counted.

    Attributes:
        config: What the simulator was started with.
        clock: Its clock.
        market: Where its answers come from.
        faults: Faults in force.
        late_splits: Splits that the source learns of too late.
        counts: What was asked.
    """

    config: SimulatorConfig
    clock: SimulatedClock
    market: Market
    faults: FaultBoard
    late_splits: LateSplits
    counts: RequestCounts

    async def health(self, _: Request) -> Answer:
        """Answer ``/simulator/health``."""
        return _control({"status": "ok"})

    async def state(self, _: Request) -> Answer:
        """Answer ``/simulator/state``."""
        return _control(
            {
                "seed": self.config.seed,
                "mode": "archive" if self.config.archive_dir else "synthetic",
                "symbols": {universe: len(names) for universe, names in self.market.symbols().items()},
                "clock": self.clock.isoformat(),
                "clock_fixed": self.clock.is_fixed,
                "faults": [fault.spec for fault in self.faults.faults],
                "fault_hits": dict(self.faults.hits),
                "requests": dict(self.counts.kinds),
                "statuses": {str(status): count for status, count in self.counts.statuses.items()},
            }
        )

    async def symbols(self, _: Request) -> Answer:
        """Answer ``/simulator/symbols``: every Yahoo symbol by universe."""
        return _control(self.market.symbols())

    async def requests(self, request: Request) -> Answer:
        """Answer ``/simulator/requests``: the counts; POST and DELETE begin again at zero.

        With ``?symbols=all`` each symbol is named, without it the ten that were asked for most often.
        """
        answer = _control(self.counts.summary(every_symbol=request.query_params.get("symbols") == "all"))
        if request.method in {"POST", "DELETE"}:
            self.counts.reset()
        return answer

    async def set_faults(self, request: Request) -> Answer:
        """Answer ``POST /simulator/faults`` with ``{"faults": [SPEC, ...]}``: replaces all faults."""
        try:
            faults = parse_faults(_specs(await _json_object(request)))
        except ConfigurationError as error:
            return _control({"error": str(error)}, 400)
        self.faults.replace(faults)
        self.late_splits.update(faults, self.clock.now())
        return _control({"faults": [fault.spec for fault in faults]})

    async def set_clock(self, request: Request) -> Answer:
        """Answer ``POST /simulator/clock``.

        The body is ``{"now": "2026-11-20T05:00:00Z"}``, ``{"now": null}`` for the real clock, or
        ``{"advance_seconds": 3600}``, which makes the clock stand still where it arrives.
        """
        try:
            second = _second(await _json_object(request), self.clock.now())
            if second is not None:
                self.market.check_clock(second)
        except ConfigurationError as error:
            return _control({"error": str(error)}, 400)
        self.clock.stand_at(second)
        return _control({"clock": self.clock.isoformat(), "clock_fixed": self.clock.is_fixed})


def _second(body: dict[str, Any], now: int) -> int | None:
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
