"""Use case: collect official prices, stocks and contract months; store the good ones and name the others."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from miraikakaku_assets.application.ports import Clock
from miraikakaku_assets.application.ports.copper import CurveStore, QuoteCounts, QuoteDelivery, QuoteSource
from miraikakaku_assets.domain.copper.quotes import judge_quotes, judge_stocks
from miraikakaku_assets.domain.errors import MiraikakakuError, WorkFellShortError


@dataclass(frozen=True)
class CurvePorts:
    """What collecting the curve needs.

    Attributes:
        sources: Where quotes come from, each asked once.
        store: Where they are stored.
        clock: Where the time comes from.
    """

    sources: Sequence[QuoteSource]
    store: CurveStore
    clock: Clock


@dataclass(frozen=True)
class SourceReport:
    """What came of one source.

    Attributes:
        source: Its name.
        counts: What has changed; None where nothing came.
        rules: Rule → refused quotes.
        requests: Requests or files it took.
        failures: Contract, or the source's own name, → why it could not be served.
    """

    source: str
    counts: QuoteCounts | None
    rules: dict[str, int]
    requests: int
    failures: dict[str, str]


@dataclass(frozen=True)
class CurveReport:
    """What came of a collection of the curve."""

    sources: tuple[SourceReport, ...]

    @property
    def failures(self) -> dict[str, str]:
        """Everything that could not be served."""
        return {name: why for report in self.sources for name, why in report.failures.items()}


def collect_curve(ports: CurvePorts, since: date | None = None) -> CurveReport:
    """Asks every source once; one that fails leaves the others alone.

    Args:
        ports: What it needs.
        since: First session wanted; None for everything the sources have.

    Raises:
        WorkFellShortError: No source could be asked at all.
        DependencyUnavailableError: The only source, or all of them, cannot be reached.
    """
    reports, errors = [], list[MiraikakakuError]()
    for source in ports.sources:
        try:
            delivery = source.deliver(since)
        except MiraikakakuError as error:
            errors.append(error)
            reports.append(SourceReport(source.name, None, {}, 0, {source.name: str(error)}))
            continue
        reports.append(_stored(delivery, ports))
    if errors and len(errors) == len(reports):
        raise errors[0]
    if not reports:
        raise WorkFellShortError("No source of copper is named, so the curve was not collected")
    return CurveReport(tuple(reports))


def _stored(delivery: QuoteDelivery, ports: CurvePorts) -> SourceReport:
    now = ports.clock()
    judged = judge_quotes(delivery.quotes, now)
    stocks = judge_stocks(delivery.stocks, now)
    counts = ports.store.write(delivery.source, judged, stocks, now)
    rules = Counter(judged.refused["rule"].to_list())
    return SourceReport(delivery.source, counts, dict(rules), delivery.requests, dict(delivery.failures))
