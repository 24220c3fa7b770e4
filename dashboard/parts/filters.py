"""The search of a list, and its filter: fields, which a narrow screen folds away so that the list is visible."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import streamlit as st

from dashboard.base.language import t

T = TypeVar("T")


def sought(found: Iterable[T], words_of: Callable[[T], Iterable[str]], placeholder: str, none: str) -> list[T]:
    """Ask for a search text, and return what has all of its words, in any letter case; say `none` if nothing has."""
    text = st.text_input(t("Search"), key="search", placeholder=placeholder)
    words = text.casefold().split()
    fitting = [one for one in found if all(word in " ".join(words_of(one)).casefold() for word in words)]
    if not fitting:
        st.info(none, icon=":material/search_off:")
    return fitting


@contextmanager
def filter_fields(in_use: int) -> Iterator[None]:
    """Show what is drawn inside as the fields of a filter; `in_use` of them are filled.

    The style sheet shows the switch only on narrow screens, and hides the fields there until it is on.
    """
    with st.container(key="filter"):
        st.toggle(t("Filter ({in_use} in use)", in_use=in_use) if in_use else t("Filter"), key="filter-shown")
        with st.container(key="filter-fields"):
            yield
