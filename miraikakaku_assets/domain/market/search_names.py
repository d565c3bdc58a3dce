"""Names as people type them: full and half width, hiragana, katakana and Latin letters are the same."""

import re
import unicodedata

_HIRAGANA = {code: code + 0x60 for code in range(ord("ぁ"), ord("ゖ") + 1)}
_SYLLABLES = {
    **dict(zip("アイウエオ", ("a", "i", "u", "e", "o"), strict=True)),
    **dict(zip("カキクケコ", ("ka", "ki", "ku", "ke", "ko"), strict=True)),
    **dict(zip("サシスセソ", ("sa", "shi", "su", "se", "so"), strict=True)),
    **dict(zip("タチツテト", ("ta", "chi", "tsu", "te", "to"), strict=True)),
    **dict(zip("ナニヌネノ", ("na", "ni", "nu", "ne", "no"), strict=True)),
    **dict(zip("ハヒフヘホ", ("ha", "hi", "fu", "he", "ho"), strict=True)),
    **dict(zip("マミムメモ", ("ma", "mi", "mu", "me", "mo"), strict=True)),
    **dict(zip("ラリルレロ", ("ra", "ri", "ru", "re", "ro"), strict=True)),
    **dict(zip("ガギグゲゴ", ("ga", "gi", "gu", "ge", "go"), strict=True)),
    **dict(zip("ザジズゼゾ", ("za", "ji", "zu", "ze", "zo"), strict=True)),
    **dict(zip("ダヂヅデド", ("da", "ji", "zu", "de", "do"), strict=True)),
    **dict(zip("バビブベボ", ("ba", "bi", "bu", "be", "bo"), strict=True)),
    **dict(zip("パピプペポ", ("pa", "pi", "pu", "pe", "po"), strict=True)),
    **dict(zip("ヤユヨワヲンヴ", ("ya", "yu", "yo", "wa", "o", "n", "vu"), strict=True)),
}
_SMALL_Y = dict(zip("ャュョ", ("ya", "yu", "yo"), strict=True))
_SMALL_VOWELS = dict(zip("ァィゥェォ", "aiueo", strict=True))
_SOFT = ("sh", "ch", "j")  # consonants that swallow the y: しゃ is sha
_IGNORED = re.compile(r"[\s\-・&.,'’ー]+")
_LATIN_SPELLINGS = (
    (re.compile(r"y(?![aiueoy])"), "i"),
    (re.compile(r"l"), "r"),
    (re.compile(r"([a-z])\1"), r"\1"),
    (re.compile(r"m(?=[bp])"), "n"),
    (re.compile(r"(?<=[ou])u"), ""),
)


def folded(name: str) -> str:
    """A name in which width, case, kana and what stands between its words make no difference."""
    plain = unicodedata.normalize("NFKC", name).lower().translate(_HIRAGANA)
    # What stood apart may have become one letter: an accent behind a hyphen.
    return unicodedata.normalize("NFKC", _IGNORED.sub("", plain))


def latin(name: str) -> str:
    """A name with its kana in Latin letters, so that ``toyota`` finds トヨタ; kanji stay as they are.

    Spellings that Japanese words have in English are brought together: ``sony`` and ソニー are both ``soni``.
    """
    letters: list[str] = []
    doubled = False
    for character in folded(name):
        if character == "ッ":
            doubled = True
            continue
        if character in _SMALL_Y and letters and letters[-1].endswith("i"):
            stem = letters[-1][:-1]
            letters[-1] = stem + (_SMALL_Y[character][1:] if stem.endswith(_SOFT) else _SMALL_Y[character])
        elif character in _SMALL_VOWELS and letters and letters[-1][-1:] in "aiueo":
            letters[-1] = letters[-1][:-1] + _SMALL_VOWELS[character]
        else:
            syllable = _SYLLABLES.get(character, character)
            letters.append(
                syllable[0] + syllable if doubled and syllable in _SYLLABLES.values() else syllable
            )
        doubled = False
    spelled = "".join(letters)
    for pattern, replacement in _LATIN_SPELLINGS:
        spelled = pattern.sub(replacement, spelled)
    return spelled


def loan_skeleton(name: str) -> str:
    """What a foreign word and its Japanese spelling share: ``softbank`` and ソフトバンク are both ``softbank``.

    Japanese puts an ``u`` behind a consonant that nothing follows, and an ``o`` behind t and d.
    """
    return re.sub(r"(?<=[td])o|u", "", latin(name))
