"""The whole error tree, drawn once.

::

    MiraikakakuError
    ├── ConfigurationError            a setting or option is wrong            → exit 2
    ├── DependencyUnavailableError    database or source cannot be reached    → exit 3
    │   └── OrchestratorUnavailableError  what runs the work cannot be reached
    ├── SourcePausedError             a source refuses us; asked again later  → exit 3
    ├── InputFileError                a file from outside is not what it says → exit 1
    │   └── MasterRefusedError        a readable master that must not replace the last good one
    ├── BackupError                   a backup could not be made               → exit 1
    │   └── BackupRefusedError        one that must not be restored: altered, cut short, foreign, too new
    ├── ColdFileError                 a file of cold bars is not what it was   → exit 1
    ├── SymbolError                   one symbol failed, the others go on     → exit 1
    │   ├── TemporarySymbolError      worth a retry (timeout, 429, 5xx, truncated answer)
    │   └── PermanentSymbolError      not worth one (unknown symbol, refused, wrong symbol answered)
    ├── WorkHeldError                 somebody asked for the work to end here → exit 1
    └── WorkFellShortError            the run ended with failures             → exit 1

Every message is one sentence that says what failed, where, and what to do. No message carries a secret:
URLs are shown without credentials.
"""

import datetime as dt
from typing import ClassVar

from miraikakaku_assets.domain.words import one_line


class MiraikakakuError(Exception):
    """Base of everything this project raises on purpose."""

    exit_code: ClassVar[int] = 1


class ConfigurationError(MiraikakakuError):
    """A setting, option or argument has a value that cannot be used."""

    exit_code: ClassVar[int] = 2


class DependencyUnavailableError(MiraikakakuError):
    """The database or a data source cannot be reached."""

    exit_code: ClassVar[int] = 3


class OrchestratorUnavailableError(DependencyUnavailableError):
    """What runs the work cannot be reached, or does not do what it is asked for."""


class SourcePausedError(MiraikakakuError):
    """A source refuses everything for now, so nobody of this installation asks it before a given moment.

    Its own kind beside `DependencyUnavailableError`: the work is not broken off but put aside, and goes on by
    itself. Exit code 3, because what a script can do about both is the same: come back later.

    Attributes:
        source: Name of the source.
        resume_at: When it may be asked again (UTC).
        reason: What it answered last.
    """

    exit_code: ClassVar[int] = 3

    def __init__(self, source: str, resume_at: dt.datetime, reason: str) -> None:
        self.source = source
        self.resume_at = resume_at
        self.reason = reason
        super().__init__(
            f"{source} is not asked again before {resume_at:%Y-%m-%d %H:%M:%S} UTC ({reason}); "
            "what is left goes on then, or now after `miraikakaku resume`"
        )

    def __reduce__(self) -> tuple[type["SourcePausedError"], tuple[object, ...]]:
        """Comes out of another process as it went in."""
        return type(self), (self.source, self.resume_at, self.reason)


class InputFileError(MiraikakakuError):
    """A file from outside cannot be read as what it claims to be.

    Attributes:
        file: The file or URL as the user named it.
        rule: Short machine-readable name of the broken rule, e.g. ``not_a_workbook``.
        row: 1-based row in the file where it was seen, header included, if it is about a row.
    """

    def __init__(self, file: str, rule: str, explanation: str, row: int | None = None) -> None:
        self.file = file
        self.rule = rule
        self.row = row
        self.explanation = one_line(explanation)
        where = f"{file}, row {row}" if row is not None else file
        super().__init__(f"{where}: {self.explanation} [rule {rule}]")


class MasterRefusedError(InputFileError):
    """A well-formed stock master whose contents are too different from the last good one.

    The last good master stays in force; the file waits in quarantine until someone accepts it.
    """


class BackupError(MiraikakakuError):
    """A backup could not be made, or what was restored from it is not what it should hold."""


class BackupRefusedError(BackupError):
    """A backup that must not be restored.

    Attributes:
        backup: Its name or path.
        rule: Short machine-readable name of the reason: ``missing``, ``not_a_backup``, ``altered``, ``truncated``,
            ``too_new``, ``foreign``.
    """

    def __init__(self, backup: str, rule: str, explanation: str) -> None:
        self.backup = backup
        self.rule = rule
        super().__init__(f"The backup {backup} is refused: {explanation} [{rule}]")


class ColdFileError(MiraikakakuError):
    """A file of bars that left the database is missing, or is not what was written.

    Attributes:
        file: Path below the folder of cold files.
        rule: Short machine-readable name of the reason: ``missing``, ``altered``, ``too_new``, ``overlap``.
        explanation: What is wrong with it.
    """

    def __init__(self, file: str, rule: str, explanation: str) -> None:
        self.file = file
        self.rule = rule
        self.explanation = explanation
        super().__init__(f"The cold file {file} {explanation} [{rule}]")

    def __reduce__(self) -> tuple[type["ColdFileError"], tuple[object, ...]]:
        """Comes out of another process as it went in."""
        return type(self), (self.file, self.rule, self.explanation)


class SymbolError(MiraikakakuError):
    """One symbol could not be served; the others go on.

    Attributes:
        symbol: E.g. ``7203.T``.
        kind: Short name of the cause, e.g. ``rate_limited`` or ``not_on_source``.
    """

    error_class: ClassVar[str] = "permanent"

    def __init__(self, symbol: str, kind: str, explanation: str) -> None:
        self.symbol = symbol
        self.kind = kind
        self.explanation = one_line(explanation)
        super().__init__(f"{symbol}: {self.explanation} [{kind}]")

    def __reduce__(self) -> tuple[type["SymbolError"], tuple[object, ...]]:
        """Comes out of another process as it went in."""
        return type(self), (self.symbol, self.kind, self.explanation)


class TemporarySymbolError(SymbolError):
    """A later attempt may succeed: timeouts, HTTP 429, HTTP 5xx, answers cut short.

    Attributes:
        retry_after: Seconds the source asked us to wait, if it said so.
    """

    error_class: ClassVar[str] = "temporary"

    def __init__(self, symbol: str, kind: str, explanation: str, retry_after: float | None = None) -> None:
        super().__init__(symbol, kind, explanation)
        self.retry_after = retry_after

    def __reduce__(self) -> tuple[type[SymbolError], tuple[object, ...]]:
        """Comes out of another process as it went in."""
        return type(self), (self.symbol, self.kind, self.explanation, self.retry_after)


class PermanentSymbolError(SymbolError):
    """Another attempt would end the same way: unknown symbol, refused request, wrong symbol answered."""

    error_class: ClassVar[str] = "permanent"


class WorkHeldError(MiraikakakuError):
    """Somebody has asked for the work to end before its next part; what is done stays done.

    Attributes:
        is_cancelled: Whether it is not to go on later.
    """

    def __init__(self, *, is_cancelled: bool) -> None:
        self.is_cancelled = is_cancelled
        super().__init__("it was cancelled on request" if is_cancelled else "it was paused on request")


class WorkFellShortError(MiraikakakuError):
    """The work ended, but not with everything it was asked to do."""
