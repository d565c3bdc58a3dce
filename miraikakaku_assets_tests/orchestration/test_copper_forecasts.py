"""Copper at 07:00 in Tokyo, from the exchanges' prices to a forecast of LME three months that is scored days later."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from math import log
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

from miraikakaku_assets.domain.forecasting.baselines import Drift, RandomWalk
from miraikakaku_assets.domain.market.sessions import sessions_between
from miraikakaku_assets.orchestration.resources import PortsResource
from miraikakaku_assets_tests.fakes.simulated import Simulated, simulated
from miraikakaku_assets_tests.support.installations.forecast_runs import use
from miraikakaku_assets_tests.support.installations.installation import Installation, installed

pytestmark = pytest.mark.slow

SEVEN = datetime(2026, 8, 21, 7, tzinfo=ZoneInfo("Asia/Tokyo")).astimezone(
    UTC
)  # a Friday; London's Thursday is known
CLOSES = """SELECT b.ts::date, b.close FROM miraikakaku.price_bars b JOIN miraikakaku.instruments i
    ON i.id = b.instrument_id WHERE i.symbol = 'LME-CU-3M' AND b.timeframe = '1d' ORDER BY 1"""


@pytest.fixture(scope="module")
def quiet_exchange() -> Iterator[Simulated]:
    with simulated(symbols=1, us_symbols=0, now=SEVEN) as running:
        yield running


def ticked(site: Installation, schedule: str, at: datetime) -> dg.ExecuteInProcessResult:
    """The run that a schedule launches at a moment."""
    repository = site.definitions.get_repository_def()
    with dg.build_schedule_context(
        instance=site.instance,
        scheduled_execution_time=at,
        repository_def=repository,
        resources={"ports": PortsResource()},
    ) as context:
        ticking = repository.get_schedule_def(schedule)
        (request,) = ticking.evaluate_tick(context).run_requests or ()
    return site.run(ticking.job_name, tags=dict(request.tags))


def test_seven_oclock_ends_in_a_forecast_of_three_months_that_is_scored(
    exchange: Simulated, installed_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [SEVEN]
    options = {"history_start": "2026-05-01", "requests_per_second": 500.0}
    with installed(exchange, installed_url, tmp_path, monkeypatch, lambda: clock[0], **options) as site:
        use(site, RandomWalk(), Drift())
        assert ticked(site, "copper_pipeline", SEVEN).success
        assert ticked(site, "copper_curve", SEVEN).success
        assert site.run("copper_predict_symbols").success

        thursday = date(2026, 8, 20)
        closes = dict(site.rows(CLOSES))
        assert max(closes) == thursday
        assert list(closes) == sessions_between("LME", date(2026, 5, 1), thursday)
        made = site.rows(
            "SELECT p.as_of, p.target, p.close, p.made_at FROM miraikakaku.daily_predictions p "
            "JOIN miraikakaku.instruments i ON i.id = p.instrument_id "
            "WHERE i.symbol = 'LME-CU-3M' AND p.model = 'random_walk' AND p.horizon = 1"
        )
        ((as_of, target, close, made_at),) = made
        assert (as_of, target, close) == (thursday, date(2026, 8, 21), closes[thursday])
        assert made_at < datetime(2026, 8, 21, 12, tzinfo=UTC)  # before London fixes the price it is about
        curve = site.rows(
            "SELECT contract, price, known_at FROM miraikakaku.lme_copper_futures "
            "WHERE session = '2026-08-20' ORDER BY 1"
        )
        assert [row[0] for row in curve][-2:] == ["LME-CU-3M", "LME-CU-CASH"]
        assert curve[-2][1:] == (closes[thursday], datetime(2026, 8, 20, 12, tzinfo=UTC))
        assert len(curve) == 8
        (shown,) = site.rows(
            "SELECT count(*) FROM miraikakaku.lme_copper_stocks WHERE session = '2026-08-20'"
        )
        assert shown == (1,)

        clock[0] = SEVEN + timedelta(days=3)  # Monday
        exchange.set_clock(clock[0])
        assert ticked(site, "copper_pipeline", clock[0]).success
        assert site.run("copper_performance_job").success

        ((actual,),) = site.rows(
            "SELECT o.actual FROM miraikakaku.prediction_outcomes o JOIN miraikakaku.instruments i "
            "ON i.id = o.instrument_id WHERE i.symbol = 'LME-CU-3M' AND o.as_of = '2026-08-20' AND o.horizon = 1"
        )
        later = dict(site.rows(CLOSES))
        assert actual == pytest.approx(log(later[date(2026, 8, 21)] / later[thursday]))
