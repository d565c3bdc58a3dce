"""Lists fetched over HTTP: the bytes as they are, or one typed error."""

from collections.abc import Iterator

import pytest

from miraikakaku_assets.adapters.sources.jpx.stock_list import JpxList
from miraikakaku_assets.domain.errors import DependencyUnavailableError, InputFileError
from miraikakaku_assets_tests.fakes.scripted_yahoo import Answer, ScriptedYahoo, scripted_yahoo
from miraikakaku_assets_tests.support.markets.workbooks import line, workbook

PATH = "/markets/statistics/data_j.xls"
LIST = workbook([line(1301.0), line("130A")])


@pytest.fixture
def exchange() -> Iterator[ScriptedYahoo]:
    with scripted_yahoo() as server:
        yield server


def test_list_is_fetched_byte_by_byte_and_read(exchange: ScriptedYahoo) -> None:
    exchange.script(PATH, Answer(200, LIST, {"Content-Type": "application/vnd.ms-excel"}))
    jpx = JpxList(5.0)
    publication = jpx.fetch(exchange.base_url + PATH + "?download=1")
    (file,) = publication.files
    assert file.content == LIST
    assert file.name == exchange.base_url + PATH
    assert [issue.code for issue in jpx.parse(publication).issues] == ["1301", "130A"]


@pytest.mark.parametrize("status", [403, 404, 429, 500, 503])
def test_error_of_the_server_leaves_the_last_good_list(exchange: ScriptedYahoo, status: int) -> None:
    exchange.script(PATH, Answer(status, b"<html>no</html>"))
    with pytest.raises(DependencyUnavailableError, match=f"HTTP {status}; the last good list stays"):
        JpxList(5.0).fetch(exchange.base_url + PATH)


@pytest.mark.parametrize(
    "answer", [Answer(200, LIST, delay=2.0), Answer(200, LIST, cut=1_000)], ids=["slow", "cut"]
)
def test_answer_that_does_not_arrive_whole_is_no_list(exchange: ScriptedYahoo, answer: Answer) -> None:
    exchange.script(PATH, answer)
    with pytest.raises(DependencyUnavailableError, match="cannot be reached"):
        JpxList(0.5).fetch(exchange.base_url + PATH)


def test_empty_answer_and_a_page_for_people_are_no_lists(exchange: ScriptedYahoo) -> None:
    exchange.script(PATH, Answer(200, b""), Answer(200, b"<!DOCTYPE html><html>Maintenance</html>"))
    jpx = JpxList(5.0)
    with pytest.raises(InputFileError, match="empty"):
        jpx.fetch(exchange.base_url + PATH)
    with pytest.raises(InputFileError, match="HTML page"):
        jpx.parse(jpx.fetch(exchange.base_url + PATH))


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:notaport/data_j.xls", "http://", "https://[::1/data_j.xls"]
)
def test_address_that_is_none_is_said_so(address: str) -> None:
    with pytest.raises(DependencyUnavailableError, match="cannot be reached"):
        JpxList(2.0).fetch(address)
