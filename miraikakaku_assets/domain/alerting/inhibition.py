"""Alerts that follow from others: while the root stands, nobody is told of what it explains."""

import glob
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import translate

_LABEL = re.compile(r"<([^<>]+)>")


@dataclass(frozen=True)
class Root:
    """A standing alert that explains others.

    Attributes:
        id: Number; of two that explain each other, the older is the root.
        key: Key.
        patterns: Of the keys that follow from it, labels filled in.
    """

    id: int
    key: str
    patterns: tuple[re.Pattern[str], ...]

    def explains(self, key: str) -> bool:
        """Whether an alert of this key follows from it."""
        return key != self.key and any(pattern.match(key) for pattern in self.patterns)


class KeyTemplate:
    """The key of a kind of alerts, with labels in angle brackets: ``cycle/<universe>/slow``.

    Args:
        template: The key.
    """

    def __init__(self, template: str) -> None:
        self.template = template
        parts = _LABEL.split(template)
        names = set[str]()
        expression = ""
        for place, part in enumerate(parts):
            if place % 2 == 0:
                expression += re.escape(part)
            elif part in names:
                expression += f"(?P={_group(part)})"
            else:
                names.add(part)
                expression += f"(?P<{_group(part)}>.+?)"
        self._labels = {_group(name): name for name in names}
        self._expression = re.compile(expression)

    def labels(self, key: str) -> Mapping[str, str] | None:
        """Labels of a key of this kind; None of any other."""
        match = self._expression.fullmatch(key)
        return (
            None
            if match is None
            else {self._labels[name]: value for name, value in match.groupdict().items()}
        )


def root_of(number: int, key: str, labels: Mapping[str, str], inhibits: Iterable[str]) -> Root:
    """A root with the patterns of its kind.

    Args:
        number: Of the alert.
        key: Of the alert.
        labels: Of its key.
        inhibits: Patterns with labels in angle brackets; one that the key does not have stands for anything.
    """

    def filled(pattern: str) -> str:
        return _LABEL.sub(lambda label: glob.escape(labels[label[1]]) if label[1] in labels else "*", pattern)

    return Root(number, key, tuple(re.compile(translate(filled(pattern))) for pattern in inhibits))


def root_behind(number: int, key: str, roots: Sequence[Root]) -> Root | None:
    """The root that explains an alert, the oldest of several.

    Args:
        number: Of the alert.
        key: Of the alert.
        roots: Alerts that stand and explain others, told or not.
    """
    own = next((root for root in roots if root.id == number), None)
    for root in sorted(roots, key=lambda each: each.id):
        if root.id == number or not root.explains(key):
            continue
        if own is not None and own.explains(root.key) and number < root.id:
            continue  # each explains the other: one of them has to be told
        return root
    return None


def _group(label: str) -> str:
    return "label_" + re.sub(r"\W", "_", label)
