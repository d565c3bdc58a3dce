"""What a command exits with, and the one sentence that says why."""

import socket
import struct
from pathlib import Path

import pytest

from miraikakaku_assets.adapters.sources.jpx.stock_list import COLUMNS
from miraikakaku_assets_tests.fakes.simulated import Simulated
from miraikakaku_assets_tests.support.command import Command
from miraikakaku_assets_tests.support.in_process import InProcess
from miraikakaku_assets_tests.support.installations.command_line import PASSWORD
from miraikakaku_assets_tests.support.installations.installation import CODES, listed
from miraikakaku_assets_tests.support.markets.workbooks import line, workbook

OK, FELL_SHORT, BAD_USAGE, UNREACHABLE = 0, 1, 2, 3
NO_5M_COPPER = "5m bars of copper are not collected from a source; choose 1d"

# --- 2: bad usage is refused before anything is started ------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("collect --universe moon", "Universe 'moon' is not collected here; choose from: jp, us, fx, copper"),
        (
            "master update --universe moon",
            "Universe 'moon' is not collected here; choose from: jp, us, fx, copper",
        ),
        ("pipeline --universe ,", "--universe names no universe; available: jp, us, fx, copper"),
        ("status --universe moon", "Universe 'moon' is not collected here; choose from: jp, us, fx, copper"),
        ("analyze --universe moon", "Universe 'moon' is not collected here; choose from: jp, us, fx, copper"),
        ("collect --universe fx,copper --timeframe 5m", NO_5M_COPPER),
        ("analyze --universe copper --timeframe 5m", NO_5M_COPPER),
        ("analyze --timeframe 1h", "1h bars are not collected from a source; choose 1d or 5m"),
        (
            "analyze --timeframe 7d",
            "Timeframe '7d' does not exist; choose from: 5m, 1h, 4h, 1d, 1w, 1mo",
        ),
        ("analyze --since gestern", "--since 'gestern' is not a date like 2025-01-06"),
        ("analyze --symbols 7203.T --limit 3", "--symbols and --limit exclude each other; give one of them"),
        ("collect --since gestern", "--since 'gestern' is not a date like 2025-01-06"),
        ("validate --until 2025-02-30", "--until '2025-02-30' is not a date like 2025-01-06"),
        ("pipeline --since 2025-02-02 --until 2025-02-01", "--since 2025-02-02 is after --until 2025-02-01"),
        (
            "export --out x.csv --since 20250202 --until 2025-02-01",
            "--since 20250202 is after --until 2025-02-01",
        ),
        ("collect --symbols ,", "--symbols ',' names no symbol; write them like 7203.T,130A.T"),
        ("collect --symbols 7203.T --limit 3", "--symbols and --limit exclude each other; give one of them"),
        ("export --out bars.xlsx", "--out bars.xlsx: the name must end in .parquet or .csv"),
        ("export --out nowhere/bars.csv", "--out nowhere/bars.csv: there is no folder nowhere"),
        ("export --out bars.csv --timeframe 5m", "--timeframe 5m: daily bars only; choose 1d"),
        (
            "export --out bars.csv --timeframe 7d",
            "Timeframe '7d' does not exist; choose from: 5m, 1h, 4h, 1d, 1w, 1mo",
        ),
        ("db start", "DATABASE_URL names an external server; it is started and stopped by its own means"),
        ("db stop", "DATABASE_URL names an external server; it is started and stopped by its own means"),
    ],
)
def test_bad_usage(nowhere: Command, arguments: str, sentence: str) -> None:
    ended = nowhere(*arguments.split())

    assert (ended.code, ended.errors) == (BAD_USAGE, [sentence])
    assert ended.out == ""


@pytest.mark.parametrize(
    "arguments",
    ["collcet", "collect --limit -1", "collect --nonsense", "export", "up --port 0", "schedule --port 65536"],
)
def test_what_the_command_line_itself_does_not_understand(nowhere: Command, arguments: str) -> None:
    ended = nowhere.apart(*arguments.split())

    assert ended.code == BAD_USAGE
    assert "Usage: miraikakaku" in ended.err


@pytest.mark.parametrize("command", ["up", "schedule"])
def test_a_port_that_is_taken_is_refused_before_anything_is_started(nowhere: Command, command: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_server(("127.0.0.1", 0)) as other:
        port, free = listener.getsockname()[1], other.getsockname()[1]
        other.close()
        ended = nowhere(command, "--port", port)  # it would not find its database either
        api = nowhere(command, "--port", free, "--api-port", port)
        last = nowhere(command, "--port", free, "--api-port", free, "--dashboard-port", port)

    assert (ended.code, api.code, last.code) == (BAD_USAGE, BAD_USAGE, BAD_USAGE)
    assert last.errors[0].startswith(f"--dashboard-port {port}: the dashboard cannot listen on ")
    (sentence,), (other_sentence,) = ended.errors, api.errors
    assert sentence.startswith(f"--port {port}: the web UI cannot listen on 127.0.0.1:{port} (Address ")
    assert other_sentence.startswith(
        f"--api-port {port}: the REST API cannot listen on 127.0.0.1:{port} (Address "
    )
    assert list(nowhere.folder.iterdir()) == []


def test_the_api_listens_to_others_only_with_a_key(nowhere: Command) -> None:
    ended = nowhere("serve", "--host", "0.0.0.0")  # noqa: S104

    assert ended.code == BAD_USAGE
    assert ended.errors[0].startswith("--host 0.0.0.0: without API_KEY")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (
            "collect --universe moon --json",
            "Universe 'moon' is not collected here; choose from: jp, us, fx, copper",
        ),
        ("import no.csv --json", "no.csv: there is no such file or folder [rule no_such_file]"),
        ("validate --json --nonsense", "bad usage; stderr says what"),
    ],
)
def test_a_script_that_asks_for_json_gets_it_when_nothing_worked_too(
    nowhere: Command, arguments: str, error: str
) -> None:
    ended = nowhere(*arguments.split())

    assert ended.code in {FELL_SHORT, BAD_USAGE}
    assert ended.document == {"succeeded": False, "error": error, "exit_code": ended.code}


def test_a_fault_that_does_not_exist(nowhere: Command) -> None:
    ended = nowhere("simulate", "--port", "0", "--fault", "earthquake=1")

    assert ended.code == BAD_USAGE
    assert ended.errors[0].startswith("fault 'earthquake=1' cannot be used: its kind is not known")


@pytest.mark.parametrize(
    ("variable", "value", "reason"),
    [
        ("REQUESTS_PER_SECOND", "0", "Input should be greater than or equal to 0.01"),
        ("MAX_WORKERS", "many", "Input should be a valid integer"),
        ("HISTORY_START", "2020-13-01", "month must be in 1..12"),
        ("MIRAIKAKAKU_PRICE_SOURCE", "bloomberg", "Input should be 'yahoo' or 'archive'"),
        ("COVERAGE_ALERT_THRESHOLD", "95", "Input should be less than or equal to 1"),
        ("DATABASE_URL", "mysql://u:s3cret@host/db", "must start with postgresql://"),
        ("DATABASE_URL", "postgresql://u:s3cret@host:port/db", "must look like postgresql://"),
        (
            "DATABASE_URL",
            "postgresql://host/db?user=u&password=s3cret",
            "must carry its password as user:password@",
        ),
        ("DATABASE_URL", "postgresql://u:half@s3cret@host/db", "must write an @ in its password as %40"),
        ("YAHOO_BASE_URL", "query2.finance.yahoo.com", "must be a web address"),
        ("MIRAIKAKAKU_PRICE_SOURCE", "archive", "must name a file or folder of Parquet or CSV bars"),
        ("JP_WATCH_LIST", "7203", "must name TSE symbols like 7203.T,285A.T"),
    ],
)
def test_a_wrong_setting_is_named_and_its_value_is_kept_secret(
    nowhere: Command, variable: str, value: str, reason: str
) -> None:
    ended = nowhere.with_(**{variable: value})("status")

    assert ended.code == BAD_USAGE
    named = variable.replace("PRICE_SOURCE", "ARCHIVE_DIR") if value == "archive" else variable
    assert ended.errors[0].startswith(f"{named}: ")
    assert reason in ended.errors[0]
    assert "s3cret" not in ended.err


def test_settings_are_read_from_a_file_in_the_working_directory_too(
    nowhere: Command, here: InProcess
) -> None:
    (nowhere.folder / ".env").write_text("RETRY_DELAY=-1\n", encoding="utf-8")
    without = {name: value for name, value in nowhere.variables.items() if name != "RETRY_DELAY"}

    ended = Command(nowhere.folder, without, inside=here)("status")

    assert ended.code == BAD_USAGE
    assert ended.errors[0].startswith("RETRY_DELAY: ")


@pytest.mark.parametrize("state", ["file", "below a file"])
def test_a_state_folder_that_is_none(nowhere: Command, state: str) -> None:
    (nowhere.folder / "occupied").write_text("", encoding="utf-8")
    home = nowhere.folder / "occupied" / ("" if state == "file" else "home")

    ended = nowhere.with_(MIRAIKAKAKU_HOME=home)("status")

    assert ended.code == BAD_USAGE
    assert ended.errors[0].startswith(f"MIRAIKAKAKU_HOME: {home} cannot be used as a folder")


# --- 3: a dependency cannot be reached -----------------------------------------------------------------------


@pytest.mark.parametrize("arguments", ["status", "collect", "pipeline --json", "db upgrade --json"])
def test_a_database_that_is_not_there_is_named_without_its_password(nowhere: Command, arguments: str) -> None:
    ended = nowhere(*arguments.split())

    assert ended.code == UNREACHABLE
    (sentence,) = ended.errors
    assert sentence == (
        "The database postgresql://reader:***@127.0.0.1:9/prices cannot be reached; "
        "start it (`miraikakaku db start`) or correct DATABASE_URL"
    )
    if "--json" in arguments:
        assert ended.document == {"succeeded": False, "error": sentence, "exit_code": UNREACHABLE}
    else:
        assert ended.out == ""
    assert PASSWORD not in ended.out + ended.err
    assert all(PASSWORD not in file.read_text() for file in nowhere.folder.rglob("*") if file.is_file())


def test_a_list_that_cannot_be_fetched(command: Command) -> None:
    ended = command.with_(JPX_LIST_URL="http://someone:secret@127.0.0.1:9/data_j.xls?key=secret")(
        "pipeline", "--json"
    )

    assert ended.code == UNREACHABLE
    assert ended.document["succeeded"] is False
    assert [stage["stage"] for stage in ended.document["stages"]] == ["master"]
    assert ended.errors[0].startswith("http://127.0.0.1:9/data_j.xls cannot be reached (")
    assert "secret" not in ended.out + ended.err


def test_an_exchange_that_answers_with_an_error(command: Command, exchange: Simulated) -> None:
    exchange.set_faults("503@data_j.xls")

    ended = command("master", "update")

    assert ended.code == UNREACHABLE
    assert ended.errors == [f"{exchange.base}/jpx/data_j.xls answers HTTP 503; the last good list stays"]


def test_prices_that_cannot_be_fetched(command: Command) -> None:
    assert command("master", "update").code == OK

    ended = command.with_(YAHOO_BASE_URL="http://127.0.0.1:9", MAX_RETRIES=0)("collect", "--json")

    assert ended.code == UNREACHABLE
    assert ended.document["stages"][0]["exit_code"] == UNREACHABLE
    assert ended.errors[0].startswith("Yahoo at http://127.0.0.1:9 cannot be reached")


# --- 1: the work failed or fell short ------------------------------------------------------------------------


def corrupt() -> bytes:
    """A workbook whose middle was lost on the way."""
    whole = listed(CODES)
    return whole[:700] + whole[2000:]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(b"", "the file is empty [rule empty_file]", id="empty"),
        pytest.param(
            b"<!DOCTYPE html><html>maintenance</html>",
            "it is an HTML page; JPX's list is a .xls workbook [rule not_a_workbook]",
            id="html",
        ),
        pytest.param(corrupt(), "[rule not_a_workbook]", id="corrupt"),
        pytest.param(struct.pack("<8B", *range(8)) * 99, "[rule not_a_workbook]", id="garbage"),
        pytest.param(
            workbook(
                [line(7203.0)], header=["証券コード" if title == "コード" else title for title in COLUMNS]
            ),
            "row 1: column コード is missing; this is not JPX's list of issues [rule missing_column]",
            id="missing-column",
        ),
        pytest.param(workbook([]), "the list has a header but no issue [rule no_issues]", id="no-issue"),
    ],
)
def test_a_file_that_is_no_list_is_refused_and_the_master_stays(
    filled: Command, tmp_path: Path, content: bytes, reason: str
) -> None:
    file = tmp_path / "data_j.xls"
    file.write_bytes(content)
    before = filled.rows("SELECT * FROM miraikakaku.stock_master ORDER BY id")

    ended = filled("master", "update", "--file", file, "--json")

    assert ended.code == FELL_SHORT
    (sentence,) = ended.errors
    assert sentence.startswith(f"{file}")
    assert sentence.endswith(reason)
    assert ended.document["stages"][0]["error"] == sentence
    assert filled.rows("SELECT * FROM miraikakaku.stock_master ORDER BY id") == before
    newest = "SELECT status, error_message FROM miraikakaku.stock_master_updates ORDER BY id DESC LIMIT 1"
    assert filled.rows(newest) == [("failed", sentence)]


def test_a_file_that_does_not_exist(filled: Command) -> None:
    ended = filled("master", "update", "--file", "no/such/data_j.xls")

    assert (ended.code, ended.errors) == (
        FELL_SHORT,
        ["no/such/data_j.xls: there is no such file [rule no_such_file]"],
    )


def test_a_list_that_lost_half_of_its_issues(filled: Command, tmp_path: Path) -> None:
    file = tmp_path / "data_j.xls"
    file.write_bytes(listed(CODES[:4], "20261120"))

    ended = filled("master", "update", "--file", file)

    assert ended.code == FELL_SHORT
    assert "it holds 4 issues against 8 in force (-50.0%, at most 1% fewer allowed)" in ended.errors[0]
    assert "repeat with --accept-mass-change if it is right" in ended.errors[0]


@pytest.mark.parametrize("arguments", ["collect", "import bars.csv"])
def test_without_a_master_every_command_says_what_comes_first(command: Command, arguments: str) -> None:
    (command.folder / "bars.csv").write_text("symbol,date,open,high,low,close,volume\n", encoding="utf-8")

    ended = command(*arguments.split())

    assert ended.code == FELL_SHORT
    (sentence,) = ended.errors
    assert "run `miraikakaku master update --universe jp` first" in sentence
