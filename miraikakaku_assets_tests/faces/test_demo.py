"""The demo: what somebody sees who has just cloned the repository."""

from pathlib import Path

import pytest

from miraikakaku_assets_tests.support.command import Command
from miraikakaku_assets_tests.support.free_port import free_port

UNIVERSES = ("jp", "us", "fx", "copper")


@pytest.mark.slow
def test_the_demo_runs_the_whole_pipeline_as_often_as_one_likes_and_says_it_is_simulated(
    open_folder: Path,
) -> None:
    # A real installation beside it, which the demo must not touch or reach.
    elsewhere = {
        "DATABASE_URL": "postgresql://127.0.0.1:9/real",
        "YAHOO_BASE_URL": "http://127.0.0.1:9",
        "FX_PAIRS": "USDJPY=X,EURUSD=X",
        "DISCORD_WEBHOOK_URL": "http://127.0.0.1:9/api/webhooks/1/real",
    }
    command = Command(open_folder, elsewhere).with_(MIRAIKAKAKU_HOME=open_folder)
    here = {name: elsewhere[name] for name in ("FX_PAIRS", "DISCORD_WEBHOOK_URL")}
    on_the_demo = Command(open_folder, here).with_(MIRAIKAKAKU_HOME=open_folder / "demo")
    (open_folder / "of-my-own.csv").write_text("symbol,date,open,high,low,close,volume\n")

    try:
        first = command("demo", "--symbols", 40)
        second = command("demo", "--symbols", 40)
        later = on_the_demo("collect", "--universe", "fx", "--json")
        real = on_the_demo.with_(YAHOO_BASE_URL="https://query2.finance.yahoo.com")
        refused = [
            on_the_demo("import", open_folder / "of-my-own.csv", "--universe", "fx"),
            real("collect", "--universe", "fx"),
            real("up", "--port", free_port(), "--api-port", free_port(), "--dashboard-port", free_port()),
        ]
    finally:
        on_the_demo("db", "stop")

    assert first.code == 0, first.err
    assert "a simulated exchange" in first.out.splitlines()[0]
    assert "all figures simulated" in first.out
    assert "jp master" in first.out
    assert first.out.count("jp prices: 40 symbols") == 2
    assert "jp coverage" in first.out
    assert first.out.count("fx prices of 5m: 2 symbols") == 2
    assert first.out.count("copper prices: 3 symbols\n") == 2
    assert "43 Dagster runs" in first.out
    for universe, symbols in {"jp": 40, "us": 12, "fx": 2, "copper": 3}.items():
        assert f"{universe} forecasts from" in first.out
        assert f": {symbols} symbol" in first.out
    for computed in (
        "jp analysis of 1d",
        "us analysis of 1d",
        "fx analysis of 1d",
        "fx analysis of 5m",
        "copper analysis of 1d",
    ):
        first_time, second_time = (text for text in first.out.splitlines() if text.startswith(computed))
        assert not first_time.endswith("nothing was due")
        assert second_time.endswith("nothing was due")
    derived = {
        (words[0], words[1]): [int(word.replace(",", "")) for word in words[2:]]
        for words in map(str.split, first.out.partition("bars and what is derived")[2].splitlines())
        if len(words) == 5 and words[0] in UNIVERSES
    }
    assert {place for place, (bars, indicators, _) in derived.items() if bars == indicators > 0} == {
        *((universe, timeframe) for universe in UNIVERSES for timeframe in ("1d", "1w", "1mo")),
        *(("fx", timeframe) for timeframe in ("5m", "1h", "4h")),
    }
    assert derived["fx", "5m"][2] > 0
    # The last tables before the reports: two symbols of each market, the next session and the fifth, on 80 columns.
    summary = first.out.partition("all figures simulated")[2]
    tables, _, ending = summary.partition("forecasts of the ensemble from")[2].partition("report of jp: ")
    shown = [words[0] for words in map(str.split, tables.splitlines()) if words[1:2] in (["+1"], ["+5"])]
    assert shown[::2] == shown[1::2]
    assert [symbol.endswith(".T") for symbol in shown[::2]] == [True, True, *(6 * [False])]
    assert shown[8:12:2] == ["EURUSD=X", "USDJPY=X"]
    # The demo lives now: from London's evening to the end of COMEX's day HG=F has no bar of the newest day yet.
    assert shown[12::2] in (["HG=F", "LME-CU-3M"], ["LME-CU-3M", "LME-CU-CASH"])
    assert max(map(len, tables.splitlines())) <= 80
    assert "look at them" in ending
    # Its signals are simulated: nobody may ever be told of one.
    (queued,) = (
        text.split()[-1] for text in first.out.splitlines() if text.startswith("notification_outbox")
    )
    assert queued == "0"
    report = next(text for text in first.out.splitlines() if text.startswith("report: "))
    assert Path(report.removeprefix("report: ")).is_file()
    assert second.code == 0, second.err
    assert not (open_folder / "postgres").exists()
    # Gone on with, it asks its own exchange again.
    assert later.code == 0, later.err
    assert later.document["stages"][0]["rows_read"] > 0
    says = "This installation holds simulated prices and takes nothing from"
    assert [(ended.code, ended.errors[0][: len(says)]) for ended in refused] == [(2, says)] * 3
