"""Colours for those who see them: streams that drop them elsewhere. Runs before Dagster, and imports nothing of it."""

import os
import re
import sys
from typing import Any, TextIO, cast

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")  # a terminal without colours still has a cursor


def plain_console() -> None:
    """Standard output and standard error of this process lose their colours, unless they are seen."""
    sys.stdout, sys.stderr = plain_unless_seen(sys.stdout), plain_unless_seen(sys.stderr)


def plain_unless_seen(stream: TextIO) -> TextIO:
    """The stream itself if it is a terminal that shows colours and may; one that drops colours otherwise."""
    seen = stream.isatty() and os.environ.get("TERM") != "dumb" and not os.environ.get("NO_COLOR")
    return stream if seen or isinstance(stream, _Plain) else cast("TextIO", _Plain(stream))


class _Plain:
    """A text stream without colours."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Writes what is no colour."""
        self._stream.write(_COLOURS.sub("", text))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
