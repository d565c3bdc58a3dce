"""The error tree: exit codes of the command line, and sentences that say what, where and what to do."""

import pickle
from datetime import UTC, datetime

import pytest

from miraikakaku_assets.application.ports.redact_url import shown
from miraikakaku_assets.domain import errors
from miraikakaku_assets.domain.market.instruments import JP, Timeframe, timeframe, universe


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.MiraikakakuError, 1),
        (errors.ConfigurationError, 2),
        (errors.DependencyUnavailableError, 3),
        (errors.SourcePausedError, 3),
        (errors.InputFileError, 1),
        (errors.MasterRefusedError, 1),
        (errors.SymbolError, 1),
        (errors.TemporarySymbolError, 1),
        (errors.PermanentSymbolError, 1),
        (errors.WorkFellShortError, 1),
    ],
)
def test_exit_code_of_each_error(error: type[errors.MiraikakakuError], code: int) -> None:
    assert error.exit_code == code


def test_every_error_of_the_module_is_drawn_in_its_tree() -> None:
    defined = {name for name, value in vars(errors).items() if isinstance(value, type)}
    assert all(name in str(errors.__doc__) for name in defined)


def test_input_file_error_names_file_row_and_rule() -> None:
    error = errors.InputFileError("data_j.xls", "bad_code", "'x' is not a securities code", 7)
    assert str(error) == "data_j.xls, row 7: 'x' is not a securities code [rule bad_code]"
    assert str(errors.InputFileError("data_j.xls", "empty_file", "the file is empty")) == (
        "data_j.xls: the file is empty [rule empty_file]"
    )


def test_symbol_errors_say_whether_a_retry_is_worth_it() -> None:
    temporary = errors.TemporarySymbolError("7203.T", "rate_limited", "Yahoo limits us", retry_after=7.0)
    permanent = errors.PermanentSymbolError("9998.T", "not_on_source", "unknown")
    assert (temporary.error_class, temporary.retry_after) == ("temporary", 7.0)
    assert permanent.error_class == "permanent"
    assert str(temporary) == "7203.T: Yahoo limits us [rate_limited]"


def test_paused_source_says_until_when_and_why() -> None:
    moment = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)
    error = errors.SourcePausedError("yahoo", moment, "Yahoo answers HTTP 503")
    assert str(error) == (
        "yahoo is not asked again before 2026-11-20 06:30:00 UTC (Yahoo answers HTTP 503); "
        "what is left goes on then, or now after `miraikakaku resume`"
    )


@pytest.mark.parametrize(
    "error",
    [
        errors.TemporarySymbolError("7203.T", "rate_limited", "Yahoo limits us", retry_after=7.0),
        errors.PermanentSymbolError("9998.T", "not_on_source", "unknown"),
        errors.SourcePausedError("yahoo", datetime(2026, 11, 20, tzinfo=UTC), "Yahoo answers HTTP 503"),
        errors.DependencyUnavailableError("The database cannot be reached"),
    ],
)
def test_errors_of_a_fetching_process_arrive_as_they_were_raised(error: errors.MiraikakakuError) -> None:
    arrived = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert (type(arrived), str(arrived), vars(arrived)) == (type(error), str(error), vars(error))


def test_unknown_universe_and_timeframe_name_the_known_ones() -> None:
    assert universe("jp") is JP
    assert timeframe("1d") is Timeframe.D1
    with pytest.raises(errors.ConfigurationError, match=r"'de'.*jp"):
        universe("de")
    with pytest.raises(errors.ConfigurationError, match=r"'2d'.*5m, 1h, 4h, 1d, 1w, 1mo"):
        timeframe("2d")


def test_url_is_shown_without_user_password_query_and_fragment() -> None:
    assert shown("https://user:secret@example.org:8443/a/data_j.xls?key=secret#x") == (
        "https://example.org:8443/a/data_j.xls"
    )
    assert shown("http://[::1]:8000/list") == "http://[::1]:8000/list"
    assert shown("lists/what?.xls") == "lists/what?.xls"
    assert shown("https://u:secret@[::1/list") == "https://…"
