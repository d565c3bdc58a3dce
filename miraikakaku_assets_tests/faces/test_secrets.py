"""A password that a setting holds is nowhere else afterwards."""

import pytest

from miraikakaku_assets_tests.support.command import Command
from miraikakaku_assets_tests.support.installations.command_line import PASSWORD

TEXTS = """
    SELECT c.table_schema, c.table_name, c.column_name
    FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
    WHERE c.table_schema IN ('dagster', 'miraikakaku') AND t.table_type = 'BASE TABLE'
      AND c.data_type IN ('text', 'character varying')"""


def places_with(command: Command, secret: str) -> list[str]:
    """Columns and files below the state folder that hold a text."""
    columns = command.rows(TEXTS)
    assert len(columns) > 50
    queries = [
        f"SELECT '{schema}.{table}.{column}', count(*) FROM {schema}.{table} WHERE \"{column}\" LIKE '%%{secret}%%'"
        for schema, table, column in columns
    ]
    filled = [name for name, count in command.rows(" UNION ALL ".join(queries)) if count]
    files = [path for path in command.folder.rglob("*") if path.is_file()]
    assert files
    return filled + [str(path) for path in files if secret.encode() in path.read_bytes()]


def test_the_search_finds_what_is_there(filled: Command) -> None:
    assert "miraikakaku.instruments.symbol" in places_with(filled, "7203.T")


def test_the_password_of_the_database_is_stored_nowhere(filled: Command) -> None:
    assert PASSWORD in filled.variables["DATABASE_URL"]
    assert places_with(filled, PASSWORD) == []


@pytest.mark.parametrize("arguments", ["status --json", "db url", "collect --symbols 7203.T"])
def test_no_command_prints_it(filled: Command, arguments: str) -> None:
    ended = filled.apart(*arguments.split())  # its log, too

    assert ended.code == 0, ended.err
    assert PASSWORD not in ended.out + ended.err


def test_db_url_prints_it_when_asked_to(filled: Command) -> None:
    assert PASSWORD in filled("db", "url", "--password").out


def test_credentials_in_the_address_of_the_list_are_stored_nowhere(command: Command) -> None:
    address = command.variables["JPX_LIST_URL"].replace("://", "://reader:open-sesame@") + "?key=open-sesame"

    served = command.apart.with_(JPX_LIST_URL=address)("master", "update", "--json")
    refused = command.apart.with_(JPX_LIST_URL=address.replace("data_j", "gone"))(
        "master", "update", "--json"
    )

    assert (served.code, refused.code) == (0, 3)
    assert "open-sesame" not in served.out + served.err + refused.out + refused.err
    assert places_with(command, "open-sesame") == []
