"""Finds the pages: every file of `dashboard/views/` and of the folders in it is one."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from dashboard import views
from dashboard.base.language import t
from dashboard.base.page import Page, Visit
from engine.people.access import Right


@dataclass(frozen=True)
class View:
    """A page and the function that shows it."""

    page: Page
    show: Callable[[Visit], None]


@cache
def all_views() -> tuple[View, ...]:
    """Return every page, in the order of the menu."""
    files = [one.name for one in pkgutil.walk_packages(views.__path__, f"{views.__name__}.") if not one.ispkg]
    found = [View(module.PAGE, module.show) for module in map(importlib.import_module, files)]
    return tuple(sorted(found, key=lambda view: view.page.order))


def streamlit_pages(
    run: Callable[[View], None], count: Callable[[Page], int], may: Callable[[Right], bool] = bool
) -> Mapping[str, StreamlitPage]:
    """Return {path: page} for Streamlit's navigation; `run` shows a view when it is selected.

    `count` returns how many things wait on a page, `may` whether the person has a right.
    """
    return {
        view.page.path: _page(view, run, count(view.page), is_listed=view.page.in_menu and may(view.page.right))
        for view in all_views()
    }


def sections(pages: Mapping[str, StreamlitPage]) -> Mapping[str, Sequence[StreamlitPage]]:
    """Return the pages by the section of the menu; sections are in the order of their first pages."""
    found: dict[str, list[StreamlitPage]] = {}
    for view in all_views():
        found.setdefault(t(view.page.section), []).append(pages[view.page.path])
    return found


def _page(view: View, run: Callable[[View], None], count: int, *, is_listed: bool) -> StreamlitPage:
    page = view.page
    return st.Page(
        lambda: run(view),
        title=f"{t(page.title)} ({count})" if count else t(page.title),
        icon=page.icon,
        url_path=page.path or "home",
        default=not page.path,
        visibility="visible" if is_listed else "hidden",
    )
