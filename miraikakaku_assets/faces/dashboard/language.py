"""Languages, and texts in all of them."""

from collections.abc import Mapping
from enum import StrEnum


class Language(StrEnum):
    """A language of the dashboard; its value is that of the address parameter ``lang``."""

    JA = "ja"
    EN = "en"

    @property
    def label(self) -> str:
        """What it calls itself."""
        return {"ja": "日本語", "en": "English"}[self.value]


def language_of(parameter: str | None, remembered: str | None, locale: str | None) -> Language:
    """The language of a view: that of its address, that of the session, or that of the browser.

    Args:
        parameter: ``lang`` of the address.
        remembered: What the session was in last.
        locale: Of the browser, e.g. ``ja-JP``.
    """
    for name in (parameter, remembered):
        if name in set(Language):
            return Language(name)
    return Language.JA if (locale or "").lower().startswith("ja") else Language.EN


class Texts:
    """Texts of a page or of a part that pages share.

    Args:
        texts: Name → Japanese and English, with ``{placeholders}``.
    """

    def __init__(self, texts: Mapping[str, tuple[str, str]]) -> None:
        self._texts = texts

    def __call__(self, language: Language, name: str, **values: object) -> str:
        """A text in a language, with values in its placeholders."""
        japanese, english = self._texts[name]
        text = japanese if language is Language.JA else english
        return text.format(**values) if values else text

    @property
    def names(self) -> Mapping[str, tuple[str, str]]:
        """All of them."""
        return self._texts
