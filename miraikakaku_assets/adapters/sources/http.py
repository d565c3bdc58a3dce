"""Plain downloads of published files, with typed errors; nothing larger than such a file can be is taken."""

from pathlib import Path

from miraikakaku_assets.application.ports import PublishedFile
from miraikakaku_assets.application.ports.redact_url import shown
from miraikakaku_assets.domain.errors import DependencyUnavailableError, InputFileError

MOST_BYTES = 32 << 20
"""Bytes that are taken from one file, unpacked: JPX's list has 1 MB, Alpha Vantage's 1 MB."""
_ABORT = 0xFFFFFFFF  # CURL_WRITEFUNC_ERROR: curl ends the transfer


class BoundedBody:
    """The body of an answer while it is received, so that none is taken that fills the memory.

    Its `take` is the ``content_callback`` of a request; bytes come unpacked, whatever the server compressed.

    Args:
        most_bytes: From which on the transfer is ended.

    Attributes:
        is_too_long: Whether it was ended.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._received = bytearray()
        self.is_too_long = False

    def take(self, chunk: bytes) -> int:
        """Adds what has come; says how much of it was taken."""
        self.is_too_long = len(self._received) + len(chunk) > self._most_bytes
        if self.is_too_long:
            self._received.clear()
            return _ABORT
        self._received += chunk
        return len(chunk)

    @property
    def content(self) -> bytes:
        """All of it."""
        return bytes(self._received)


def too_large(name: str, most_bytes: int = MOST_BYTES) -> InputFileError:
    """The refusal of a file that is larger than what it should be can be."""
    explanation = (
        f"it has more than {most_bytes >> 20} MiB, which no such file has; look what is published there"
    )
    return InputFileError(name, "too_large", explanation)


def read_published(location: str, timeout: float, part: str = "") -> PublishedFile:
    """Reads a URL or a file as it is.

    Args:
        location: ``http(s)://…``, ``file://…`` or a path.
        timeout: Seconds for the whole download.
        part: Which file of its publication it is.

    Raises:
        DependencyUnavailableError: The URL does not answer, or answers with an error.
        InputFileError: The file does not exist, is a folder, is empty, or has more than `MOST_BYTES`.
    """
    if location.startswith(("http://", "https://")):
        return _checked(PublishedFile(shown(location), _download(location, timeout), part))
    path = local_path(location)
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise too_large(str(path))
        return _checked(PublishedFile(str(path), content, part))
    except FileNotFoundError:
        raise InputFileError(str(path), "no_such_file", "there is no such file") from None
    except (OSError, ValueError) as error:  # a NUL byte in a path is a ValueError
        why = getattr(error, "strerror", None) or str(error)
        raise InputFileError(str(path), "unreadable", f"it cannot be read ({why})") from None


def local_path(location: str) -> Path:
    """The path that a location on this machine names.

    Raises:
        InputFileError: It lies in the home of a user whom this machine does not know.
    """
    path = Path(location.removeprefix("file://"))
    try:
        return path.expanduser()
    except RuntimeError:
        explanation = "there is no such file: nobody of that name has a home here"
        raise InputFileError(str(path), "no_such_file", explanation) from None


def _download(url: str, timeout: float) -> bytes:
    from curl_cffi import requests

    body = BoundedBody()
    try:
        # The exchange refuses clients that do not look like a browser.
        answer = requests.get(url, timeout=timeout, impersonate="chrome", content_callback=body.take)
    except requests.exceptions.RequestException as error:
        if body.is_too_long:
            raise too_large(shown(url)) from None
        raise DependencyUnavailableError(
            f"{shown(url)} cannot be reached ({type(error).__name__}); try again later or name a file"
        ) from (
            None if "?" in url else error
        )  # a query may hold a key, and a cause is printed with the error
    if answer.status_code >= 400:  # noqa: PLR2004
        raise DependencyUnavailableError(
            f"{shown(url)} answers HTTP {answer.status_code}; the last good list stays"
        )
    return body.content


def is_web_page(content: bytes) -> bool:
    """Whether the bytes are a page for people: what servers send instead of a file they do not have."""
    return content[:200].lstrip().lower().startswith((b"<!doctype", b"<html"))


def _checked(file: PublishedFile) -> PublishedFile:
    if not file.content.strip():
        raise InputFileError(file.name, "empty_file", "the file is empty")
    return file
