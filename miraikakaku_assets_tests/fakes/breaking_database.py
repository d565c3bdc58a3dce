"""A database that breaks off in the middle of an analysis."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

from miraikakaku_assets.adapters.storage.engine import Database


class BrokenOffError(RuntimeError):
    """The connection is lost."""


class _Counting:
    """A cursor or connection that fails at the n-th statement."""

    def __init__(self, inner: Any, left: list[int]) -> None:
        self._inner, self._left = inner, left

    def __enter__(self) -> Self:
        self._inner.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._inner.__exit__(*error)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def cursor(self) -> "_Counting":
        return _Counting(self._inner.cursor(), self._left)

    def execute(self, *arguments: Any) -> None:
        self._count()
        self._inner.execute(*arguments)

    def adbc_ingest(self, *arguments: Any, **options: Any) -> None:
        self._count()
        self._inner.adbc_ingest(*arguments, **options)

    def _count(self) -> None:
        self._left[0] -= 1
        if self._left[0] < 0:
            raise BrokenOffError


class Breaking(Database):
    """A database whose connection is lost at the n-th statement of an analysis."""

    def __init__(self, url: str, after: int) -> None:
        super().__init__(url)
        self.left = [after]

    @contextmanager
    def bulk(self) -> Iterator[Any]:
        with super().bulk() as connection:
            yield _Counting(connection, self.left)
