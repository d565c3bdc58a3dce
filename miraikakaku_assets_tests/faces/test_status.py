"""`status`: alerts that stand, the newest cycles, waiting notifications, and how far the analysis is."""

from datetime import UTC, datetime, timedelta

import pytest
from rich.cells import cell_len

from miraikakaku_assets.application.ports.cycles import CycleEnd
from miraikakaku_assets.application.ports.notices import PATTERN, NewAlert, Severity
from miraikakaku_assets_tests.support.command import Command
from miraikakaku_assets_tests.support.in_process import ports_of

NOON = datetime(2025, 4, 25, 12, tzinfo=UTC)
NEWEST = """SELECT universe, timeframe, max(ts), count(DISTINCT instrument_id) FROM miraikakaku.{}
            JOIN miraikakaku.instruments ON id = instrument_id GROUP BY 1, 2 ORDER BY 1, 2"""
SLOW = NewAlert(
    "cycle/fx/slow", Severity.WARNING, "cycle", "サイクルの処理時間が300秒を超えました: fx", "…", "fx"
)


def alert(key: str, severity: Severity, title: str, kind: str = "cycle") -> NewAlert:
    return NewAlert(key, severity, kind, title, "the facts", "fx", channels=("discord", "email"))


@pytest.fixture
def troubled(command: Command) -> Command:
    """An installation with a Discord webhook, a bad hour behind it, and a cycle that still runs."""
    installation = command.with_(DISCORD_WEBHOOK_URL="http://127.0.0.1:9/api/webhooks/1/not-to-be-seen")
    use = ports_of(installation, NOON)
    alerts = [
        alert("one", Severity.INFO, "【売り】ダイバージェンス警戒 USDJPY=X", PATTERN),
        alert("two", Severity.INFO, "【買い】複合シグナル強化 EURUSD=X", PATTERN),
        SLOW,
        alert("cycle/fx/all_failed", Severity.CRITICAL, "サイクルが5回続けて全て失敗しました: fx"),
        alert("over", Severity.CRITICAL, "what is over is not shown"),
    ]
    for minutes, raised in enumerate(alerts):
        use.notices.alerts.raise_alerts([raised], NOON + timedelta(minutes=minutes))
    over = use.notices.alert_records.find("over")
    assert over is not None
    use.notices.alert_records.resolve(over.id, NOON + timedelta(hours=1))
    for minutes, end in enumerate((8, 8, 7, 0)):
        begun = NOON + timedelta(minutes=5 * minutes)
        error = "the source refuses everything" if end == 0 else None
        number = use.notices.cycles.begin("fx", f"run {minutes}", begun)
        use.notices.cycles.end(
            number, CycleEnd(begun + timedelta(seconds=9 + minutes), 8, end, 24, 40, 1, error)
        )
    use.notices.cycles.begin("jp", "run of jp", NOON)
    use.database.close()
    return installation


def test_alerts_cycles_and_waiting_notifications_in_json(troubled: Command) -> None:
    ended = troubled("status", "--json")

    document = ended.document
    assert ended.code == 0, ended.err
    assert "not-to-be-seen" not in ended.out
    assert [(row["severity"], row["key"]) for row in document["alerts"]] == [
        ("CRITICAL", "cycle/fx/all_failed"),
        ("WARNING", "cycle/fx/slow"),
        ("INFO", "two"),
        ("INFO", "one"),
    ]
    assert document["alerts"][1]["raised_at"] == "2025-04-25T12:02:00+00:00"
    assert document["alerts"][1]["occurrences"] == 1
    cycles = [
        (row["universe"], row["run_id"], row["seconds"], row["success_share"]) for row in document["cycles"]
    ]
    assert cycles == [
        ("jp", "run of jp", None, None),
        ("fx", "run 3", 12, 0),
        ("fx", "run 2", 11, 7 / 8),
        ("fx", "run 1", 10, 1),
    ]
    assert document["notifications"] == [
        {"channel": "discord", "waiting": 4, "set_up": True},
        {"channel": "email", "waiting": 4, "set_up": False},
    ]
    assert document["analysis"] == []


def test_the_same_on_one_screen_of_100_columns(troubled: Command) -> None:
    ended = troubled.with_(COLUMNS=100)("status")

    assert ended.code == 0, ended.err
    lines = ended.out.splitlines()
    assert "cycles    jp: 04-25 12:00 still running (UTC)" in lines
    fx = "04-25 12:15 12 s, 0 of 8 (failed); 04-25 12:10 11 s, 7 of 8; 04-25 12:05 10 s, 8 of 8 (UTC)"
    assert f"cycles    fx: {fx}" in lines
    assert "notices   discord 4 waiting, email 4 waiting (not set up)" in lines
    start = lines.index("alerts that stand")
    assert [text.split()[:3] for text in lines[start + 2 : start + 5]] == [
        ["CRITICAL", "04-25", "12:03"],
        ["WARNING", "04-25", "12:02"],
        ["INFO", "04-25", "12:01"],
    ]
    assert (
        lines[start + 4].rstrip().endswith("【買い】複合シグナル強化 EURUSD=X (the newest of 2 new signals)")
    )
    assert max(cell_len(text) for text in lines[start:]) <= 100


def test_without_cycles_alerts_or_channels_it_says_so(command: Command) -> None:
    ended = command("status")

    assert ended.code == 0, ended.err
    assert "notices   no channel is set up, so nobody is told (docs/notifications.md)" in ended.out
    assert "alerts    none stands" in ended.out
    assert "cycles" not in ended.out


def test_newest_bars_indicators_and_signals_of_every_universe_and_timeframe(analysed: Command) -> None:
    ended = analysed("status", "--json")
    shown = analysed.with_(COLUMNS=100)("status").out.splitlines()

    analyses = {(row["universe"], row["timeframe"]): row for row in ended.document["analysis"]}
    bars, indicators = (
        {
            (universe, timeframe): (newest.isoformat(), symbols)
            for universe, timeframe, newest, symbols in rows
        }
        for rows in (analysed.rows(NEWEST.format(table)) for table in ("price_bars", "technical_indicators"))
    )
    assert {place: (row["bar"], row["symbols"]) for place, row in analyses.items()} == bars
    assert {place: row["indicator"] for place, row in analyses.items()} == {
        place: indicators[place][0] if place in indicators else None for place in analyses
    }
    ((signal,),) = analysed.rows("SELECT max(at) FROM miraikakaku.pattern_signals")
    assert analyses["fx", "5m"]["newest_signal"] == signal.isoformat()
    assert all(row["newest_signal"] is None for place, row in analyses.items() if place != ("fx", "5m"))
    # The share of Tokyo was collected and never analysed.
    assert {place: row["due"] for place, row in analyses.items() if row["due"]} == {
        ("jp", "1d"): 1,
        ("jp", "5m"): 1,
    }
    days, hours = (place for place, text in enumerate(shown) if text.startswith("newest bars"))
    assert shown[0] == "jp (choose another with --universe us, fx, copper)"
    assert shown[days].startswith("newest bars of days, weeks and months, *")
    assert shown[hours].startswith("newest bars within the day (UTC), *")
    jp, fx = shown[days + 2 : days + 4]
    assert jp.split()[:2] == ["jp", f"{_day(analyses['jp', '1d']['bar'])}*"]
    assert "*" not in fx
    assert jp.rstrip().endswith("1 of 1d, 1 of 5m")
    assert fx.rstrip().endswith("nothing")
    assert shown[hours + 3].split()[0] == "fx"
    assert shown[hours + 3].rstrip().endswith(f"{signal.astimezone(UTC):%m-%d %H:%M}")
    assert max(cell_len(text) for text in shown[days:]) <= 100


def _day(stamp: str) -> str:
    return f"{datetime.fromisoformat(stamp):%m-%d}"
