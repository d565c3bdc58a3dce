"""Who is told of conditions, and when: grouped, once, never of what is silenced or explained by something else."""

from datetime import timedelta

import pytest

from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.application.alerting import respond
from miraikakaku_assets.application.alerting.deliver_notifications import LONGEST_PAUSE
from miraikakaku_assets.application.ports.notices import Severity
from miraikakaku_assets.domain.alerting.alert_state import Plan
from miraikakaku_assets.domain.errors import ConfigurationError, WorkFellShortError
from miraikakaku_assets_tests.support.alerting.desk import NOON, Desk, kind

HIGH, MEDIUM, LOW = Severity.CRITICAL, Severity.WARNING, Severity.INFO
SOURCE = kind(
    "source/<source>/unreachable", inhibits=("collection/*", "cycle/<source>/*", "source/*/unreachable")
)


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database, kinds=[SOURCE])


def test_what_comes_within_the_group_wait_is_one_message_with_its_members(desk: Desk) -> None:
    desk.raises("cycle/fx/a")
    desk.passes(seconds=20, step=10)
    desk.raises("cycle/fx/b", severity=HIGH)
    desk.raises("cycle/jp/c")
    assert desk.titles() == []
    desk.passes(seconds=10)
    (message,) = desk.inboxes["discord"].got
    assert message.title == "cycle fx: 2件のアラート"
    assert message.text.index("cycle/fx/b") < message.text.index("cycle/fx/a")
    assert message.severity is HIGH
    assert [each.title for each in desk.inboxes["email"].got] == ["cycle/fx/b"]  # only what is high
    desk.passes(hours=3)
    assert desk.titles() == ["cycle fx: 2件のアラート", "cycle/jp/c"]
    assert desk.titles("slack") == ["cycle fx: 2件のアラート", "cycle/jp/c"]


def test_what_is_over_before_its_group_wait_is_told_to_nobody(desk: Desk) -> None:
    desk.raises("cycle/fx/a")
    desk.ends("cycle/fx/a")
    desk.passes(hours=2)
    assert desk.titles() == []
    assert desk.alert("cycle/fx/a").resolved_at == NOON


def test_an_alert_is_told_once_and_once_that_it_is_over_where_it_was_told(desk: Desk) -> None:
    desk.raises("cycle/fx/a")
    desk.passes(minutes=1)
    for _ in range(5):
        desk.raises("cycle/fx/a")
        desk.passes(minutes=5)
    assert desk.titles() == ["cycle/fx/a"]
    assert desk.ends("cycle/fx/a").resolved == {"cycle/fx/a"}
    over = desk.now
    assert desk.states() == {"cycle/fx/a": "settling"}
    desk.passes(hours=1)
    assert desk.titles() == ["【解消】cycle/fx/a"]
    assert desk.titles("slack") == ["cycle/fx/a", "【解消】cycle/fx/a"]
    assert desk.titles("email") == []
    assert desk.alert("cycle/fx/a").resolved_at == over
    assert desk.plan() == Plan()


def test_a_graver_alert_is_told_again_and_needs_a_new_acknowledgement(desk: Desk) -> None:
    desk.raises("disk/home")
    desk.passes(minutes=1)
    respond.acknowledge("disk/home", "on it", desk.responding)
    desk.raises("disk/home", severity=HIGH, title="disk/home is full")
    desk.passes(minutes=1)
    assert desk.titles() == ["disk/home", "disk/home is full"]
    assert desk.alert("disk/home").acknowledged_at is None
    desk.raises("disk/home", severity=MEDIUM)
    desk.passes(minutes=3)
    assert desk.titles() == []


# --- what others got wrong -------------------------------------------------------------------------------------------


def test_a_silenced_alert_that_ends_is_told_to_nobody(desk: Desk) -> None:
    desk.raises("cycle/fx/a", "cycle/fx/b")
    desk.passes(minutes=1)
    desk.titles()
    respond.silence(["key=cycle/fx/*"], timedelta(hours=2), "known", desk.responding)
    assert desk.states() == {"cycle/fx/a": "silenced", "cycle/fx/b": "silenced"}
    desk.ends("cycle/fx/a")
    desk.raises("cycle/fx/c")
    desk.passes(minutes=30)
    desk.ends("cycle/fx/c")
    desk.passes(minutes=30)
    assert desk.titles() == []
    assert desk.states() == {"cycle/fx/b": "silenced"}


def test_a_silence_that_ends_lets_what_still_stands_be_told_once(desk: Desk) -> None:
    silence = respond.silence(["severity=medium", "universe=fx"], timedelta(hours=2), "", desk.responding)
    desk.raises("cycle/fx/a")
    desk.raises("cycle/jp/a")
    desk.passes(minutes=10)
    assert desk.titles() == ["cycle/jp/a"]
    desk.passes(hours=2)
    assert desk.titles() == ["cycle/fx/a"]
    desk.passes(hours=2)
    assert desk.titles() == []
    with pytest.raises(ConfigurationError, match=f"no silence {silence.id} in force"):
        respond.lift_silence(silence.id, desk.responding)


def test_a_silence_can_be_lifted(desk: Desk) -> None:
    silence = respond.silence(["*"], timedelta(hours=2), "", desk.responding)
    desk.raises("cycle/fx/a")
    desk.passes(minutes=10)
    respond.lift_silence(silence.id, desk.responding)
    desk.deliver()
    assert desk.titles() == ["cycle/fx/a"]


def test_what_is_expected_is_recorded_as_such(desk: Desk) -> None:
    period = (NOON + timedelta(hours=1), NOON + timedelta(hours=3))
    respond.expect(["collection/jp/*"], period, "the source is closed", desk.responding)
    desk.raises("collection/jp/early")
    desk.passes(hours=1)
    assert desk.titles() == ["collection/jp/early"]
    desk.raises("collection/jp/failed")
    desk.passes(hours=1)
    desk.ends("collection/jp/failed")
    assert desk.alert("collection/jp/failed").state == "expected"
    desk.passes(hours=3)
    assert desk.titles() == []
    with pytest.raises(ConfigurationError, match="say why"):
        respond.expect(["*"], period, " ", desk.responding)


def test_what_a_root_explains_is_told_only_if_it_outlasts_the_root(desk: Desk, database: Database) -> None:
    failures = [f"collection/jp/{number}" for number in range(440)]
    desk.raises(*failures, "cycle/yahoo/slow", "cycle/fx/slow")
    desk.passes(seconds=10)
    desk.raises("source/yahoo/unreachable", severity=HIGH)
    desk.passes(minutes=30)
    assert desk.titles() == ["source/yahoo/unreachable", "cycle/fx/slow"]
    states = desk.states()
    assert {states[key] for key in failures} == {"inhibited"}
    assert desk.alert(failures[0]).suppressed_by == "source/yahoo/unreachable"

    desk.ends(*failures[1:])
    desk.passes(minutes=30)
    assert desk.titles() == []  # what is over was never told, so its end is not, either
    restarted = Desk(database, kinds=[SOURCE])  # a restart reads what was decided, and fires nothing
    restarted.now = desk.now
    restarted.passes(minutes=5)
    assert restarted.titles() == []

    desk.ends("source/yahoo/unreachable")
    desk.passes(minutes=2)
    assert desk.titles() == ["【解消】source/yahoo/unreachable"]
    desk.passes(minutes=1)
    assert sorted(desk.titles()) == [failures[0], "cycle/yahoo/slow"]
    desk.passes(hours=2)
    assert desk.titles() == []


def test_a_silenced_root_explains_as_well_and_of_two_that_explain_each_other_one_is_told(desk: Desk) -> None:
    respond.silence(["source/yahoo/*"], timedelta(hours=1), "", desk.responding)
    desk.raises("source/yahoo/unreachable")
    desk.raises("collection/jp/failed", "source/stooq/unreachable")
    desk.passes(minutes=5)
    assert desk.titles() == []
    desk.passes(hours=1)
    assert desk.titles() == ["source/yahoo/unreachable"]
    assert desk.states()["source/stooq/unreachable"] == "inhibited"


def test_one_that_comes_and_goes_is_told_when_it_stands_that_it_flaps_and_when_it_is_quiet(
    desk: Desk,
) -> None:
    desk.raises("cycle/fx/a")
    desk.passes(minutes=1)
    for _ in range(30):
        desk.ends("cycle/fx/a")
        desk.passes(minutes=1)
        desk.raises("cycle/fx/a")
        desk.passes(minutes=1)
    assert desk.titles() == ["cycle/fx/a", "【頻発】cycle/fx/a"]
    assert desk.alert("cycle/fx/a").flaps == 30
    desk.ends("cycle/fx/a")
    desk.passes(minutes=59)
    assert desk.titles() == []
    desk.passes(minutes=2)
    assert desk.titles() == ["【解消】cycle/fx/a"]  # a noisy one does close
    assert desk.states() == {}
    desk.passes(minutes=1)
    desk.raises("cycle/fx/a")
    desk.passes(minutes=1)
    assert desk.titles() == ["cycle/fx/a"]  # and the next time is told
    assert len(desk.store.listed()) == 2


def test_one_that_never_stands_when_a_plan_looks_is_told_as_flapping(desk: Desk) -> None:
    for _ in range(6):
        desk.raises("cycle/fx/a")
        desk.ends("cycle/fx/a")
        desk.passes(minutes=1)
    assert desk.titles() == ["【頻発】cycle/fx/a"]
    desk.passes(hours=2)
    assert desk.titles() == ["【解消】cycle/fx/a"]


@pytest.mark.slow
def test_a_channel_that_is_down_for_an_hour_hears_of_what_still_stands_exactly_once(desk: Desk) -> None:
    desk.inboxes["discord"].is_down = True
    desk.raises("cycle/fx/over", "cycle/fx/stands")
    desk.raises("cycle/jp/over")
    desk.passes(minutes=2)
    desk.ends("cycle/fx/over", "cycle/jp/over")
    desk.passes(hours=1)
    assert desk.titles("slack") == [
        "cycle fx: 2件のアラート",
        "cycle/jp/over",
        "【解消】cycle/fx/over",
        "【解消】cycle/jp/over",
    ]
    desk.inboxes["discord"].is_down = False
    desk.passes(hours=LONGEST_PAUSE.total_seconds() / 3600 + 1, step=120)
    assert desk.titles() == ["cycle/fx/stands"]
    desk.ends("cycle/fx/stands")
    desk.passes(minutes=5)
    assert desk.titles() == ["【解消】cycle/fx/stands"]


@pytest.mark.parametrize("jump", [timedelta(days=3), -timedelta(days=3)])
def test_a_clock_that_jumps_and_comes_back_tells_nothing_twice_and_delays_nothing(
    desk: Desk, jump: timedelta
) -> None:
    desk.raises("cycle/fx/before")
    desk.passes(minutes=1)
    desk.now += jump
    desk.raises("cycle/fx/before", "cycle/fx/within")
    desk.passes(minutes=1)
    desk.now -= jump
    desk.raises("cycle/fx/before", "cycle/fx/within", "cycle/fx/after")
    desk.passes(minutes=1)
    assert sorted(desk.titles()) == ["cycle/fx/after", "cycle/fx/before", "cycle/fx/within"]
    desk.ends("cycle/fx/before", "cycle/fx/within", "cycle/fx/after")
    desk.passes(minutes=4)
    assert desk.titles() == ["【解消】cycle fx: 3件が解消しました"]


# --- response --------------------------------------------------------------------------------------------------------


def test_it_escalates_by_its_clock_until_somebody_acknowledges_it(database: Database) -> None:
    kinds = [
        kind("security/breach", respond_within=timedelta(0), escalates_from=3),
        kind("database/<what>", respond_within=timedelta(minutes=10)),
    ]
    desk = Desk(database, "high=discord medium=discord L2=slack L3=email", kinds)
    desk.raises("cycle/fx/a", "cycle/fx/b", "database/down", "security/breach", severity=HIGH)
    desk.raises("cycle/jp/medium")
    desk.passes(seconds=30)
    assert desk.titles("slack") == desk.titles("email") == ["security/breach"]
    respond.acknowledge("cycle/fx/b", "", desk.responding)
    desk.passes(minutes=5)
    assert desk.titles("slack") == ["【未確認・レベル2】cycle/fx/a"]
    desk.passes(minutes=5)
    assert desk.titles("slack") == ["【未確認・レベル2】database/down"]
    assert desk.titles("email") == ["【未確認・レベル3】cycle/fx/a"]
    desk.passes(minutes=49)
    assert (desk.titles("slack"), desk.titles("email")) == ([], ["【未確認・レベル3】database/down"])
    desk.passes(minutes=5)
    assert desk.titles("slack") == ["【未確認・レベル2】cycle/jp/medium"]
    states = desk.states()
    assert (states["cycle/fx/a"], states["cycle/fx/b"]) == ("escalated", "acknowledged")
    desk.titles()
    desk.ends("cycle/fx/a")
    desk.passes(minutes=3)
    assert [desk.titles(name) for name in desk.inboxes] == [["【解消】cycle/fx/a"]] * 3


def test_resolved_by_hand_it_is_over_at_once_and_raised_anew_if_it_still_holds(desk: Desk) -> None:
    desk.raises("cycle/fx/a")
    desk.passes(minutes=1)
    assert respond.resolve("cycle/fx/a", desk.responding).resolved_at == desk.now
    desk.deliver()
    assert desk.titles() == ["cycle/fx/a", "【解消】cycle/fx/a"]
    with pytest.raises(WorkFellShortError, match="is over already"):
        respond.resolve("cycle/fx/a", desk.responding)
    desk.raises("cycle/fx/a")
    desk.passes(minutes=1)
    assert desk.titles() == ["cycle/fx/a"]
    with pytest.raises(ConfigurationError, match="there is no alert 'nothing'"):
        respond.acknowledge("nothing", "", desk.responding)


def test_what_is_low_is_told_once_a_day(desk: Desk) -> None:
    desk.raises("forecast/jp/a", "cycle/fx/b", "cycle/fx/c", severity=LOW)
    desk.passes(hours=1, step=600)
    desk.ends("cycle/fx/c")
    desk.passes(hours=19, step=600)
    assert desk.titles() == []  # 08:00 in Tokyo
    desk.passes(hours=1, step=600)
    assert desk.titles("email") == []
    (digest,) = desk.inboxes["discord"].got
    assert digest.title == "【日次まとめ】低優先度のアラート 2件"
    assert desk.titles() == [digest.title]
    desk.ends("cycle/fx/b")
    desk.passes(hours=23, step=600)
    assert desk.titles() == []
    desk.passes(hours=2, step=600)
    (digest,) = desk.inboxes["discord"].got
    assert "解消: 1件" in digest.text
    assert "継続中" not in digest.text
    desk.titles()
    desk.passes(hours=49, step=3600)
    assert desk.titles() == []
