"""Finds the pages: each file of `dashboard/views/` and its folders is one, and installed packages add some."""

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
from engine.packages.in_force import Packages, leave_out, packages
from engine.packages.installed import EntryPoint
from engine.people.access import Right


@dataclass(frozen=True)
class PageView:
    """A page and the function that shows it."""

    page: Page
    show: Callable[[Visit], None]


def all_views() -> tuple[PageView, ...]:
    """Return every page, in the order of the menu."""
    return _with_added(packages())


@cache
def _shipped() -> tuple[PageView, ...]:
    files = [one.name for one in pkgutil.walk_packages(views.__path__, f"{views.__name__}.") if not one.ispkg]
    return tuple(PageView(module.PAGE, module.show) for module in map(importlib.import_module, files))


_added: dict[EntryPoint, PageView] = {}


def _with_added(now: Packages) -> tuple[PageView, ...]:
    """Return the pages of ours and of packages; a package whose page cannot be shown is left out."""
    found = {view.page.path: view for view in _shipped()}
    for package in now.added:
        for entry in package.pages:
            try:
                view = _added.get(entry) or _added.setdefault(entry, _view(entry))
                if view.page.path in found:
                    raise TypeError(f"the address {view.page.path!r} belongs to another page")
            except Exception as error:  # noqa: BLE001 - code of others
                leave_out(package.package.name, f"Its page {entry.value} cannot be shown: {error}.")
            else:
                found[view.page.path] = view
    return tuple(sorted(found.values(), key=lambda view: view.page.order))


def _view(entry: EntryPoint) -> PageView:
    """Import a page of a package. Raises TypeError, and whatever the import raises."""
    module = importlib.import_module(entry.value)
    page, show = getattr(module, "PAGE", None), getattr(module, "show", None)
    if not isinstance(page, Page) or not callable(show):
        raise TypeError("it needs `PAGE` and `show`")
    return PageView(page, show)


def streamlit_pages(
    run: Callable[[PageView], None], count: Callable[[Page], int], may: Callable[[Right], bool] = bool
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


def _page(view: PageView, run: Callable[[PageView], None], count: int, *, is_listed: bool) -> StreamlitPage:
    page = view.page
    return st.Page(
        lambda: run(view),
        title=f"{t(page.title)} ({count})" if count else t(page.title),
        icon=page.icon,
        url_path=page.path or "home",
        default=not page.path,
        visibility="visible" if is_listed else "hidden",
    )
