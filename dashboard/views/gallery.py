"""The gallery: shipped workflows, what each does and needs, and a button that copies one into the workspace."""

from __future__ import annotations

import streamlit as st

from dashboard.base.language import N_, t, tc
from dashboard.base.page import Page, PageAction, Visit
from dashboard.base.plain import plain
from dashboard.base.prose import outside_description
from dashboard.creating.opening import open_new
from dashboard.parts.accounts import service_badges, service_title
from dashboard.parts.buttons import action_button
from dashboard.parts.file_dialogs import WORKFLOW, free_name, names
from dashboard.parts.filters import sought
from dashboard.parts.header import page_header
from engine.workflows.samples import Sample

PAGE = Page(
    title=N_("Gallery"),
    icon=":material/grid_view:",
    path="gallery",
    order=55,
    section=N_("Library"),
    words=N_("samples templates examples"),
    actions=(PageAction(N_("Gallery of workflows"), {}, words=N_("samples templates copy new")),),
)
_COLUMNS = 2
_ALSO_MADE = ((N_("New agent"), "agents"), (N_("New tool"), "tools"), (N_("New project"), "projects"))


def show(visit: Visit) -> None:
    """Show a card for each shipped workflow."""
    page_header(
        visit,
        t("Gallery"),
        t("Ready-made workflows. A copy is yours to change, and runs in the demo before it runs on your accounts."),
    )
    if visit.may("edit"):
        with st.container(horizontal=True, gap="small"):
            for label, path in _ALSO_MADE:
                visit.link(t(label), path, icon=":material/add:", do="new")
    taken = names(visit, WORKFLOW)
    found = sorted(visit.orchestra.workflows.samples(visit.who), key=lambda one: one.name in taken)
    hint = t("A word in the title, the description, a service or a step")
    samples = sought(found, _words, hint, t("No workflows match these words."))
    for first in range(0, len(samples), _COLUMNS):
        for column, sample in zip(st.columns(_COLUMNS), samples[first : first + _COLUMNS], strict=False):
            with column:
                _card(visit, sample, free_name(sample.name, taken))


def _words(one: Sample) -> list[str]:
    return [one.name, one.title, one.description, *map(service_title, one.services), *map(t, one.steps)]


def _card(visit: Visit, sample: Sample, name: str) -> None:
    with st.container(border=True, key=f"gallery-{sample.name}", gap="small", height="stretch"):
        title = tc("sample", sample.title)
        st.markdown(f"**{plain(title)}**")
        outside_description(tc("sample", sample.description))
        with st.container(horizontal=True, gap="small"):
            service_badges(sample.services)
        if name != sample.name:
            st.caption(
                t("You have {name} already; the copy is called {name_2}.", name=plain(sample.name), name_2=plain(name))
            )
        if visit.may("edit"):
            action_button(
                t("Use this"),
                f"use-{sample.name}",
                lambda _key: visit.orchestra.workflows.create_from_sample(visit.who, sample.name, name),
                lambda made: open_new(visit, made),
                scope=name,
                icon=":material/content_copy:",
            )
