"""How counts, waits and lists are written in English sentences, settings and options."""

_MINUTE, _HOUR = 60, 3600
_LONG = 3 * _MINUTE  # from here on minutes are exact enough
_BLANKS = "\u3000\xa0"  # which count as unprintable
_LONGEST_SENTENCE = 600  # characters


def counted(count: int, noun: str, plural: str = "") -> str:
    """A count with its noun: ``1 symbol``, ``2 symbols``, ``4,178 symbols``.

    Args:
        count: How many.
        noun: The singular.
        plural: The plural where it is not the singular with an s.
    """
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"


def named_in(text: str) -> list[str]:
    """The names of a list with commas, in its order, each once; blanks around them and empty places are left out."""
    return list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def lasting(seconds: float) -> str:
    """A time span as people say it, rounded up: ``58 s``, ``4 min``, ``2 h 05 min``; 0 s once it is over."""
    whole = max(0, -int(-seconds // 1))
    if whole < _LONG:
        return f"{whole} s"
    minutes = -(-whole // _MINUTE)
    return f"{minutes} min" if whole <= _HOUR else f"{minutes // 60} h {minutes % 60:02} min"


def one_line(text: str) -> str:
    """A sentence that quotes what came from outside, fit to be printed and stored: one line, and not a long one.

    Control characters and halves of surrogate pairs are written as escapes; of a long text the middle is left out.
    """
    if len(text) > _LONGEST_SENTENCE:
        half = _LONGEST_SENTENCE // 2
        text = f"{text[:half]}…{text[-half:]}"
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() or letter in _BLANKS else letter.encode("unicode_escape").decode()
        for letter in text
    )


def the_rest(count: int, fate: str) -> str:
    """What became of those that are left, as the end of a sentence: ``, the others are stored``; empty without any.

    Args:
        count: How many are left.
        fate: A participle, e.g. ``stored``.
    """
    if count <= 0:
        return ""
    return f", the other is {fate}" if count == 1 else f", the others are {fate}"
