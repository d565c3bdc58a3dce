"""What was known when: joins on moments, nights with holidays on one side, and cuts that keep parts apart."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.forecasting.judging.cuts import (
    EVALUATION_SETS,
    EvaluationSet,
    Part,
    evaluation_set,
)
from miraikakaku_assets.domain.forecasting.timing.known_at import (
    AsOfJoin,
    known_then,
    morning_moments,
    morning_of,
    official_known_at,
    official_moments,
    settlement_known_at,
    since_then,
)
from miraikakaku_assets.domain.market.sessions import FINAL_AFTER, session_table

TOKYO = session_table("XTKS").filter(pl.col("session").is_between(date(2024, 1, 4), date(2024, 12, 30)))
NEW_YORK = session_table("XNYS").filter(pl.col("session").is_between(date(2024, 1, 2), date(2024, 12, 30)))
EVERY_SESSION = NEW_YORK.select(known_at=pl.col("closes") + FINAL_AFTER, us_night=pl.lit(0.01))


def night_after(origin: date) -> dict[str, object]:
    nights = since_then(morning_moments(TOKYO, "Asia/Tokyo"), EVERY_SESSION, "us_night")
    return nights.filter(session=origin).row(0, named=True)


@pytest.mark.parametrize(
    ("origin", "sessions"),
    [
        (date(2024, 6, 4), 1),  # a Tuesday
        (date(2024, 6, 7), 1),  # a Friday: New York's Friday is known on Monday
        (date(2024, 7, 3), 1),  # half a day in New York
        (date(2024, 7, 4), 0),  # Independence Day: no night at all
        (date(2024, 5, 2), 3),  # Tokyo rests on the 3rd and the 6th: New York's 2nd, 3rd and 6th
    ],
)
def test_a_night_is_the_sum_of_the_sessions_in_between(origin: date, sessions: int) -> None:
    night = night_after(origin)
    assert night["us_night_sessions"] == sessions
    if sessions:
        assert night["us_night"] == pytest.approx(0.01 * sessions)
    else:
        assert night["us_night"] is None


def test_the_evening_knows_no_night() -> None:
    evening = TOKYO.select("session", closed_at="closes", made_at=pl.col("closes") + FINAL_AFTER)
    assert since_then(evening, EVERY_SESSION, "us_night")["us_night"].null_count() == TOKYO.height


def test_a_value_is_known_from_its_moment_on_and_not_for_ever() -> None:
    at = datetime(2024, 3, 1, 12, tzinfo=UTC)
    moments = pl.DataFrame(
        {"made_at": [at - timedelta(seconds=1), at, at + timedelta(days=3)], "closed_at": [at] * 3}
    )
    values = pl.DataFrame({"known_at": [at], "close": [4.0]})
    assert known_then(moments, values)["close"].to_list() == [None, 4.0, 4.0]
    old = AsOfJoin(timedelta(days=2))
    assert known_then(moments, values, old)["close"].to_list() == [None, 4.0, None]
    newer = AsOfJoin(after="closed_at")  # as old as the own close: it is in the price
    assert known_then(moments, values, newer)["close"].to_list() == [None, None, None]


def test_settlements_follow_new_york_and_official_prices_london() -> None:
    days = pl.DataFrame({"day": [date(2024, 1, 15), date(2024, 3, 15), date(2024, 7, 15)]})
    hours = days.select(
        settled=settlement_known_at(pl.col("day")).dt.hour(),
        official=official_known_at(pl.col("day")).dt.hour(),
    )
    assert hours["settled"].to_list() == [18, 17, 17]  # on 2024-03-15 only New York has summer time
    assert hours["official"].to_list() == [13, 13, 12]
    moments = official_moments(days["day"])
    assert (moments["closed_at"] < moments["made_at"]).all()


def test_a_morning_is_before_the_session_of_its_day() -> None:
    early = datetime(2024, 6, 4, 23, 0, tzinfo=UTC)  # 08:00 of the 5th in Tokyo
    assert morning_of(TOKYO, "Asia/Tokyo", early) == (date(2024, 6, 4), date(2024, 6, 5))
    with pytest.raises(ConfigurationError, match=r"2024-06-05 has begun at 00:00 UTC"):
        morning_of(TOKYO, "Asia/Tokyo", early + timedelta(hours=1))
    with pytest.raises(ConfigurationError, match=r"2024-06-08 is no session"):
        morning_of(TOKYO, "Asia/Tokyo", early + timedelta(days=3))


@pytest.mark.parametrize("chosen", EVALUATION_SETS, ids=str)
def test_no_target_of_an_origin_lies_in_the_other_part(chosen: EvaluationSet) -> None:
    sessions = session_table("XTKS")["session"]
    places = {day: place for place, day in enumerate(sessions)}
    parts = {part: chosen.origins(sessions, part) for part in Part}
    assert not set(parts[Part.TUNED_ON]) & set(parts[Part.UNTOUCHED])
    for part, origins in parts.items():
        other = next(each for each in Part if each is not part)
        targets = {sessions[places[day] + h] for day in origins for h in chosen.horizons}
        assert not any(period.holds(day) for day in targets for period in chosen.period(other))
        assert origins
    with pytest.raises(ConfigurationError, match="choose from: jp_evening"):
        evaluation_set("jp")


def test_what_was_looked_at_is_said_with_the_name_of_the_set() -> None:
    assert str(evaluation_set("lme_3m")).endswith(
        "untouched 2020-01-01 to 2025-12-31 (its densities were looked at)"
    )
    assert str(evaluation_set("us")).endswith("untouched 2018-01-01 to 2019-02-28 (looked at)")
    assert str(evaluation_set("jp_evening")).endswith("untouched 2017-01-01 to 2018-12-31")
