"""The search of the dashboard: pages, actions, the contents of the workspace, and the documentation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from dashboard.base.language import N_, t, tc
from dashboard.base.page import Page, PageAction
from dashboard.help.documents import sections, titles
from dashboard.pages import all_views
from engine.people.access import Principal, may
from engine.search.ranking import rank
from engine.search.search import MOST_HITS, Hit, Kind

if TYPE_CHECKING:
    from engine.orchestra import Orchestra

MOST_SHOWN = 20
_ADDRESSES: Mapping[Kind, tuple[str, str]] = {
    "workflow": ("workflow", "name"),
    "prompt": ("prompt", "name"),
    "fragment": ("fragment", "name"),
    "agent": ("agent", "name"),
    "tool": ("tools", "tool"),
    "connection": ("connections", ""),
    "run": ("run", "id"),
    "file": ("files", "file"),
}
"""The page of each kind, and the parameter that names one there."""
_ORDER = (
    N_("Page"),
    N_("Workflow"),
    N_("Action"),
    N_("Prompt"),
    N_("Fragment"),
    N_("Agent"),
    N_("Tool"),
    N_("Connection"),
    "Run",
    N_("File"),
    N_("Help"),
)
"""Of two results with the same fit, the earlier kind comes first."""
_HELP_LATER, _MOST_HELP = 1.5, 6
"""The penalty of a heading of the documentation, and how many headings are shown."""
_WITH_WORKFLOW = (
    (PageAction(N_("Run"), {}, "run", N_("start")), "st-key-run-bar-"),
    (PageAction(N_("Plan"), {}, "run", N_("preview")), "st-key-plan-"),
    (PageAction(N_("Edit"), {"tab": "edit"}, "edit", N_("change")), ""),
)
"""The actions on a workflow, each with the prefix of its button's CSS class."""


@dataclass(frozen=True)
class SearchResult:
    """A search result: a link to `address` in the dashboard; `focus` is the CSS class of the button to focus there."""

    title: str
    kind: str
    detail: str
    address: str
    fit: float
    focus: str = ""


def find(orchestra: Orchestra, who: Principal, query: str) -> list[SearchResult]:
    """Return the best results that the person may open; for an empty query, the pages and actions."""
    found = [*_pages(who, query)]
    if query.strip():
        found += map(_of, orchestra.search.find(who, query, MOST_HITS))
        found += _workflow_actions(orchestra, who, query)
        found += sorted(_help(query), key=lambda one: one.fit)[:_MOST_HELP]
        found.sort(key=lambda one: (one.fit, _ORDER.index(one.kind)))
    return [replace(one, kind=_kind(one.kind)) for one in found[:MOST_SHOWN]]


def _pages(who: Principal, query: str) -> Iterator[SearchResult]:
    pages = [view.page for view in all_views() if may(who, view.page.right)]
    for page in pages:
        if not page.in_menu and not page.words:
            continue
        fit = rank(query, t(page.title), _words(page.title, page.words), t(page.section))
        if fit is not None:
            yield SearchResult(t(page.title), "Page", t(page.section), f"/{page.path}", fit)
    for page in pages:
        for action in page.actions:
            if (
                may(who, action.right)
                and (fit := rank(query, t(action.title), beside=_words(action.title, action.words))) is not None
            ):
                yield SearchResult(t(action.title), "Action", t(page.title), _address(page, action.params), fit)


def _kind(kind: str) -> str:
    return tc("noun", "Run") if kind == "Run" else t(kind)


def _words(title: str, words: str) -> str:
    """Return other words by which people may look for something: also the English ones."""
    return f"{t(words)} {title} {words}"


def _workflow_actions(orchestra: Orchestra, who: Principal, query: str) -> Iterator[SearchResult]:
    """Yield the actions on workflows for a query of a verb and words, such as "plan inbox"."""
    verb, _, rest = query.strip().partition(" ")
    allowed = [(action, button) for action, button in _WITH_WORKFLOW if may(who, action.right)]
    meant = [
        one for one in allowed if rank(verb, t(one[0].title), beside=_words(one[0].title, one[0].words)) is not None
    ]
    hits = orchestra.search.workflows(who, rest, MOST_HITS) if meant else []
    for action, button in meant:
        for hit in hits:
            address = f"/workflow?{urlencode({'name': hit.name, **action.params})}"
            focus = f"{button}{hit.name}" if button else ""
            yield SearchResult(f"{t(action.title)} {hit.title}", "Action", hit.name, address, hit.fit, focus)


def _of(hit: Hit) -> SearchResult:
    path, parameter = _ADDRESSES[hit.kind]
    address = f"/{path}?{urlencode({parameter: hit.name})}" if parameter else f"/{path}"
    kind = hit.kind.capitalize()
    detail = f"{hit.name} · {hit.detail}" if hit.kind == "run" else hit.detail
    return SearchResult(hit.title, kind, detail, address, hit.fit)


def _help(query: str) -> Iterator[SearchResult]:
    for one in sections():
        if (fit := rank(query, one.title)) is not None:
            address = f"/help?{urlencode({'page': one.page})}{f'#{one.anchor}' if one.anchor else ''}"
            yield SearchResult(one.title, "Help", titles()[one.page], address, fit + _HELP_LATER)


def _address(page: Page, params: Mapping[str, str]) -> str:
    return f"/{page.path}?{urlencode(params)}" if params else f"/{page.path}"
