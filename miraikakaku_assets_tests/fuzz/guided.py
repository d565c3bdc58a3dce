"""Fuzzes one target with atheris, guided by coverage; started by `python -m miraikakaku_assets_tests.fuzz`.

The code under test is instrumented while it is imported, so nothing of it is imported above.
"""

import sys
import traceback
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from random import Random

_INSTRUMENTED = [
    *(
        f"miraikakaku_assets.{part}"
        for part in ("adapters.sources", "application.bulk", "domain", "faces", "settings")
    ),
    *("xlrd", "yfinance.scrapers.history", "yfinance.utils", "html", "dotenv"),
]
_TREE_SHARE = 0.5
"""Of JSON inputs, how many are changed as trees; the others are changed as bytes."""


def fuzz(name: str, database_url: str, findings: Path, options: list[str]) -> None:
    """Fuzzes until libFuzzer's options end the process; each way of failing leaves one input in a folder.

    Args:
        name: Of the target.
        database_url: Of a database with today's tables; may be empty for a target that needs none.
        findings: Folder.
        options: Of libFuzzer, folders of inputs included.
    """
    import atheris

    with atheris.instrument_imports(include=_INSTRUMENTED):
        from miraikakaku_assets_tests.fuzz.table import target_named

        target = target_named(name)
    from miraikakaku_assets_tests.fuzz.target import Form, judge
    from miraikakaku_assets_tests.fuzz.trees import changed

    known = set[str]()
    stack = ExitStack()  # never left: libFuzzer ends the process
    parse = stack.enter_context(target.opened(database_url))

    def one_input(content: bytes) -> None:
        try:
            judge(target, parse, content)
        except AssertionError as error:
            where = _signature(error)
            if where not in known:
                known.add(where)
                digest = sha256(content).hexdigest()[:12]
                (findings / digest).write_bytes(content)
                (findings / f"{digest}.txt").write_text("".join(traceback.format_exception(error)))
                print(f"FINDING {digest}: {str(error)[:300]} ({where})", file=sys.stderr)  # noqa: T201

    def mutated(content: bytes, most: int, seed: int) -> bytes:
        random = Random(seed)  # noqa: S311 - no secret
        if target.form is Form.JSON and random.random() < _TREE_SHARE:
            return changed(content, random)[:most]
        return bytes(atheris.Mutate(content, most))

    for path in target.corpus():  # calendars and libraries are loaded before an input is timed
        one_input(path.read_bytes())
    atheris.Setup([sys.argv[0], *options], one_input, custom_mutator=mutated)
    atheris.Fuzz()


def _signature(error: BaseException) -> str:
    """Where an input failed: the innermost line of the error behind the finding."""
    cause = error.__cause__ or error
    frames = traceback.extract_tb(cause.__traceback__)
    return f"{type(cause).__name__} at {Path(frames[-1].filename).name}:{frames[-1].lineno}"


if __name__ == "__main__":
    fuzz(sys.argv[1], sys.argv[2], Path(sys.argv[3]), sys.argv[4:])
