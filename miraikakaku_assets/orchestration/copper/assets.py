"""The copper curve: one asset, not partitioned, as contract months come and go."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from miraikakaku_assets.application.copper.collect_curve import CurveReport, collect_curve
from miraikakaku_assets.application.copper.curve_totals import curve_totals
from miraikakaku_assets.application.copper.curve_view import CurvePoint, CurveView, curve_view
from miraikakaku_assets.bootstrap import price_vendor
from miraikakaku_assets.domain.errors import MiraikakakuError, WorkFellShortError
from miraikakaku_assets.domain.market.instruments import COPPER
from miraikakaku_assets.orchestration.failures import failure
from miraikakaku_assets.orchestration.resources import PortsResource
from miraikakaku_assets.orchestration.stage_reports import hand_back
from miraikakaku_assets.orchestration.universes import described

CURVE = dg.AssetKey(["copper", "futures_curve"])
_TEXT = (
    "Copper for several dates of delivery: the LME's official prices for cash and three months with the stock in its "
    "warehouses (LME_PRICE_SOURCE), and the contract months of COMEX that are traded (H, K, N, U, Z). Each quote knows "
    "its unit, its price in USD/t and when it became known. Contango or backwardation, the spread of cash over three "
    "months with its percentile over all stored sessions, slope, roll yield and the roll by volume. What is refused "
    "goes to `quarantined_copper_quotes` with its rule."
)
curve_type = Iterator[dg.MaterializeResult]  # type: ignore[type-arg] # it carries no value


def _columns() -> list[dg.TableColumn]:
    return [
        dg.TableColumn("contract", "text", description="LME-CU-CASH, LME-CU-3M, or a month like HGZ26.CMX"),
        dg.TableColumn("session", "date", description="Exchange date"),
        dg.TableColumn("tenor", "text", description="cash, 3M, or the month of delivery"),
        dg.TableColumn("price", "double", description="As quoted"),
        dg.TableColumn("unit", "text", description="USD/t, USD/lb, cents/lb or CNY/t"),
        dg.TableColumn("usd_per_tonne", "double", description="The same in USD/t; null in yuan"),
        dg.TableColumn("volume", "bigint", description="Contracts; null of official prices"),
        dg.TableColumn("expires", "date", description="Last trading day; null of the LME's tenors"),
        dg.TableColumn("source", "text", description="Where it came from"),
        dg.TableColumn("known_at", "timestamptz", description="When it became known (UTC)"),
        dg.TableColumn("fetched_at", "timestamptz", description="When it was delivered (UTC)"),
    ]


@dg.asset(
    key=CURVE,
    pool=price_vendor().pool,
    **described(COPPER, "lme_copper_futures", _TEXT, {"postgres"}, _columns()),
)
def futures_curve(context: dg.AssetExecutionContext, ports: PortsResource) -> curve_type:
    """Collects the curve and says what it is."""
    use = ports.use
    try:
        use.sources.admit_prices()
        report = collect_curve(use.curve_collection)
        view = curve_view(use.stores.curve)
    except MiraikakakuError as error:
        raise failure(error) from error
    totals = hand_back(context, use, COPPER, curve_totals(report, view))
    yield dg.MaterializeResult(metadata={**totals, **_pictures(view)})
    broken = _broken(report)
    if broken:
        raise failure(WorkFellShortError(broken))


def _broken(report: CurveReport) -> str:
    """Which sources failed as a whole; a contract month that the source has lost leaves the curve with the others."""
    return "; ".join(
        why for source in report.sources if source.counts is None for why in source.failures.values()
    )


def _pictures(view: CurveView) -> dict[str, Any]:
    from miraikakaku_assets.adapters.charts.copper import curve_chart, spread_chart
    from miraikakaku_assets.adapters.charts.png import as_markdown

    points = [(_label(point), point.usd_per_tonne) for point in view.points if point.usd_per_tonne]
    pictures: dict[str, Any] = {
        "curve": dg.MetadataValue.md(as_markdown(curve_chart(points, str(view.as_of)), "The curve")),
        "points": dg.MetadataValue.table(records=[_record(point) for point in view.points]),
    }
    if not view.history.is_empty():
        picture = spread_chart(view.history)
        pictures["cash_over_three_months"] = dg.MetadataValue.md(
            as_markdown(picture, "Cash over three months")
        )
    return pictures


def _label(point: CurvePoint) -> str:
    return f"LME {point.tenor}" if point.expires is None else point.contract.removesuffix(".CMX")


def _record(point: CurvePoint) -> dg.TableRecord:
    return dg.TableRecord(
        {
            "contract": point.contract,
            "session": str(point.session),
            "price": point.price,
            "unit": point.unit,
            "USD/t": "–" if point.usd_per_tonne is None else round(point.usd_per_tonne, 1),
            "volume": "–" if point.volume is None else point.volume,
            "expires": str(point.expires or "–"),
        }
    )
