"""Changes of a JSON document that keep it one: what servers, proxies and clients get wrong."""

import json
from collections.abc import Iterator
from random import Random
from typing import Any

_ODD: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        0,
        -1,
        1,
        0.5,
        -0.0,
        1e-320,
        1e308,
        -1e308,
        2**31,
        2**53 + 1,
        2**63,
        -(2**63) - 1,
        2**64,
    ),
    *(
        10**40,
        float("nan"),
        float("inf"),
        float("-inf"),
        "",
        " ",
        "null",
        "NaN",
        "7203.T",
        "2026-02-30",
        "9999-12-31",
    ),
    *("0000-00-00", "\0", "\x1b[2J", "\u202e", "é" * 300, "x" * 40_000, "\ud800", "'; DROP TABLE x; --"),
    *([], {}, [[]], [None], [0.0, None], {"": None}, [1e308] * 3),
)
_DEEP = 3_000
"""Brackets within each other: beyond what Python's parser of JSON takes."""


def changed(content: bytes, random: Random) -> bytes:
    """A document with one to three changes; as it is if it is none."""
    try:
        tree = json.loads(content)
    except (ValueError, RecursionError):
        return content
    for _ in range(random.randint(1, 3)):
        tree = _change(tree, random)
    text = json.dumps(tree, ensure_ascii=random.random() < 0.5)
    return _bytes_changed(text.encode("utf-8", "surrogatepass"), random)


def _change(tree: Any, random: Random) -> Any:
    """The document with one node replaced, doubled, dropped, renamed or moved."""
    holders = [holder for holder in _holders(tree) if holder]
    if not holders:
        return random.choice(_ODD)
    holder = random.choice(holders)
    keys: list[Any] = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
    key, how = random.choice(keys), random.randrange(6)
    if how == 0:
        del holder[key]
    elif how == 1 and isinstance(holder, list):
        holder.insert(key, holder[random.choice(keys)])
    elif how == 1:
        holder[random.choice(("", "symbol", "__class__", f"{key} "))] = holder.pop(key)
    elif how == 2:
        holder[key] = [holder[key]]
    elif how == 3 and isinstance(holder[key], list):
        holder[key] = holder[key][: random.randrange(len(holder[key]) + 1)]
    else:
        holder[key] = random.choice(_ODD)
    return tree


def _holders(tree: Any) -> Iterator[Any]:
    """All objects and arrays of a document."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict | list):
            yield node
            waiting += node.values() if isinstance(node, dict) else node


def _bytes_changed(content: bytes, random: Random) -> bytes:  # noqa: PLR0911 - a way each
    """Now and then what no tree can say: a member twice, depth, a cut, a byte order mark, other bytes."""
    how = random.randrange(12)
    if how == 0:
        return content[: random.randrange(len(content) + 1)]
    if how == 1:
        return b"\xef\xbb\xbf" + content
    if how == 2:
        return content.replace(b"null", b"[" * _DEEP + b"]" * _DEEP, 1)
    if how == 3 and content.startswith(b"{") and len(content) > 2:
        return content[:-1] + b"," + content[1:]
    if how == 4:
        return content.replace(b'"', b'"\xff', 1)
    if how == 5:
        return content.replace(b"0", b"9" * 5_000, 1)
    return content
