"""Routes and matchers as people write them."""

import pytest

from miraikakaku_assets.application.alerting.rules import ALERTS
from miraikakaku_assets.domain.alerting.levels import Level
from miraikakaku_assets.domain.alerting.matchers import Matcher, parse_matcher
from miraikakaku_assets.domain.alerting.periods import read_moment, read_time_span
from miraikakaku_assets.domain.alerting.routes import KINDS, parse_routes
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.settings.reader import load_settings

ALL = ("discord", "slack", "email", "email-2", "alertmanager")
HIGH, MEDIUM, LOW = Level


def test_without_routes_the_administrator_is_called_when_it_is_critical_or_promised() -> None:
    routes = parse_routes("", ALL)
    assert routes.channels(HIGH, "cycle") == ALL
    assert routes.channels(MEDIUM, "cycle") == ("discord", "slack", "alertmanager")
    for promised in ("collection", "service", "schedule", "forecast"):
        assert set(routes.channels(MEDIUM, promised)) == set(ALL)
    assert routes.channels(LOW, "forecast") == ("discord", "slack", "alertmanager")
    assert [routes.is_in_digest(level, "cycle") for level in Level] == [False, False, True]
    assert routes.channels_of_event(LOW, "pattern") == ("discord", "slack", "alertmanager")
    assert routes.channels(HIGH, "cycle", 3) == ALL
    assert parse_routes("", ()).channels(HIGH, "cycle") == ()


def test_routes_name_levels_digest_escalation_and_kinds() -> None:
    routes = parse_routes(
        "high=discord medium=slack,discord low=slack digest=email L2=email* collection=+email-2 pattern=none",
        ALL,
    )
    assert routes.channels(HIGH, "cycle") == ("discord",)
    assert routes.channels(HIGH, "cycle", 2) == ("discord", "email", "email-2")
    assert routes.channels(MEDIUM, "collection") == ("slack", "discord", "email-2")
    assert not routes.is_in_digest(LOW, "cycle")
    assert routes.channels(LOW, "cycle") == ("slack",)
    assert routes.channels_of_event(LOW, "pattern") == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "high=pager",
            "high names pager, which is not set up; allowed: discord, slack, email, email-2",
        ),
        (
            "hihg=discord",
            "'hihg' is nothing that has a route; allowed: high, medium, low, digest, L2, L3, backup",
        ),
        ("high=discord high=slack", "high has two routes"),
        ("high", "'high' is no route"),
        ("high=+email", "a \\+ adds channels to a kind"),
        ("cycle=digest", "cycle names digest"),
    ],
)
def test_a_wrong_route_says_what_is_allowed(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        parse_routes(text, ALL)


def test_a_wrong_route_is_refused_at_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALERT_ROUTES", "high=discord")
    monkeypatch.delenv("DISCORD_WEBHOOK_URL", raising=False)
    with pytest.raises(ConfigurationError, match=r"ALERT_ROUTES.*high names discord, which is not set up"):
        load_settings()


def test_every_kind_of_alerts_may_have_a_route() -> None:
    assert {kind.key.partition("/")[0] for kind in ALERTS} == KINDS


@pytest.mark.parametrize(
    ("words", "matcher"),
    [
        (["cycle/fx/*"], Matcher("cycle/fx/*")),
        (["severity=high", "universe=fx", "symbol=USDJPY=X"], Matcher(None, HIGH, "fx", "USDJPY=X")),
        (["key=*", "severity=WARNING"], Matcher("*", MEDIUM)),
        (["forecast/copper/HG=F/*"], Matcher("forecast/copper/HG=F/*")),
    ],
)
def test_matchers_are_read_as_they_are_written(words: list[str], matcher: Matcher) -> None:
    assert parse_matcher(words) == matcher
    assert parse_matcher(str(matcher).split()) == matcher


@pytest.mark.parametrize("words", [[], ["severity="], ["severity=grave"], ["age=3"], ["a/b", "key=c"]])
def test_wrong_matchers_are_refused(words: list[str]) -> None:
    with pytest.raises(ConfigurationError):
        parse_matcher(words)


def test_time_spans_and_moments() -> None:
    assert read_time_span("1d12h30m", "--for").total_seconds() == 131_400
    assert read_moment("2022-04-28", "--from").isoformat() == "2022-04-27T15:00:00+00:00"
    assert read_moment("2022-04-28", "--until", end_of_day=True).isoformat() == "2022-04-28T15:00:00+00:00"
    assert read_moment("2022-04-28T00:00+00:00", "--from").isoformat() == "2022-04-28T00:00:00+00:00"
    for wrong in ("", "2", "h", "0m", "2 h", "-2h"):
        with pytest.raises(ConfigurationError, match="--for"):
            read_time_span(wrong, "--for")
    with pytest.raises(ConfigurationError, match="--from"):
        read_moment("yesterday", "--from")
