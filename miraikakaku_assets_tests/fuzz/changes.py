"""Changes of an input in its own form: what writing, sending and saving do to files, and what nobody would think of."""

from random import Random

from miraikakaku_assets_tests.fuzz import trees
from miraikakaku_assets_tests.fuzz.target import Form

_CELLS = (
    *(
        "",
        " ",
        "-",
        "0",
        "-1",
        "NaN",
        "inf",
        "null",
        "1e309",
        "9" * 400,
        "1.234,56",
        "1,234.56",
        "14:00",
        "\0",
        "\ufeff",
    ),
    *(
        "0000-00-00",
        "0001-01-01",
        "9999-12-31",
        "2026-02-30",
        "0001-01-01T00:00:00+14:00",
        "2026.01.05",
        "253402300800",
    ),
    *(
        "'",
        '"',
        '"""',
        "x" * 5_000,
        "７２０３",
        "\u202e",
        "~nobody-here",
        "<![x[",
        "<tr>",
        "</table>",
        "true",
        "[]",
    ),
)
_SEPARATORS = (b",", b";", b"\t", b"|", b"=", b"\n", b"\r", b" ", b"<", b">")


def changed(form: Form, content: bytes, random: Random) -> bytes:
    """An input with one to three changes."""
    if form is Form.JSON:
        return trees.changed(content, random)
    for _ in range(random.randint(1, 3)):
        content = _line_changed(content, random) if form is Form.TEXT else _bytes_changed(content, random)
    return content if random.randrange(8) else _whole_changed(content, random)


def _line_changed(content: bytes, random: Random) -> bytes:
    lines = content.split(b"\n")
    at, how = random.randrange(len(lines)), random.randrange(6)
    if how == 0:
        del lines[at]
    elif how == 1:
        lines.insert(random.randrange(len(lines) + 1), lines[at])
    elif how == 2:
        lines[at] = lines[at][: random.randrange(len(lines[at]) + 1)]
    else:
        lines[at] = _cell_changed(lines[at], random)
    return b"\n".join(lines)


def _cell_changed(line: bytes, random: Random) -> bytes:
    separator = random.choice([mark for mark in _SEPARATORS if mark in line] or [b","])
    cells = line.split(separator)
    at, how = random.randrange(len(cells)), random.randrange(5)
    if how == 0:
        cells[at] = cells[random.randrange(len(cells))]
    elif how == 1:
        del cells[at]
    elif how == 2:
        separator = random.choice(_SEPARATORS)
    else:
        cells[at] = random.choice(_CELLS).encode()
    return separator.join(cells)


def _bytes_changed(content: bytes, random: Random) -> bytes:
    """Bytes flipped, doubled, cut out or put to zero, as a broken disk or a line conversion does."""
    if not content:
        return b"\0"
    begin = random.randrange(len(content))
    end = min(len(content), begin + random.choice((1, 1, 2, 4, 8, 64, 512)))
    how = random.randrange(6)
    if how == 0:
        return content[:begin] + content[end:]
    if how == 1:
        return content[:end] + content[begin:]
    if how == 2:
        return content[:begin] + bytes(end - begin) + content[end:]
    if how == 3:
        return content[:begin] + b"\xff" * (end - begin) + content[end:]
    return content[:begin] + random.randbytes(end - begin) + content[end:]


def _whole_changed(content: bytes, random: Random) -> bytes:  # noqa: PLR0911 - a way each
    """What happens to a file as a whole."""
    how = random.randrange(7)
    if how == 0:
        return content[: random.randrange(len(content) + 1)]
    if how == 1:
        return b"\xef\xbb\xbf" + content
    if how == 2:
        return content.replace(b"\n", b"\r\n")
    if how == 3:
        return content.decode("utf-8", "replace").encode("utf-16")
    if how == 4:
        return content.decode("utf-8", "replace").encode("cp932", "replace")
    if how == 5:
        return b"\n" * 100 + content
    return content + b'"' + content
