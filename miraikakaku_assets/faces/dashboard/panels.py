"""What pages are built of: panels that fail and refresh alone, empty states, exports, escaped text."""

import io
import logging
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ParamSpec

import streamlit as st

from miraikakaku_assets.domain.errors import DependencyUnavailableError, MiraikakakuError
from miraikakaku_assets.faces.dashboard.address import address, chosen_number, remember
from miraikakaku_assets.faces.dashboard.language import Texts
from miraikakaku_assets.faces.dashboard.page import View

if TYPE_CHECKING:
    import polars as pl

P = ParamSpec("P")
_log = logging.getLogger(__name__)
_LOST = frozenset({"OperationalError", "InterfaceError"})
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:&])")
TEXTS = Texts(
    {
        "away": (
            "データベースに接続できません。`miraikakaku db start` で起動するか DATABASE_URL を確認してください。",
            "The database cannot be reached. Start it (`miraikakaku db start`) or correct DATABASE_URL, then reload.",
        ),
        "bug": (
            "この部分を表示できませんでした。原因はサーバのログにあります。再読み込みしてください。",
            "This part could not be shown. The server's log says why; reload to try again.",
        ),
        "csv": ("CSV", "CSV"),
        "parquet": ("Parquet", "Parquet"),
        "previous": ("前へ", "Previous"),
        "next": ("次へ", "Next"),
        "page": ("{number} / {last} ページ", "page {number} of {last}"),
        "export_help": ("表示中の表を {form} で保存します", "Saves the table that is shown as {form}"),
    }
)


def panel(
    draw: Callable[P, None] | None = None, *, every: timedelta | None = None, parallel: bool = False
) -> Callable[..., Any]:
    """A part of a page that is drawn again without the rest, and that fails without the rest.

    The first argument of the function is the `View`.

    Args:
        draw: Draws it.
        every: How often it is drawn anew by itself; None: only when somebody does something in it.
        parallel: Whether the rest of the page does not wait for it, where it asks something that is slow to answer.
    """

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        def guarded(view: View, *args: Any, **kwargs: Any) -> None:
            with told(view):
                function(view, *args, **kwargs)

        guarded.__qualname__ = f"{function.__module__}.{function.__qualname__}"
        guarded.__name__ = function.__name__
        guarded.__module__ = function.__module__
        made: Callable[..., None] = st.fragment(guarded, run_every=every, parallel=parallel)
        return made

    return decorate if draw is None else decorate(draw)


@contextmanager
def told(view: View) -> Iterator[None]:
    """Says what went wrong in one sentence with the remedy; a traceback goes into the log only."""
    text = view.texts(TEXTS)
    try:
        yield
    except DependencyUnavailableError as error:
        _log.warning("%s", error)
        away = "database" in str(error).lower() or "postgresql" in str(error).lower()
        st.error(text("away") if away else str(error), icon=":material/cloud_off:")
    except MiraikakakuError as error:
        st.error(plain(str(error)), icon=":material/error:")
    except Exception as error:  # noqa: BLE001 - a bug of one part leaves the others
        if _is_lost(error):
            _log.warning("The database went away: %s", type(error).__name__)
            st.error(text("away"), icon=":material/cloud_off:")
            return
        _log.exception("A part of the dashboard failed")
        st.error(text("bug"), icon=":material/error:")


def _is_lost(error: BaseException | None) -> bool:
    while error is not None:
        if type(error).__name__ in _LOST:
            return True
        error = error.__cause__ or error.__context__
    return False


def plain(text: str) -> str:
    """A text of somebody else as Markdown that shows exactly its characters: no markup, no HTML."""
    return _MARKDOWN.sub(r"\\\1", text)


def empty(sentence: str, command: str | None = None) -> None:
    """Says that there is nothing to show yet, and what to do about it.

    Args:
        sentence: What is missing and what fills it.
        command: A command that does, shown so that it can be copied.
    """
    with st.container(border=True):
        st.markdown(f":material/inbox: {sentence}")
        if command:
            st.code(command, language=None, wrap_lines=True)


def link(view: View, slug: str, label: str, icon: str, /, **values: object) -> None:
    """A way to a view of another page that keeps what is chosen for the session.

    Args:
        view: The look.
        slug: The other page.
        label: What is to be seen there.
        icon: Of Streamlit.
        values: Parameters of its address; None for those that it should not have.
    """
    page = view.pages.get(slug)
    if page is None:  # a page that is drawn alone
        st.markdown(f"[{label}]({address(slug, **values)})")
        return
    query = {name: str(value) for name, value in values.items() if value is not None}
    st.page_link(page, label=label, icon=icon, query_params=query)


def export(view: View, frame: "pl.DataFrame", name: str) -> None:
    """Buttons that save a table; charts save themselves as PNG by the camera beside them.

    Args:
        view: The look.
        frame: What is saved, with plain column names.
        name: Of the file, without an ending; also the key of the buttons.
    """
    text = view.texts(TEXTS)

    def as_csv() -> bytes:
        return frame.write_csv().encode("utf-8-sig")  # with its mark, Excel reads Japanese

    def as_parquet() -> bytes:
        file = io.BytesIO()
        frame.write_parquet(file)
        return file.getvalue()

    forms: Sequence[tuple[str, Callable[[], bytes], str]] = (
        ("csv", as_csv, "text/csv"),
        ("parquet", as_parquet, "application/vnd.apache.parquet"),
    )
    with st.container(horizontal=True, horizontal_alignment="right", gap="small"):
        for form, content, media_type in forms:
            st.download_button(
                text(form),
                content,
                f"{name}.{form}",
                media_type,
                key=f"export-{name}-{form}",
                icon=":material/download:",
                type="tertiary",
                on_click="ignore",
                help=text("export_help", form=text(form)),
            )


def table(rows: Any, alt: str, **options: Any) -> Any:
    """A table as every page shows it: no index, a dash where nothing is known.

    Args:
        rows: What it shows.
        alt: What it is, for those who do not see it.
        options: Further arguments of ``st.dataframe``.
    """
    return st.dataframe(rows, hide_index=True, placeholder="–", alt=alt, **options)


def pager(view: View, total: int, page_rows: int) -> None:
    """Buttons that go through the pages of a list; the page stands in the address as ``p``.

    Args:
        view: The look.
        total: Rows of the whole list.
        page_rows: Rows of a page.
    """
    if total <= page_rows:
        return
    text = view.texts(TEXTS)
    last = -(-total // page_rows)
    number = chosen_number("p", 1, 1, last)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            text("previous"),
            disabled=number <= 1,
            on_click=remember,
            kwargs={"p": number - 1},
            key="pager-previous",
        )
        st.markdown(text("page", number=f"{number:,}", last=f"{last:,}"))
        st.button(
            text("next"),
            disabled=number >= last,
            on_click=remember,
            kwargs={"p": number + 1},
            key="pager-next",
        )


def chart(figure: Any, name: str, alt: str, **options: Any) -> Any:
    """A Plotly chart with a button that saves it as PNG.

    Args:
        figure: The figure.
        name: Of the file that it is saved as, and its key.
        alt: What it shows, for those who do not see it.
        options: Further arguments of ``st.plotly_chart``.
    """
    config = {
        "displaylogo": False,
        "scrollZoom": False,
        "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"],
        "toImageButtonOptions": {"format": "png", "filename": name, "scale": 2},
    }
    return st.plotly_chart(figure, key=f"chart-{name}", theme=None, config=config, alt=alt, **options)
