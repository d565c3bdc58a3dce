"""Plain downloads of published files, with typed errors."""

from pathlib import Path

from miraikakaku_assets.application.ports import PublishedFile
from miraikakaku_assets.application.ports.redact_url import shown
from miraikakaku_assets.domain.errors import DependencyUnavailableError, InputFileError


def read_published(location: str, timeout: float, part: str = "") -> PublishedFile:
    """Reads a URL or a file as it is.

    Args:
        location: ``http(s)://…``, ``file://…`` or a path.
        timeout: Seconds for the whole download.
        part: Which file of its publication it is.

    Raises:
        DependencyUnavailableError: The URL does not answer, or answers with an error.
        InputFileError: The file does not exist, is a folder, or is empty.
    """
    if location.startswith(("http://", "https://")):
        return _checked(PublishedFile(shown(location), _download(location, timeout), part))
    path = Path(location.removeprefix("file://")).expanduser()
    try:
        return _checked(PublishedFile(str(path), path.read_bytes(), part))
    except FileNotFoundError:
        raise InputFileError(str(path), "no_such_file", "there is no such file") from None
    except OSError as error:
        raise InputFileError(str(path), "unreadable", f"it cannot be read ({error.strerror})") from None


def _download(url: str, timeout: float) -> bytes:
    from curl_cffi import requests

    try:
        # The exchange refuses clients that do not look like a browser.
        answer = requests.get(url, timeout=timeout, impersonate="chrome")
    except requests.exceptions.RequestException as error:
        raise DependencyUnavailableError(
            f"{shown(url)} cannot be reached ({type(error).__name__}); try again later or name a file"
        ) from (
            None if "?" in url else error
        )  # a query may hold a key, and a cause is printed with the error
    if answer.status_code >= 400:  # noqa: PLR2004
        raise DependencyUnavailableError(
            f"{shown(url)} answers HTTP {answer.status_code}; the last good list stays"
        )
    return bytes(answer.content)


def is_web_page(content: bytes) -> bool:
    """Whether the bytes are a page for people: what servers send instead of a file they do not have."""
    return content[:200].lstrip().lower().startswith((b"<!doctype", b"<html"))


def _checked(file: PublishedFile) -> PublishedFile:
    if not file.content.strip():
        raise InputFileError(file.name, "empty_file", "the file is empty")
    return file
