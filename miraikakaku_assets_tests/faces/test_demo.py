"""The demo: what somebody sees who has just cloned the repository."""

from pathlib import Path

import pytest

from miraikakaku_assets_tests.faces.command import Command


@pytest.mark.slow
def test_the_demo_runs_the_whole_pipeline_as_often_as_one_likes_and_says_it_is_simulated(
    open_folder: Path,
) -> None:
    # A real installation beside it, which the demo must not touch or reach.
    elsewhere = {"DATABASE_URL": "postgresql://127.0.0.1:9/real", "YAHOO_BASE_URL": "http://127.0.0.1:9"}
    command = Command(open_folder, elsewhere).with_(MIRAIKAKAKU_HOME=open_folder)

    try:
        first = command("demo", "--symbols", 40)
        second = command("demo", "--symbols", 40)
    finally:
        Command(open_folder, {"MIRAIKAKAKU_HOME": str(open_folder / "demo")})("db", "stop")

    assert first.code == 0, first.err
    assert "a simulated exchange" in first.out.splitlines()[0]
    assert "all figures simulated" in first.out
    assert "jp master" in first.out
    assert first.out.count("jp prices: 40 symbols") == 2
    assert "jp coverage" in first.out
    assert "11 Dagster runs" in first.out
    report = next(text for text in first.out.splitlines() if text.startswith("report: "))
    assert Path(report.removeprefix("report: ")).is_file()
    assert second.code == 0, second.err
    assert not (open_folder / "postgres").exists()
