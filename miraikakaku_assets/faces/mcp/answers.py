"""Answers for language models: short, each figure with what it is of, and never longer than they may be."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from math import ceil, isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from miraikakaku_assets.bootstrap import Ports, whole_file
from miraikakaku_assets.domain.errors import ConfigurationError

if TYPE_CHECKING:
    import polars as pl

MOST_TOKENS = 8000
"""Tokens of the longest answer."""
_DIGITS = 7  # significant ones of a number in an answer; files hold all of them
_FOLDER = ("reports", "mcp")
_PIECES = re.compile(r"[0-9]{1,3}|[A-Za-z]{1,4}|[!-/:-@\[-`{-~]")

Row = Mapping[str, Any]


def most_tokens(text: str) -> int:
    """How many tokens a text of this server has at most, for the tokenizers of common models.

    A token for up to three digits, up to four letters, or any other ASCII character but blanks; three for every two
    characters that are not ASCII. o200k_base, cl100k_base and Anthropic's published tokenizer count fewer in tables of
    prices, of returns and of Japanese names, and in the list of tools.
    """
    wide = sum(not character.isascii() for character in text)
    return len(_PIECES.findall(text)) + ceil(wide * 1.5)


@dataclass(frozen=True)
class Answer:
    """What a tool answers.

    Attributes:
        head: What the figures are of: as-of, basis, unit, denominator, and what they say as a whole.
        rows: The figures, the most important first; those that are too many stay in a file.
        name: Of the rows.
        whole: All rows as a table, where they are not `rows` themselves.
        file_name: Of the file that holds all of them, without its ending.
        always_file: Whether the file is written even if all rows fit.
    """

    head: Mapping[str, Any]
    rows: Sequence[Row] = ()
    name: str = "rows"
    whole: "pl.DataFrame | None" = None
    file_name: str = "answer"
    always_file: bool = False


def as_text(answer: Answer, use: Ports) -> str:
    """The answer as compact JSON of at most `MOST_TOKENS` tokens.

    Rows are written as ``columns`` and ``values``, each name once. What does not fit is in a file that it names.

    Raises:
        ConfigurationError: The file cannot be written.
    """
    total = len(answer.rows)
    is_short = answer.whole is not None and answer.whole.height > total
    whole = _text(answer, total, None)
    if not (answer.always_file or is_short) and most_tokens(whole) <= MOST_TOKENS:
        return whole
    path = _file(answer, use)
    fits, too_many = 0, total + 1
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        if most_tokens(_text(answer, middle, path)) <= MOST_TOKENS:
            fits = middle
        else:
            too_many = middle
    return _text(answer, fits, path)


def plain(value: Any) -> Any:
    """A value as JSON has it: moments in UTC to the second, numbers with seven significant digits."""
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}") if isfinite(value) else None
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(name): plain(inside) for name, inside in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inside) for inside in value]
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def _text(answer: Answer, shown: int, path: Path | None) -> str:
    content = dict(plain(answer.head))
    total = len(answer.rows) if answer.whole is None else answer.whole.height
    if path is not None:
        content["file"] = str(path)
        content["file_holds"] = f"all {total:,} {answer.name} with every column"
        if shown < total:
            content["shown"] = f"{shown:,} of {total:,} {answer.name}; read the file, or ask for less"
    if answer.rows:
        columns = list(answer.rows[0])
        values = [[plain(row[name]) for name in columns] for row in answer.rows[:shown]]
        content[answer.name] = {"columns": columns, "values": values}
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def _file(answer: Answer, use: Ports) -> Path:
    """The file with all rows; the same rows are the same file."""
    import polars as pl

    folder = use.settings.home.joinpath(*_FOLDER)
    if answer.whole is not None:
        digest = sha256(answer.whole.write_ipc(None, compression="uncompressed").getvalue()).hexdigest()
    else:
        rows = plain(list(answer.rows))
        content = json.dumps({**plain(answer.head), answer.name: rows}, ensure_ascii=False)
        digest = sha256(json.dumps(rows).encode()).hexdigest()
    ending = "json" if answer.whole is None else "parquet"
    path = folder / f"{answer.file_name.replace('=', '_').replace('^', '_')}-{digest[:12]}.{ending}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            with whole_file(path) as unfinished:
                if isinstance(answer.whole, pl.DataFrame):
                    answer.whole.write_parquet(unfinished)
                else:
                    unfinished.write_text(content, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"MIRAIKAKAKU_HOME: the whole answer cannot be written to {folder} ({error.strerror}); "
            "make room or name another folder"
        ) from error
    return path
