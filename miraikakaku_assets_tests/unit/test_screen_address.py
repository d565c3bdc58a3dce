"""The address of a view of the screener."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from miraikakaku_assets.application.ports.reading.screening import FIGURES, TEXTS, Range, Screen
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.forecasting.contract import HORIZONS
from miraikakaku_assets.faces.dashboard.parts.screen_address import PRESETS, parameters_of, screen_of

words = some.text("abc東証・ +&=%", min_size=1, max_size=12)
ends = some.none() | some.integers(-1000, 1000).map(float)
screens = some.builds(
    Screen,
    universes=some.sampled_from([(), ("jp",), ("us", "fx")]),
    search=words | some.just(""),
    sectors=some.lists(words, max_size=2).map(tuple),
    sizes=some.lists(words, max_size=2).map(tuple),
    ranges=some.dictionaries(some.sampled_from(list(FIGURES)), some.builds(Range, ends, ends), max_size=3),
    pattern=some.sampled_from([None, "2-2", "6"]),
    horizon=some.sampled_from(list(HORIZONS)),
    sort=some.sampled_from([*FIGURES, *TEXTS]),
    is_descending=some.booleans(),
    limit=some.just(50),
)


@given(screens)
def test_an_address_shows_the_view_that_it_was_taken_from(screen: Screen) -> None:
    assert screen_of(parameters_of(screen), 50, 0) == screen
    assert parameters_of(Screen()) == {}


def test_every_view_that_is_offered_may_be_asked_for() -> None:
    for parameters in PRESETS.values():
        screen = screen_of(parameters, 50, 0).checked()
        assert screen.ranges
        assert parameters_of(screen) == dict(parameters)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"rsi_14": "thirty"}, "is no range"),
        ({"rsi_14": "30"}, "is no range"),
        ({"rsi_14": "nan.."}, "is compared with numbers"),
        ({"rsi_14": "70..30"}, "swap the ends"),
        ({"h": "9"}, "1 to 5 sessions"),
        ({"h": "x"}, "no number of sessions"),
        ({"sort": "close; DROP TABLE"}, "no column"),
        ({"in": "mars"}, "mars"),
        ({"q": "x" * 200}, "at most 100"),
    ],
)
def test_what_an_address_gets_wrong_is_said_in_a_sentence(parameters: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        screen_of(parameters, 50, 0).checked()
