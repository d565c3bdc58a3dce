"""The address of a view: what is chosen on a page stands in its query, so that it can be sent to somebody."""

from collections.abc import Sequence
from datetime import date
from urllib.parse import urlencode, urljoin

import streamlit as st


def chosen(name: str, options: Sequence[str], default: str) -> str:
    """What the address says of a choice; the default where it says nothing, or nothing that there is."""
    value: str | None = st.query_params.get(name)
    return value if value is not None and value in options else default


def chosen_text(name: str, longest: int = 64) -> str | None:
    """A text of the address; None without one."""
    value = st.query_params.get(name, "").replace("\0", "").strip()
    return value[:longest] or None


def chosen_number(name: str, default: int, least: int, most: int) -> int:
    """A number of the address, brought into its bounds."""
    try:
        value = int(st.query_params.get(name, default))
    except ValueError:
        return default
    return min(max(value, least), most)


def chosen_day(name: str) -> date | None:
    """A day of the address; None without one, or with what is none."""
    try:
        return date.fromisoformat(st.query_params.get(name, ""))
    except ValueError:
        return None


def remember(**values: object) -> None:
    """Writes choices into the address; None takes one out of it."""
    for name, value in values.items():
        if value is None or value == "":
            st.query_params.pop(name, None)
        elif st.query_params.get(name) != str(value):
            st.query_params[name] = str(value)


def pick(name: str, label: str, options: dict[str, str], default: str, *, key: str | None = None) -> str:
    """A choice among a few, kept in the address.

    Args:
        name: Parameter of the address.
        label: What is chosen.
        options: Value → what it is called.
        default: Value without a choice; it does not stand in the address.
        key: Of the widget, where a page has two of one name.
    """
    values = list(options)
    widget = key or f"pick-{name}"
    if widget not in st.session_state:
        st.session_state[widget] = chosen(name, values, default)
    value = st.segmented_control(
        label,
        values,
        format_func=options.__getitem__,
        key=widget,
        required=True,
        label_visibility="collapsed",
    )
    value = default if value is None else str(value)
    remember(**{name: None if value == default else value})
    return value


def whole_address(slug: str, **values: object) -> str:
    """The address of a view as somebody else opens it: with the host that this browser has asked."""
    here: str | None = st.context.url
    path = address(slug, **values)
    return path if here is None else urljoin(here, path.removeprefix("/"))


def address(slug: str, **values: object) -> str:
    """Path and query of a view of this dashboard, to be shown as a link."""
    query = urlencode({name: str(value) for name, value in values.items() if value is not None})
    return f"/{slug}" + (f"?{query}" if query else "")
