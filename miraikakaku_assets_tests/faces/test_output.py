"""How results and errors are written: as they are, whatever is in them."""

from pathlib import Path

import pytest

from miraikakaku_assets.faces.cli.output import fail, show_line, show_table
from miraikakaku_assets_tests.support.command import Command

MARKUP = "bars[bold]of[/bold] [draft] [/] \\[red] :smile: [rule not_a_workbook]"
LONG = "/a/" + "very/long/path/" * 30


@pytest.mark.parametrize("text", [MARKUP, LONG])
def test_an_error_is_one_line_with_everything_in_it(capsys: pytest.CaptureFixture[str], text: str) -> None:
    fail(text)

    captured = capsys.readouterr()
    assert captured.err == f"error: {text}\n"
    assert captured.out == ""


@pytest.mark.parametrize("text", [MARKUP, LONG])
def test_a_line_is_written_as_it_is(capsys: pytest.CaptureFixture[str], text: str) -> None:
    show_line(text)

    assert capsys.readouterr().out == f"{text}\n"


def test_a_table_keeps_brackets_in_its_title_and_cells(capsys: pytest.CaptureFixture[str]) -> None:
    show_table("import of [draft].csv", ("rule", "rows"), [("[bold]", 1234567), (None, 0.5), (True, -3)])

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "import of [draft].csv"
    assert [line.split() for line in lines[1:]] == [
        ["rule", "rows"],
        ["[bold]", "1,234,567"],
        ["–", "0.50"],
        ["yes", "-3"],
    ]


def test_an_error_about_a_path_with_brackets_names_all_of_it(nowhere: Command, tmp_path: Path) -> None:
    folder = tmp_path / "[bold]bars[" / "red]"
    folder.mkdir(parents=True)

    ended = nowhere("import", folder / "[/]none.csv")

    assert ended.errors == [f"{folder}/[/]none.csv: there is no such file or folder [rule no_such_file]"]
