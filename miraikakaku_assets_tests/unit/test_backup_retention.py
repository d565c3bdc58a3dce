"""Which backups stay."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from miraikakaku_assets.domain.backups.retention import Dated, Keeping, kept

START = datetime(2026, 1, 1, 17, tzinfo=UTC)
BACKUPS = st.lists(
    st.tuples(st.integers(0, 24 * 400), st.booleans(), st.booleans()),
    min_size=1,
    max_size=40,
    unique_by=lambda b: b[0],
).map(lambda drawn: [Dated(str(hour), START + timedelta(hours=hour), ok, asked) for hour, ok, asked in drawn])
KEEPING = st.builds(Keeping, st.integers(1, 7), st.integers(0, 4), st.integers(0, 12))


@given(BACKUPS, KEEPING)
def test_the_newest_good_one_stays_and_whoever_keeps_more_keeps_those(
    backups: list[Dated], keeping: Keeping
) -> None:
    stay = kept(backups, keeping)
    good = [backup for backup in backups if backup.is_verified]
    newest = max(good, key=lambda backup: backup.taken_at, default=None)

    assert newest is None or newest.name in stay
    for backup in backups:
        if not backup.is_verified:
            assert (backup.name in stay) == (newest is None or backup.taken_at > newest.taken_at)
    more = Keeping(keeping.daily + 1, keeping.weekly + 1, keeping.monthly + 1)
    assert stay.keys() <= kept(backups, more).keys()
    # what has left does not change what stays
    assert kept([backup for backup in backups if backup.name in stay], keeping).keys() == stay.keys()


def test_a_year_of_nights_leaves_days_weeks_and_months() -> None:
    nights = [Dated(str(day), START + timedelta(days=day), is_verified=True) for day in range(365)]

    stay = sorted(map(int, kept(nights, Keeping(7, 4, 12))))

    assert stay[-7:] == list(range(358, 365))
    taken = [(START + timedelta(days=day + 1)).date() for day in stay]  # 17:00 UTC is the next day in Tokyo
    assert len({(day.year, day.month) for day in taken}) == 12
    # The newest week and two months, and the Sunday of the week before, are among the seven days.
    assert len(stay) == 7 + (4 - 2) + (12 - 2)
    assert kept(nights[:1], Keeping(7, 4, 12)).keys() == {"0"}


def test_one_that_was_asked_for_is_not_overtaken_on_its_day() -> None:
    asked = Dated("asked", START, is_verified=True, is_asked_for=True)
    later = [Dated(f"{n}", START + timedelta(hours=1 + 24 * n), is_verified=True) for n in range(9)]

    assert {"asked", "0"} <= kept([asked, *later[:7]], Keeping(7, 0, 0)).keys()
    assert "asked" not in kept([asked, *later], Keeping(7, 0, 0))
