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


def streamlit_pages(run: Callable[[PageView], None], menu: Mapping[str, str]) -> Mapping[str, StreamlitPage]:
    """Return {path: page} for Streamlit's navigation; `run` shows a view when it is selected."""
    return {view.page.path: _page(view, run, menu.get(view.page.path)) for view in all_views()}


def menu_entries(count: Callable[[Page], int], may: Callable[[Right], bool]) -> Mapping[str, str]:
    """Return {path: title} of the entries of the menu: the first page of each section that a person may open.

    `count` returns how many things wait on a page; an entry has the sum of its section.
    """
    first: dict[str, Page] = {}
    waiting: dict[str, int] = {}
    for page in (view.page for view in all_views() if view.page.in_menu and may(view.page.right)):
        place = first.setdefault(page.section or page.path, page)
        waiting[place.path] = waiting.get(place.path, 0) + count(page)
    return {one.path: counted(t(one.section or one.title), waiting[one.path]) for one in first.values()}


def pages_beside(page: Page, may: Callable[[Right], bool]) -> Sequence[Page]:
    """Return the pages of the section of a page that a person may open, in the order of their tabs."""
    views = all_views() if page.section else ()
    return [one.page for one in views if one.page.section == page.section and one.page.in_menu and may(one.page.right)]


def counted(title: str, count: int) -> str:
    """Return a title with how many things wait behind it, if any do."""
    return f"{title} ({count})" if count else title


def _page(view: PageView, run: Callable[[PageView], None], entry: str | None) -> StreamlitPage:
    """Return one page; `entry` is its title in the menu, if it is there."""
    page = view.page
    return st.Page(
        lambda: run(view),
        title=entry or t(page.title),
        icon=page.icon,
        url_path=page.path or "home",
        default=not page.path,
        visibility="visible" if entry else "hidden",
    )
