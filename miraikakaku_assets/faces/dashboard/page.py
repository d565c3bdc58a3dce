"""What a page is, and what it is given to draw itself with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.faces.api.keys import OPERATE, Key
from miraikakaku_assets.faces.dashboard.language import Language, Texts
from miraikakaku_assets.faces.dashboard.theme import Theme

_TOKYO = ZoneInfo("Asia/Tokyo")


@dataclass(frozen=True)
class View:
    """One look at the dashboard.

    Attributes:
        use: The installation, in the database's role that reads.
        operating: The same for what somebody does: acknowledging, silencing, repairing.
        language: Of all texts.
        theme: Colours.
        key: Whose look it is.
        is_simulated: Whether the prices are made up.
        pages: What `panels.link` leads to, by slug; filled before a page is drawn.
    """

    use: Ports
    operating: Ports
    language: Language
    theme: Theme
    key: Key
    is_simulated: bool = False
    pages: Mapping[str, Any] = field(default_factory=dict)

    @property
    def may_operate(self) -> bool:
        """Whether whoever looks may also act."""
        return self.key.may(OPERATE)

    def texts(self, table: Texts) -> Callable[..., str]:
        """Looks texts of a table up: ``t = view.texts(TEXTS)``, then ``t("name", count=3)``."""

        def text(name: str, **values: object) -> str:
            return table(self.language, name, **values)

        return text

    def moment(self, at: datetime | None) -> str:
        """A moment as people read it, with its zone: Tokyo's in Japanese, UTC in English."""
        if at is None:
            return "–"
        if self.language is Language.JA:
            return f"{at.astimezone(_TOKYO):%Y-%m-%d %H:%M} JST"
        return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"

    def ago(self, at: datetime | None) -> str:
        """How long a moment is past, in one unit."""
        if at is None:
            return "–"
        seconds = max((self.use.clock() - at).total_seconds(), 0)
        for length, japanese, english in ((86_400, "日", "d"), (3_600, "時間", "h"), (60, "分", "min")):
            if seconds >= length:
                count = int(seconds // length)
                return f"{count}{japanese}前" if self.language is Language.JA else f"{count} {english} ago"
        return "1分以内" if self.language is Language.JA else "just now"


@dataclass(frozen=True)
class Page:
    """A page of the dashboard.

    Attributes:
        slug: Its path.
        title: Language → title.
        icon: Of Streamlit, e.g. ``:material/monitoring:``.
        render: Draws it.
        order: Place in the list of pages, ascending.
    """

    slug: str
    title: Mapping[str, str]
    icon: str
    render: Callable[[View], Any]
    order: int = 100
