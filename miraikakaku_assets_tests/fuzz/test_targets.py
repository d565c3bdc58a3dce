"""Every parser: what is kept in the corpus, and changes of it, end in an answer or in a typed error."""

from collections.abc import Iterator
from contextlib import ExitStack
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from miraikakaku_assets_tests.fuzz.changes import changed
from miraikakaku_assets_tests.fuzz.table import NAMES, target_named
from miraikakaku_assets_tests.fuzz.target import CORPUS, FindingError, Form, Parse, Target, judge, ready
from miraikakaku_assets_tests.support.databases import INSTALLED, fresh_database

_EXAMPLES = 25
_MOST_BYTES = 300_000


@pytest.fixture(scope="module")
def database_url(server_url: str) -> Iterator[str]:
    with fresh_database(server_url, INSTALLED) as url:
        yield url


@pytest.fixture(scope="module", params=NAMES)
def target(request: pytest.FixtureRequest) -> Target:
    return target_named(request.param)


@pytest.fixture(scope="module")
def parse(target: Target, request: pytest.FixtureRequest) -> Iterator[Parse]:
    url = request.getfixturevalue("database_url") if target.needs_database else ""
    with ExitStack() as stack:
        yield stack.enter_context(target.opened(url))


def test_what_is_kept_is_read_or_refused(target: Target, parse: Parse) -> None:
    refused = {path.name: judge(target, parse, path.read_bytes()) for path in target.corpus()}

    assert "" in refused.values(), (
        "a corpus needs what is accepted, or nothing behind the first check is reached"
    )


@pytest.mark.filterwarnings("ignore::hypothesis.errors.NonInteractiveExampleWarning")
def test_what_is_changed_is_read_or_refused(target: Target, parse: Parse) -> None:
    kept = [path.read_bytes() for path in target.corpus()]
    refusals = list[str]()

    @settings(
        max_examples=_EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],  # a seed is no smaller for being a smaller number
        suppress_health_check=list(HealthCheck),
    )
    @given(content=st.sampled_from(kept), seed=st.integers(0, 2**32))
    def changes(content: bytes, seed: int) -> None:
        refusals.append(judge(target, parse, changed(target.form, content, Random(seed))))  # noqa: S311 - no secret

    changes()
    assert any(refusals), "no change was refused: it is not the parser that is fuzzed"


def test_an_untyped_error_and_a_message_that_cannot_be_stored_are_findings() -> None:
    def parse(content: bytes) -> None:
        raise ValueError(content.decode())

    wrong = Target("wrong", ready(parse), (), Form.TEXT)
    long = Target("long", ready(parse), (ValueError,), Form.TEXT)
    with pytest.raises(FindingError, match="ValueError: x"):
        judge(wrong, parse, b"x")
    with pytest.raises(FindingError, match="no line of text"):
        judge(long, parse, b"x\ny")
    with pytest.raises(FindingError, match="2,000 characters"):
        judge(long, parse, b"x" * 2_000)
    assert judge(long, parse, b"x") == "ValueError"


def test_the_corpus_is_small_and_belongs_to_targets() -> None:
    assert {folder.name for folder in CORPUS.iterdir()} == set(NAMES)
    assert sum(path.stat().st_size for path in CORPUS.rglob("*") if path.is_file()) <= _MOST_BYTES
