"""What a collection of the curve reports: the account of its sources, and what the curve says afterwards."""

from collections import Counter

from miraikakaku_assets.application.copper.collect_curve import CurveReport
from miraikakaku_assets.application.copper.curve_view import CurveView
from miraikakaku_assets.application.stage_reports import CurveTotals


def curve_totals(report: CurveReport, view: CurveView) -> CurveTotals:
    """The figures of a collection and of the curve."""
    counts = [source.counts for source in report.sources if source.counts is not None]
    refused = Counter[str]()
    for source in report.sources:
        refused.update(source.rules)
    spread, comex, stocks = view.spread, view.comex, view.stocks
    return CurveTotals(
        as_of=view.as_of,
        contracts=len(view.points),
        quotes_inserted=sum(count.inserted for count in counts),
        quotes_restated=sum(count.restated for count in counts),
        quotes_unchanged=sum(count.unchanged for count in counts),
        refused=dict(refused),
        sources={source.source: source.requests for source in report.sources},
        lost=report.failures,
        regime=spread.regime.value if spread else None,
        spread=spread.spread if spread else None,
        spread_percentile=spread.percentile if spread else None,
        slope=comex.slope if comex else None,
        roll_yield=comex.roll_yield if comex else None,
        stock_tonnes=stocks.tonnes if stocks else None,
    )
