"""`check`, `coverage gaps` and `coverage repair` through the front door: what is missing is found, named and filled."""

import json
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url

from miraikakaku_assets_tests.support.command import Command

pytestmark = pytest.mark.slow


def lose(command: Command, symbol: str, bars: int) -> None:
    """The newest bars of a symbol are gone."""
    engine = create_engine(make_url(command.variables["DATABASE_URL"]).set(drivername="postgresql+psycopg2"))
    with engine.begin() as connection:
        connection.exec_driver_sql(
            f"""DELETE FROM miraikakaku.price_bars WHERE (instrument_id, timeframe, ts) IN (
                SELECT b.instrument_id, b.timeframe, b.ts FROM miraikakaku.price_bars b
                JOIN miraikakaku.instruments i ON i.id = b.instrument_id AND i.symbol = '{symbol}'
                WHERE b.timeframe = '1d' ORDER BY ts DESC LIMIT {bars})"""
        )
    engine.dispose()


def test_what_is_missing_is_found_named_and_filled(command: Command) -> None:
    assert command("master", "update").code == 0
    assert command("collect").code == 0
    lose(command, "7203.T", 3)

    checked = command("check", "--json")

    assert checked.code == 1  # eight issues are no market
    jp, everything = checked.document["stages"]
    assert (jp["universe"], jp["stage"], jp["succeeded"]) == ("jp", "coverage", True)
    assert everything["stage"] == "coverage_report"
    assert "japanese_stocks: 8 issues, at least 4,000 expected (MIN_JAPANESE_STOCKS)" in everything["error"]
    assert (
        json.loads(Path(everything["report"]).read_text(encoding="utf-8"))["universes"]["jp"]["coverage"] < 1
    )
    assert Path(everything["page"]).exists()

    named = command("coverage", "gaps", "--symbols", "7203.T", "--json").document["universes"][0]
    assert named["total"] == 1
    (gap,) = named["gaps"]
    assert (gap["sessions"], gap["missing_bars"], gap["cause"]) == (3, 3, "after_last_bar")

    planned = command("coverage", "repair", "--symbols", "7203.T", "--dry-run", "--json").document
    assert planned["universes"][0]["requests"] == [
        {"symbol": "7203.T", "since": gap["first_session"], "until": gap["last_session"]}
    ]

    repaired = command("coverage", "repair", "--symbols", "7203.T")
    assert repaired.code == 0, repaired.err
    assert "filled" in repaired.out
    assert "bars missing: 3 before, 0 now" in repaired.out
    assert "jp repair of 1d bars" in repaired.err  # the progress

    again = command("coverage", "repair", "--symbols", "7203.T", "--json").document["stages"][0]
    assert (again["gaps"], again["succeeded"]) == (0, True)
    shown = command("coverage", "--universe", "jp")
    assert shown.code == 0
    assert "プライム" in shown.out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("repair", "--cause", "moon"), "There is no cause 'moon'"),
        (("repair", "--cause", "listed_later"), "--force does it"),
        (("repair", "--universe", "copper", "--timeframe", "5m"), "5m bars of copper are not collected"),
        (("gaps", "--universe", "mars"), "'mars'"),
    ],
)
def test_bad_usage_is_refused_before_anything_is_opened(
    nowhere: Command, arguments: tuple[str, ...], sentence: str
) -> None:
    ended = nowhere("coverage", *arguments, "--json")
    assert ended.code == 2
    assert sentence in ended.document["error"]


def test_without_a_check_there_is_nothing_to_show(command: Command) -> None:
    for arguments in (("coverage",), ("coverage", "gaps"), ("coverage", "repair", "--dry-run")):
        ended = command(*arguments)
        assert ended.code == 1
        assert "run `miraikakaku check` first" in ended.errors[0]
