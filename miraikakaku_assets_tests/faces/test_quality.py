"""`quality`: rules that are kept, broken ones with their statement, and usage."""

import pytest

from miraikakaku_assets_tests.support.command import Command, stages


@pytest.mark.slow
def test_what_a_pipeline_stores_keeps_its_rules(filled: Command) -> None:
    sound = filled("quality", "--json")

    assert sound.code == 0, sound.err
    report = stages(sound)["quality"]
    assert [rule for rule in report["broken"] if rule["kind"] == "error"] == []
    assert report["states"]["passed"] > 60
    assert filled.rows("SELECT count(*) FROM miraikakaku.quality_results") == [(report["rules"],)]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--universe", "mars"], "mars"),
        (["--until", "soon"], "--until 'soon' is not a date"),
        (["--expect", "2022-04-28"], "--expect needs --note"),
        (["--note", "why"], "--note says why a day is unusual"),
    ],
)
def test_bad_usage_is_said_before_anything_is_opened(
    nowhere: Command, options: list[str], sentence: str
) -> None:
    ended = nowhere("quality", *options)

    assert ended.code == 2
    assert sentence in ended.err
