"""What a target is, and how one input is judged."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

CORPUS = Path(__file__).with_name("corpus")
_LONGEST_MESSAGE = 1_000  # characters; a message is read by people, and stored with every symbol that fails

Parse = Callable[[bytes], None]
"""Reads an input, and asserts what holds of everything that is accepted."""


class Form(StrEnum):
    """What inputs of a target look like, for whoever changes them."""

    JSON = "json"
    TEXT = "text"
    BINARY = "binary"


@dataclass(frozen=True)
class Target:
    """A parser that is fuzzed.

    Attributes:
        name: Of the target and of its folder in the corpus.
        opened: Makes the parser ready; called with the URL of a database with today's tables.
        refusals: Errors by which it may refuse an input.
        form: What its inputs look like.
        needs_database: Whether it asks a database; the others are called with an empty URL.
    """

    name: str
    opened: Callable[[str], AbstractContextManager[Parse]]
    refusals: tuple[type[Exception], ...]
    form: Form
    needs_database: bool = False

    def corpus(self) -> Sequence[Path]:
        """The inputs that are kept, sorted by name."""
        return sorted((CORPUS / self.name).iterdir())


class FindingError(AssertionError):
    """An input that ends in neither an answer nor a typed error."""


def ready(parse: Parse) -> Callable[[str], AbstractContextManager[Parse]]:
    """`Target.opened` of a parser that needs no preparation."""

    @contextmanager
    def opened(_: str) -> Iterator[Parse]:
        yield parse

    return opened


def judge(target: Target, parse: Parse, content: bytes) -> str:
    """Reads one input.

    Returns:
        The name of the error by which it was refused; empty for an accepted one.

    Raises:
        FindingError: The error has no type of ours, or a message that nobody can print, read or store.
        AssertionError: Something accepted does not hold what is promised of it.
    """
    try:
        parse(content)
    except target.refusals as error:
        message = str(error)
        if len(message) > _LONGEST_MESSAGE:
            raise FindingError(f"a message of {len(message):,} characters: {message[:200]}…") from error
        if not message or any(ord(letter) < ord(" ") or "\ud800" <= letter <= "\udfff" for letter in message):
            raise FindingError(f"a message that is no line of text: {message!r}") from error
        return type(error).__name__
    except (AssertionError, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a panic inside Polars is no Exception
        raise FindingError(f"{type(error).__name__}: {error}") from error
    return ""
