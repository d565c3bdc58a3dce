"""Texts, languages and colours of the dashboard."""

from importlib import import_module
from pkgutil import walk_packages
from string import Formatter

import pytest

from miraikakaku_assets.faces import dashboard
from miraikakaku_assets.faces.dashboard.language import Language, Texts, language_of
from miraikakaku_assets.faces.dashboard.panels import plain
from miraikakaku_assets.faces.dashboard.registry import all_pages
from miraikakaku_assets.faces.dashboard.theme import RiseColour, Theme

SCRIPT = "entry.script"  # runs when it is imported


def tables() -> dict[str, Texts]:
    """Every table of texts by where it stands."""
    modules = [
        module.name
        for module in walk_packages(dashboard.__path__, f"{dashboard.__name__}.")
        if not module.name.endswith((SCRIPT, "__main__"))
    ]
    return {
        f"{name}.{attribute}": value
        for name in modules
        for attribute, value in vars(import_module(name)).items()
        if isinstance(value, Texts)
    }


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("table", tables().values(), ids=tables())
def test_every_text_stands_in_both_languages_with_the_same_placeholders(table: Texts) -> None:
    assert table.names
    for name, (japanese, english) in table.names.items():
        assert japanese.strip(), name
        assert english.strip(), name
        assert placeholders(japanese) == placeholders(english), name


def test_every_page_has_a_title_in_both_languages_and_a_path_of_its_own() -> None:
    pages = all_pages()
    assert pages[0].slug == "overview"
    assert len({page.slug for page in pages}) == len(pages)
    for page in pages:
        assert set(page.title) == {"ja", "en"}
        assert page.icon.startswith(":material/")


@pytest.mark.parametrize(
    ("parameter", "remembered", "locale", "language"),
    [
        ("en", "ja", "ja-JP", Language.EN),
        (None, "ja", "en-US", Language.JA),
        ("klingon", None, "ja", Language.JA),
        (None, None, "de-DE", Language.EN),
        (None, None, None, Language.EN),
    ],
)
def test_the_address_goes_before_the_session_and_that_before_the_browser(
    parameter: str | None, remembered: str | None, locale: str | None, language: Language
) -> None:
    assert language_of(parameter, remembered, locale) is language


def test_a_text_of_somebody_else_is_no_markup() -> None:
    assert plain("<b>[x](http://e)</b> $a$ *b* :red[c]") == (
        r"\<b\>\[x\]\(http\:\/\/e\)\<\/b\> \$a\$ \*b\* \:red\[c\]".replace(r"\/", "/")
    )


@pytest.mark.parametrize("is_dark", [False, True])
def test_rise_and_fall_differ_in_brightness_and_change_places(is_dark: bool) -> None:  # noqa: FBT001
    japanese, western = Theme(is_dark, RiseColour.RED), Theme(is_dark, RiseColour.GREEN)
    assert (japanese.up, japanese.down) == (western.down, western.up)
    assert contrast(japanese.text, japanese.background) >= 7
    assert contrast(japanese.muted, japanese.background) >= 4.5
    assert min(contrast(colour, japanese.background) for colour in (japanese.up, japanese.down)) >= 3


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
