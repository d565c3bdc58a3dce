"""The simulated market: prices that obey the exchange, the same on every day and in every window."""

from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miraikakaku_assets.simulator.core.config import SimulatorConfig
from miraikakaku_assets.simulator.core.noise import Noise
from miraikakaku_assets.simulator.core.sessions import exchange_grid
from miraikakaku_assets.simulator.listings.issues import Listing, Trading, listings
from miraikakaku_assets.simulator.prices import tse_rules
from miraikakaku_assets.simulator.prices.daily_path import DailyPath, Span, daily_path
from miraikakaku_assets.simulator.prices.five_minutes import five_minute_bars
from miraikakaku_assets.simulator.prices.price_model import PriceModel, tse_model
from miraikakaku_assets.simulator.prices.quotes import Quotes
from miraikakaku_assets.simulator.prices.walk import MarketFactor
from miraikakaku_assets.simulator.world.world import World

SEED = 7
NOON = datetime(2026, 11, 20, 5, 2, 30, tzinfo=UTC)  # Friday 14:02:30 in Tokyo, mid-session
EVENING = NOON.replace(hour=14)  # Tokyo closed and settled
ISSUES = list(islice(listings(SEED), 400))
TRADED = [issue for issue in ISSUES if issue.trading is Trading.NORMAL]
TOKYO = exchange_grid("XTKS", 2028)
SESSIONS = TOKYO.opened(int(EVENING.timestamp()))
MARKET = MarketFactor.of(TOKYO, SEED)


def second(moment: datetime) -> int:
    return int(moment.timestamp())


def path_of(issue: Listing, sessions: int = SESSIONS, since: int = 0) -> tuple[PriceModel, DailyPath]:
    model = tse_model(SEED, issue)
    path = daily_path(model, Noise(SEED, issue.symbol), TOKYO, MARKET, Span(0, since, sessions))
    return model, path


def served(quotes: Quotes | None) -> Quotes:
    assert quotes is not None
    return quotes


@pytest.fixture(scope="module")
def world() -> World:
    return World(SimulatorConfig(seed=SEED), second(NOON))


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(TRADED))
def test_daily_bars_are_sane_on_ticks_and_within_the_limits_of_the_exchange(issue: Listing) -> None:
    model, path = path_of(issue)
    columns = (path.open, path.high, path.low, path.close)
    fine = model.prices.is_fine
    assert all(np.array_equal(tse_rules.on_tick(column, fine=fine), column) for column in columns)
    assert (path.high >= np.maximum(path.open, path.close)).all()
    assert (path.low <= np.minimum(path.open, path.close)).all()
    assert (path.volume % model.lot == 0).all()
    ratio = np.ones(len(path.close))
    for split in path.splits:
        ratio[split.session] = split.ratio
    base = np.concatenate((path.close[:1], path.close[:-1])) / ratio
    lowest, highest = tse_rules.limit_band(base, fine=fine)
    trading = path.volume > 0
    trading[0] = False  # a first session has no base price
    assert (path.low >= lowest)[trading].all()
    assert (path.high <= highest)[trading].all()
    standing = np.flatnonzero((path.volume == 0) & (ratio == 1))
    assert (path.close[standing] == base[standing]).all()


def test_price_limits_and_ticks_are_those_the_exchange_publishes() -> None:
    lowest, highest = tse_rules.limit_band(np.array([99.0, 999.0, 1000.0, 2999.0, 4990.0]), fine=False)
    assert lowest.tolist() == [69, 849, 700, 2499, 4290]
    assert highest.tolist() == [129, 1149, 1300, 3495, 5690]  # 3499 is no 5-yen tick: rounded inwards
    prices = np.array([999.96, 2999.8, 3002.4, 9999.6, 49_999.0])
    assert tse_rules.on_tick(prices, fine=False).tolist() == [1000, 3000, 3000, 10_000, 50_000]
    assert tse_rules.on_tick(prices, fine=True).tolist() == [1000, 3000, 3002, 10_000, 50_000]


def test_returns_have_fat_tails_and_clustered_volatility() -> None:
    returns = [np.diff(np.log(path_of(issue)[1].close)) for issue in TRADED[:60]]
    pooled = np.concatenate([moves[np.abs(moves) < 0.3] for moves in returns])
    assert 0.01 < pooled.std() < 0.03
    assert ((pooled - pooled.mean()) ** 4).mean() / pooled.var() ** 2 > 4
    size = [np.abs(moves) for moves in returns]
    assert np.mean([np.corrcoef(sizes[1:], sizes[:-1])[0, 1] for sizes in size]) > 0.05


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(TRADED), st.integers(SESSIONS - 700, SESSIONS), st.integers(0, SESSIONS - 800))
def test_a_bar_does_not_depend_on_the_window_or_the_clock(issue: Listing, sessions: int, since: int) -> None:
    whole, part = path_of(issue)[1], path_of(issue, sessions, since)[1]
    for name in ("open", "high", "low", "close", "volume"):
        assert np.array_equal(getattr(whole, name)[since:sessions], getattr(part, name))


def test_worlds_of_one_seed_agree_whatever_is_asked_first_and_other_seeds_differ(world: World) -> None:
    other = World(SimulatorConfig(seed=SEED, symbols=150), second(NOON))
    shared = [name for name in other.symbols()["jp"] if name in world.symbols()["jp"]]
    assert len(shared) > 100
    for name in reversed(shared):
        mine, theirs = world.quotes(name, second(NOON)), other.quotes(name, second(NOON))
        assert (mine is None) == (theirs is None)
        if mine is not None and theirs is not None:
            assert np.array_equal(mine.daily.close, theirs.daily.close, equal_nan=True)
    strange = served(World(SimulatorConfig(seed=8, symbols=5), second(NOON)).quotes("7203.T", second(NOON)))
    same_days = served(world.quotes("7203.T", second(NOON))).daily.close
    assert not np.array_equal(strange.daily.close, same_days)


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(TRADED), st.lists(st.integers(0, SESSIONS - 1), min_size=1, max_size=8, unique=True))
def test_five_minute_bars_agree_with_their_daily_bar(issue: Listing, sessions: list[int]) -> None:
    model, path = path_of(issue)
    bars = five_minute_bars(model, Noise(SEED, issue.symbol), TOKYO, path, np.array(sorted(sessions)))
    assert (np.diff(bars.stamps) > 0).all()
    for session in sessions:
        day = bars.between(int(TOKYO.opens[session]), int(TOKYO.closes[session]))
        assert len(day) == (int(TOKYO.closes[session]) - int(TOKYO.opens[session])) // 300
        traded = ~np.isnan(day.close)
        assert traded.any() == (path.volume[session] > 0)
        if traded.any():
            assert day.open[traded][0] == path.open[session]
            assert np.nanmax(day.high) == path.high[session]
            assert np.nanmin(day.low) == path.low[session]
            assert np.nansum(day.volume) <= path.volume[session]
            assert (day.high[traded] >= np.maximum(day.open, day.close)[traded]).all()
            assert (day.low[traded] <= np.minimum(day.open, day.close)[traded]).all()


@pytest.mark.parametrize(
    ("day", "closing", "silent"),
    [(date(2024, 11, 1), "15:00", "11:35"), (date(2024, 11, 5), "15:30", "15:25")],
)
def test_lunch_is_null_and_the_closing_auction_is_missing(day: date, closing: str, silent: str) -> None:
    model, path = path_of(next(issue for issue in TRADED if issue.code == "7203"))
    session = TOKYO.first_on_or_after(day)
    bars = five_minute_bars(model, Noise(SEED, "7203.T"), TOKYO, path, np.array([session]))
    clock = [datetime.fromtimestamp(stamp, TOKYO.zone).strftime("%H:%M") for stamp in bars.stamps.tolist()]
    null = {time for time, close in zip(clock, bars.close.tolist(), strict=True) if np.isnan(close)}
    lunch = {f"11:{minute}" for minute in range(35, 60, 5)}
    lunch |= {f"12:{minute:02}" for minute in range(0, 30, 5)}
    assert clock[0] == "09:00"
    assert datetime.fromtimestamp(int(TOKYO.closes[session]), TOKYO.zone).strftime("%H:%M") == closing
    assert null == lunch | {silent}
    noon = clock.index("11:30")  # the single print of the morning's closing auction
    assert bars.high[noon] == bars.low[noon] == bars.close[noon]
    assert 0.5 < np.nansum(bars.volume) / path.volume[session] < 0.8


def test_new_york_has_half_days() -> None:
    grid = exchange_grid("XNYS", 2028)
    opened = int(grid.opens[grid.first_on_or_after(date(2025, 11, 28))])
    later = opened + 86_400
    assert len(World(SimulatorConfig(), later).five_minutes("AAPL", opened, later, later)) == 42


def test_currencies_trade_from_monday_morning_to_saturday_morning_in_japan(world: World) -> None:
    start = second(datetime(2026, 10, 19, tzinfo=UTC))
    bars = world.five_minutes("USDJPY=X", start, start + 14 * 86_400, second(NOON))
    japan = [datetime.fromtimestamp(stamp, TOKYO.zone) for stamp in bars.stamps.tolist()]
    gaps = [(a, b) for a, b in pairwise(japan) if b - a > timedelta(minutes=5)]
    # London leaves summer time on 2026-10-25 and New York a week later: the week begins at 09:00 after the one, and
    # ends at 06:00 until the other.
    assert [(f"{a:%a %H:%M}", f"{b:%a %H:%M}") for a, b in gaps] == [("Sat 05:55", "Mon 09:00")]
    assert f"{japan[-1]:%a %H:%M}" == "Sat 05:55"
    assert not bars.volume.any()


def test_the_running_session_is_one_provisional_bar_that_grows_and_then_settles(world: World) -> None:
    opened = int(TOKYO.opens[SESSIONS - 1])
    noon, later = (served(world.quotes("7203.T", second(NOON) + wait)) for wait in (0, 1800))
    assert noon.live is not None
    assert later.live is not None
    assert noon.live.stamps.tolist() == [second(NOON)]
    assert noon.daily.stamps[-1] < opened
    minutes = world.five_minutes("7203.T", opened, opened + 86_400, second(NOON))
    assert noon.live.open[0] == minutes.open[0]
    assert noon.live.high[0] == np.nanmax(minutes.high)
    assert noon.live.close[0] == minutes.close[-1]
    assert noon.live.volume[0] == np.nansum(minutes.volume) < later.live.volume[0]
    grown = world.five_minutes("7203.T", opened, opened + 86_400, second(NOON) + 1800)
    last = len(minutes) - 1  # half of its five minutes had passed
    assert grown.open[last] == minutes.open[last]
    assert 0.4 * grown.volume[last] < minutes.volume[last] <= 0.5 * grown.volume[last]
    closed = served(world.quotes("7203.T", int(TOKYO.closes[SESSIONS - 1]) + 60))
    settled = served(world.quotes("7203.T", second(EVENING)))
    assert closed.live is not None
    assert closed.live.stamps[0] - TOKYO.closes[SESSIONS - 1] == 0
    assert settled.live is None
    assert settled.daily.stamps[-1] == opened
    assert settled.daily.close[-1] == closed.live.close[0]


def recent_split() -> tuple[Listing, int]:
    """An issue and the index of its split among the last sessions."""
    for issue in TRADED:
        for split in path_of(issue)[1].splits:
            if split.session >= SESSIONS - 600 and issue.listed.year == 2016 and issue.delisted is None:
                return issue, split.session
    raise AssertionError("no split")


def test_history_is_rescaled_when_a_split_becomes_effective(world: World) -> None:
    issue, session = recent_split()
    symbol = issue.symbol
    before = served(world.quotes(symbol, int(TOKYO.opens[session]) - 3600)).daily
    after = served(world.quotes(symbol, int(TOKYO.closes[session]) + 4 * 3600))
    split = after.splits[-1]
    assert split.stamp == TOKYO.opens[session]
    ratio = split.numerator / split.denominator
    assert after.daily.close[-1] == path_of(issue)[1].close[session]
    assert np.allclose(after.daily.close[: len(before)] * ratio, before.close)
    assert np.allclose(after.daily.volume[: len(before)] / ratio, before.volume)
    start = int(TOKYO.opens[session - 1])
    minutes = world.five_minutes(symbol, start, start + 86_400, int(TOKYO.closes[session]))
    assert np.nanmax(minutes.high) == pytest.approx(after.daily.high[after.daily.stamps == start][0])


def test_adjclose_scales_every_close_before_an_ex_date_by_its_dividend(world: World) -> None:
    quotes = served(world.quotes("7203.T", second(EVENING)))
    bars, last = quotes.daily, quotes.dividends[-1]
    assert bars.adjclose is not None
    row = int(np.searchsorted(bars.stamps, last.stamp))
    assert np.array_equal(bars.adjclose[row:], bars.close[row:])
    assert bars.adjclose[row - 1] == pytest.approx(bars.close[row - 1] - last.amount)
    assert len(quotes.dividends) in {5, 6}


def test_who_is_not_listed_is_unknown_and_who_never_trades_shows_it() -> None:
    big = World(SimulatorConfig(symbols=1500), second(EVENING))
    seen = dict.fromkeys(Trading, 0)
    for issue in big.members.listings:
        quotes = big.quotes(issue.symbol, second(EVENING))
        if not issue.is_listed(date(2026, 11, 20)) or issue.trading is Trading.UNKNOWN:
            assert quotes is None
            continue
        seen[issue.trading] += 1
        bars = served(quotes).daily
        if issue.trading is Trading.FLAT:
            assert not bars.volume.any()
            assert len(set(bars.close.tolist())) == 1
        elif issue.trading is Trading.NULL:
            assert np.isnan(bars.close).all()
        elif issue.trading is Trading.EMPTY:
            assert not len(bars)
        elif len(bars):
            first = datetime.fromtimestamp(int(bars.stamps[0]), TOKYO.zone).date()
            assert first >= issue.listed
            assert served(quotes).first_trade <= bars.stamps[0]
        holidays = np.isin(bars.stamps, TOKYO.holidays)
        assert holidays.any() == (issue.fills_holidays and len(bars) > 30)
        assert not bars.volume[holidays].any()
    assert min(seen[kind] for kind in (Trading.NORMAL, Trading.FLAT, Trading.NULL, Trading.EMPTY)) > 0
    assert any(issue.fills_holidays for issue in big.members.listings)


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(TRADED), st.integers(0, 700))
def test_an_answer_of_some_days_is_the_end_of_the_answer_of_years(issue: Listing, days: int) -> None:
    now, since = second(EVENING), second(EVENING) - days * 86_400
    few, all_of_them = (
        World(SimulatorConfig(symbols=400), now).quotes(issue.symbol, now, s) for s in (since, 0)
    )
    if few is None or all_of_them is None:
        assert few is all_of_them
        return
    part, whole = few.daily.between(since, now), all_of_them.daily.between(since, now)
    for name in ("stamps", "open", "high", "low", "close", "volume", "adjclose"):
        assert np.array_equal(getattr(part, name), getattr(whole, name), equal_nan=True)
    assert [dividend for dividend in all_of_them.dividends if dividend.stamp >= since] == [
        dividend for dividend in few.dividends if dividend.stamp >= since
    ]


def test_sessions_are_those_of_the_reference_calendar(real_data: Path) -> None:
    table = pl.read_csv(real_data / "calendar" / "xtks.csv.gz")
    opens = {row[0][:10]: (row[1], row[2]) for row in table.iter_rows()}
    ours = [str(day) for day in TOKYO.days.astype("datetime64[D]")]
    common = [day for day in ours if day <= max(opens)]
    assert common == [day for day in opens if day >= ours[0]]
    for place, day in enumerate(common):
        stamps = (int(TOKYO.opens[place]), int(TOKYO.closes[place]))
        assert opens[day] == tuple(
            f"{datetime.fromtimestamp(stamp, UTC):%Y-%m-%dT%H:%M:%SZ}" for stamp in stamps
        )
