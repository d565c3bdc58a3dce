"""Tables on a screen of 80 columns: nothing is wider, and no number, date or name is broken."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from miraikakaku_assets.application.ports.alert_states import AlertPage, Told
from miraikakaku_assets.application.ports.notices import Alert, Severity
from miraikakaku_assets.domain.alerting.alert_state import NoticeKind
from miraikakaku_assets.domain.errors import WorkFellShortError
from miraikakaku_assets.faces.cli import output
from miraikakaku_assets.faces.cli.leakage.tables import end_look_ahead, end_warm_up
from miraikakaku_assets.faces.cli.output import column_widths, show_table
from miraikakaku_assets.faces.cli.tables.alerts import show_alerts
from miraikakaku_assets.faces.cli.tables.forecasts import show_fan, show_predictions
from miraikakaku_assets.faces.cli.tables.stages import show_stage
from miraikakaku_assets_tests.support.command import Command
from miraikakaku_assets_tests.support.in_process import InProcess
from miraikakaku_assets_tests.support.installations.analysed import PAIR, SHARE

SCREEN = 80
NOW = datetime(2026, 11, 30, 3, tzinfo=UTC)
WHOLE = st.from_regex(r"[0-9][0-9,.:-]{0,18}[0-9]", fullmatch=True)
TEXT = st.lists(st.from_regex(r"[a-z]{1,12}", fullmatch=True), min_size=1, max_size=9).map(" ".join)


@pytest.fixture
def widths(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Sequence[str], list[int] | None]]:
    """What every table that is shown was given: its columns and their widths, None if it did not fit."""
    seen: list[tuple[Sequence[str], list[int] | None]] = []

    def watched(
        columns: Sequence[str], cells: Sequence[Sequence[str]], screen: int, broken: Collection[str]
    ) -> list[int] | None:
        chosen = column_widths(columns, cells, screen, broken)
        seen.append((columns, chosen))
        return chosen

    monkeypatch.setattr(output, "column_widths", watched)
    return seen


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output.console, "_width", SCREEN)


def assert_fits(shown: str) -> None:
    assert max(map(cell_len, shown.splitlines())) <= SCREEN, shown


@given(st.lists(st.tuples(WHOLE, TEXT, WHOLE), min_size=1, max_size=3), st.integers(40, 90))
def test_a_table_that_fits_breaks_texts_between_words_only(
    rows: list[tuple[str, str, str]], columns: int
) -> None:
    chosen = column_widths(("number", "what it is", "another"), rows, columns)

    if chosen is not None:
        assert sum(chosen) + 4 <= columns
        for row in rows:
            assert len(row[0]) <= chosen[0]
            assert max(map(len, row[1].split())) <= chosen[1]
            assert len(row[2]) <= chosen[2]


def test_a_table_that_cannot_fit_is_a_block_of_lines_per_row(
    capsys: pytest.CaptureFixture[str], screen: None
) -> None:
    rows = [[f"{place}", *["2026-11-30 01:54"] * 6, 1_006_943] for place in (1, 2)]

    show_table("moments", ("no.", *"abcdef", "rows"), rows)

    lines = capsys.readouterr().out.splitlines()
    assert lines[:4] == ["moments", "1", "  a 2026-11-30 01:54", "  b 2026-11-30 01:54"]
    assert lines.count("  rows 1,006,943") == 2


def alert(number: int, key: str, state: str, hours: float) -> Alert:
    raised = NOW - timedelta(hours=hours)
    kind = key.partition("/")[0]
    return Alert(
        number, key, Severity.CRITICAL, kind, None, None, key, key, {}, raised, raised, 1, None, state=state
    )


def told(channel: str, delivered_at: datetime | None) -> Told:
    return Told(channel, NoticeKind.RAISED, False, 1, NOW, delivered_at, 0, None)  # noqa: FBT003


def test_alerts_of_any_state_with_long_keys_are_a_table(
    screen: None, widths: list[tuple[Sequence[str], list[int] | None]], capsys: pytest.CaptureFixture[str]
) -> None:
    alerts = [
        alert(98_765, "security/permissions/high//home/somebody/.env", "acknowledged, flapping", 47.9),
        alert(7, "collection/jp/failed", "inhibited", 9_600),
        alert(8, "cycle/fx/slow", "resolved", 1.9),
    ]
    messages = {98_765: [told("discord", NOW), told("alertmanager", None)]}

    show_alerts(AlertPage(alerts, 3), messages, NOW, 0)

    shown = capsys.readouterr().out
    assert_fits(shown)
    assert [line.split() for line in shown.splitlines()[2:]] == [
        ["98765", "high", "47", "h", "security/permissions/", "acknowledged,", "discord,"],
        ["high//home/somebody/", "flapping", "alertmanager"],
        [".env", "waits"],
        ["7", "high", "400", "d", "collection/jp/failed", "inhibited", "–"],
        ["8", "high", "114", "min", "cycle/fx/slow", "resolved", "–"],
    ]


def test_a_key_is_broken_behind_slashes_only_where_its_column_says_so(
    screen: None, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = "/srv/" + "/".join(["folder"] * 11)

    show_table("places", ("name", "folder"), [("a", folder)])
    show_table("places", ("name", "folder"), [("a", folder)], broken=["folder"])

    whole, broken = capsys.readouterr().out.split("places")[1:]
    assert whole.split()[:2] == ["a", "folder"]  # a block of lines
    assert "".join(whole.split()[2:]) == folder
    assert "".join(broken.split()[3:]) == folder
    assert all(line.endswith(("/", "folder")) for line in map(str.rstrip, broken.splitlines()[2:]))


@pytest.mark.parametrize(
    "arguments",
    [
        "status --universe fx",
        "status",
        "patterns --track-record",
        "patterns --universe fx --candlesticks",
        f"self-test warm-up --universe fx --symbol {PAIR} --pattern 6 --starts 1",
        f"self-test daily-gap --symbols {SHARE}",
    ],
)
def test_the_tables_of_commands(
    analysed: Command,
    here: InProcess,
    widths: list[tuple[Sequence[str], list[int] | None]],
    arguments: str,
) -> None:
    ended = replace(here, width=SCREEN)(analysed, *arguments.split())

    assert ended.code == 0, ended.err
    assert widths
    for columns, chosen in widths:
        assert chosen is not None, columns


@pytest.mark.parametrize(
    ("symbol", "close", "factor"),
    [
        ("7203.T", 2_543.5, 1.05),
        ("USDJPY=X", 151.234, 1.01),
        ("BRK-B", 743.21, 1.1),
        ("9983.T", 48_120.0, 1.2),
    ],
)
def test_forecasts(
    capsys: pytest.CaptureFixture[str],
    screen: None,
    widths: list[tuple[Sequence[str], list[int] | None]],
    symbol: str,
    close: float,
    factor: float,
) -> None:
    forecast = {
        "symbol": symbol,
        "as_of": date(2026, 11, 27),
        "target": date(2026, 11, 30),
        "close": close,
        "median": close * 1.001,
        "lo80": close / factor,
        "hi80": close * factor,
        "lo95": close / factor**2,
        "hi95": close * factor**2,
        "reason": None,
        "edge": "優位性なし",
    }
    made: dict[str, Any] = {
        "universe": "jp",
        "as_of": "2026-11-27",
        "symbols": 4178,
        "made": {"random_walk": 4100, "random_forest": 0},
        "missing": {"random_forest": {"not_trained": 4100, "too_short": 61, "no_bar": 17}},
    }

    show_fan([forecast | {"horizon": horizon} for horizon in (1, 5)])
    show_predictions(made)

    assert all(chosen for _, chosen in widths)
    assert_fits(capsys.readouterr().out)


def test_values_that_knew_the_future(
    capsys: pytest.CaptureFixture[str],
    screen: None,
    widths: list[tuple[Sequence[str], list[int] | None]],
) -> None:
    class Result:
        title, symbols, moments, signals, values, compared = "pattern 1 (v2)", ["7203.T"], 20, 3, 9, {"a": 9}
        differences = pl.DataFrame(
            {
                "moment": [datetime(2025, 1, 6, 2, 25, tzinfo=UTC)] * 2,
                "symbol": ["7203.T"] * 2,
                "ts": [datetime(2025, 1, 6, 2, 30, tzinfo=UTC)] * 2,
                "of": ["1h", "signal"],
                "side": [None, "2-2 SELL"],
                "evidence": [None, '{"rsi": 29.1, "bands": [1, 2, 3], "and so on": "for many lines"}'],
                "column": ["bb_middle in the mirror", "signal"],
                "then": [2543.512345, None],
                "now": [2543.512346, 1.0],
            }
        )

    with pytest.raises(WorkFellShortError):
        end_look_ahead(Result(), as_json=False)  # type: ignore[arg-type]

    ((columns, chosen),) = widths
    assert chosen is not None, columns
    shown = capsys.readouterr().out
    assert_fits(shown)
    assert "2543.512345" in shown
    assert "2543.512346" in shown
    assert shown.count("2025-01-06 02:30") == 2


def test_a_segment_with_a_long_japanese_name(
    capsys: pytest.CaptureFixture[str],
    screen: None,
    widths: list[tuple[Sequence[str], list[int] | None]],
) -> None:
    names = ("universe", "segment", "issues", "expected bars", "stored", "coverage")
    segment = "REIT・ベンチャーファンド・カントリーファンド・インフラファンド"

    show_table("coverage per segment", names, [("jp", segment, 61, 1_016_943, 1_005_976, "98.92 %")])

    assert all(chosen for _, chosen in widths)
    shown = capsys.readouterr().out
    assert_fits(shown)
    assert "1,016,943" in shown


def test_a_warm_up_of_long_histories(
    capsys: pytest.CaptureFixture[str],
    screen: None,
    widths: list[tuple[Sequence[str], list[int] | None]],
) -> None:
    row = {"value": "3 SELL way 2", "timeframe": "5m", "compared": 1_234_567, "settled_after": 12_345}
    end_warm_up(
        "patterns", ["7203.T"], [row | {"in_force": 20_000, "verdict": "enough", "ties": 3}], as_json=False
    )

    assert all(chosen for _, chosen in widths)
    _title, *table = capsys.readouterr().out.splitlines()
    assert_fits("\n".join(table))


def test_what_another_attempt_collected_is_said_without_a_guess_how_it_ended(
    capsys: pytest.CaptureFixture[str], screen: None
) -> None:
    """It may have been interrupted, or have collected at the same time and ended well."""
    counts = dict.fromkeys(("rows_read", "inserted", "restated", "unchanged", "quarantined"), 0)
    done = {"universe": "jp", "collected": "1d", "symbols": 295, "verdicts": {"reused": 295}, **counts}

    show_stage("prices", done)

    assert "symbols: 295 collected already by another attempt since the last close" in " ".join(
        capsys.readouterr().out.split()
    )
