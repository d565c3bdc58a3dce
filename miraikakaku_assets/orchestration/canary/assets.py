"""Canaries: whether the sources answer as usual. Put here: one asset for all of them. Keep out: judging."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import dagster as dg

from miraikakaku_assets.application.alerting.conditions.source_alerts import judge_source_clock
from miraikakaku_assets.application.monitoring.probe_sources import ProbeRound, probe_sources
from miraikakaku_assets.bootstrap import price_vendor
from miraikakaku_assets.domain.errors import MiraikakakuError
from miraikakaku_assets.domain.market.source_health import Health, Probe
from miraikakaku_assets.domain.words import counted
from miraikakaku_assets.orchestration.failures import failure
from miraikakaku_assets.orchestration.resources import PortsResource
from miraikakaku_assets.orchestration.universes import OWNERS

SOURCE_CANARY = dg.AssetKey(["market", "source_canary"])
_FOUR_ROUNDS = timedelta(hours=1)
_RETRY_DELAYS = 10
"""Times RETRY_DELAY until a round that was turned away altogether is asked again: 20 seconds by default."""
_VENDOR = price_vendor()
_DESCRIPTION = f"""{_VENDOR.title} asked for one symbol of each kind (CANARY_SYMBOLS), one small request each, every \
15 minutes.

The answers steer the speed of all collections: when several symbols fail or answers take three times as
long as usual, the request rate is halved for twenty minutes; when every symbol is turned away, twice within \
half a minute, nobody asks for a while; when all answer again, the rate grows. Written to `source_probes`. A symbol \
without a good answer fails the run, after its figures have been recorded."""

canary_type = Iterator[dg.MaterializeResult]  # type: ignore[type-arg] # it carries no value


@dg.asset(
    key=SOURCE_CANARY,
    group_name="market",
    kinds={_VENDOR.name, "postgres"},
    check_specs=[
        dg.AssetCheckSpec(
            "every_symbol_answers",
            asset=SOURCE_CANARY,
            description="Every canary was answered with prices of its own, the newest of them recent.",
        ),
        dg.AssetCheckSpec(
            "source_healthy",
            asset=SOURCE_CANARY,
            description="The source answers about as fast as in the last day and turns nobody away.",
        ),
        dg.AssetCheckSpec(
            "clocks_agree",
            asset=SOURCE_CANARY,
            description="The source's clock and ours are less than five minutes apart.",
        ),
    ],
    freshness_policy=dg.FreshnessPolicy.time_window(fail_window=_FOUR_ROUNDS),
    description=_DESCRIPTION,
    owners=OWNERS,
    tags={"market": "all"},
)
def source_canary(ports: PortsResource) -> canary_type:
    """Asks the price source for its canaries and lets the request rate follow from the answers."""
    use = ports.use
    try:
        use.sources.admit_prices()
        probed = probe_sources(
            use.settings.canaries,
            source=use.sources.probe,
            store=use.stores.probes,
            rate=use.sources.rate_limiter,
            clock=use.clock,
            ask_again_after=_RETRY_DELAYS * use.settings.retry_delay,
        )
    except MiraikakakuError as error:
        raise failure(error) from error
    judge_source_clock(use.sources.probe.name, probed.clock_skew_seconds, use.notices.alerting)
    yield dg.MaterializeResult(metadata=_metadata(probed), check_results=_checks(probed))
    if probed.failures:
        named = ", ".join(f"{symbol} ({verdict})" for symbol, verdict in probed.failures.items())
        raise dg.Failure(
            f"{len(probed.failures)} of {counted(len(probed.probes), 'canary symbol')} without a good answer: {named}; "
            f"the source is {probed.judgement.health}: {probed.judgement.reason}",
            metadata={"failed_symbols": len(probed.failures)},
            allow_retries=False,
        )


def _metadata(probed: ProbeRound) -> dict[str, Any]:
    """Figures of the round; numbers are plotted over time by the web UI."""
    judged, rate = probed.judgement, probed.rate
    optional = {
        "latency_ms": _milliseconds(judged.latency),
        "usual_latency_ms": _milliseconds(judged.usual_latency),
        "clock_skew_seconds": probed.clock_skew_seconds,
        "resume_at": rate.resume_at and rate.resume_at.isoformat(),
        **{
            f"latency_ms {probe.symbol}": _milliseconds(probe.latency)
            for probe in probed.probes
            if probe.verdict == "ok"
        },
    }
    return {
        "health": judged.health.value,
        "reason": judged.reason,
        "failed_symbols": len(probed.failures),
        "success_share": judged.success_share,
        "requests": sum(probe.requests for probe in probed.probes),
        "rate": rate.rate,
        "maximum_rate": rate.maximum,
        "breaker": rate.breaker.value,
        "refusals_in_a_row": rate.refusals,
        **{name: value for name, value in optional.items() if value is not None},
        "probes": dg.MetadataValue.table(records=[_record(probe) for probe in probed.probes]),
    }


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 1)


def _record(probe: Probe) -> dg.TableRecord:
    latency = _milliseconds(probe.latency)
    return dg.TableRecord(
        {
            "symbol": probe.symbol,
            "verdict": probe.verdict,
            "latency ms": "–" if latency is None else latency,
            "requests": probe.requests,
            "newest session": str(probe.newest_session or "–"),
        }
    )


def _checks(probed: ProbeRound) -> list[dg.AssetCheckResult]:
    skew, failures = probed.clock_skew_seconds, probed.failures
    silent = ", ".join(f"{symbol} ({verdict})" for symbol, verdict in failures.items())
    return [
        dg.AssetCheckResult(
            check_name="every_symbol_answers",
            passed=not failures,
            description=f"No good answer: {silent}."
            if silent
            else f"All {len(probed.probes)} symbols answer.",
            metadata={"failures": dg.MetadataValue.json(failures)},
        ),
        dg.AssetCheckResult(
            check_name="source_healthy",
            passed=probed.judgement.health in {Health.HEALTHY, Health.RECOVERED},
            severity=dg.AssetCheckSeverity.WARN,
            description=f"The source is {probed.judgement.health}: {probed.judgement.reason}",
            metadata={"health": probed.judgement.health.value, "reason": probed.judgement.reason},
        ),
        dg.AssetCheckResult(
            check_name="clocks_agree",
            passed=skew is None,
            severity=dg.AssetCheckSeverity.WARN,
            description="The clocks agree."
            if skew is None
            else f"This machine's clock is {skew:+,.0f} s off.",
            metadata={} if skew is None else {"clock_skew_seconds": round(skew)},
        ),
    ]
