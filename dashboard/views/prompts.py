"""All prompts: the purpose of each, and the version in use; and the fragments that they share."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from dashboard.base import fields
from dashboard.base.language import N_, t, tn
from dashboard.base.page import Page, PageAction, Visit
from dashboard.base.plain import beginning, outside_badge, plain
from dashboard.base.prose import outside_description
from dashboard.parts.empty import empty
from dashboard.parts.file_dialogs import FRAGMENT, PROMPT, file_menu
from dashboard.parts.header import page_header
from dashboard.parts.tabs import page_tabs
from dashboard.prompt.dialogs import import_prompt, new_prompt
from dashboard.prompt.fragment import new_fragment
from dashboard.prompt.tags import tag_badges, tag_filter
from engine.prompts.fragment_files import FragmentSummary
from engine.prompts.prompt_files import PromptSummary

_SHOWN = 160
PAGE = Page(
    title=N_("Prompts"),
    icon=":material/chat:",
    path="prompts",
    order=40,
    section=N_("Prompts"),
    words=N_("fragments"),
    actions=(
        PageAction(N_("New prompt"), {"do": "new"}, "edit", N_("create add make")),
        PageAction(N_("New fragment"), {"tab": "fragments", "do": "new"}, "edit", N_("create add make")),
    ),
)


def show(visit: Visit) -> None:
    """Show the prompts and the fragments that they share."""
    page_header(visit, t("Prompts"), t("Texts that are sent to models. Each is a plain file in the folder prompts."))
    prompts, fragments = page_tabs([N_("Prompts"), N_("Fragments")], "prompts-tabs")
    if prompts.open:
        with prompts:
            _prompts(visit)
    if fragments.open:
        with fragments:
            _fragments(visit)


def _prompts(visit: Visit) -> None:
    if visit.may("edit"):
        with st.container(horizontal=True, gap="small"):
            is_new = st.button(t("New prompt"), key="new-prompt", type="primary", icon=":material/add:")
            is_imported = st.button(t("Import"), key="import-prompt", icon=":material/upload:")
        if is_new or visit.is_asked("new"):
            new_prompt(visit)
        elif is_imported:
            import_prompt(visit)
    search = fields.text_input(
        t("Search"), key="prompts-search", placeholder=t("Name, title, description or tag"), width=420
    )
    every = visit.orchestra.prompts.list(visit.who)
    tags = tag_filter(every)
    found = visit.orchestra.prompts.list(visit.who, search, tags) if search.strip() or tags else every
    if not found and every:
        st.info(
            t("No prompt has this text and these tags.") if tags else t("No prompt has this text."),
            icon=":material/search_off:",
        )
    elif not found:
        words = t("A prompt is the text that a model gets. A workflow made from a sample brings its own.")
        empty(words, ":material/chat:", visit, t("Gallery"), "gallery")
    titles = {one.name: one.title for one in visit.orchestra.workflows.list(visit.who)} if found else {}
    for summary in found:
        _row(visit, summary, titles)


def _fragments(visit: Visit) -> None:
    st.caption(t("Texts that several prompts share. A version of a prompt keeps the text that it was saved with."))
    if visit.may("edit"):
        is_new = st.button(t("New fragment"), key="new-fragment", type="primary", icon=":material/add:")
        if is_new or visit.is_asked("new"):
            new_fragment(visit)
    found = visit.orchestra.fragments.list(visit.who)
    if not found:
        empty(t("A fragment is a text that several prompts share, such as how you write."), ":material/extension:")
    for one in found:
        _fragment_row(visit, one)


def _fragment_row(visit: Visit, one: FragmentSummary) -> None:
    with st.container(key=f"row-fragment-{one.name}", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"titled-fragment-{one.name}"):
            visit.title_link(one.name, "fragment", name=one.name)
            if one.problems:
                st.badge(tn("{count} problem", "{count} problems", one.problems), icon=":material/error:", color="red")
            st.space("stretch")
            file_menu(visit, FRAGMENT, one.name)
        first, rest, _ = one.text.partition("\n")
        users = [*one.used_by, *(t("fragment {name}", name=name) for name in one.used_in)]
        used = t("used by {users}", users=", ".join(users)) if users else t("not used yet")
        st.caption(plain(f"{f'{first[:_SHOWN]} …' if rest or len(first) > _SHOWN else first} · {used}"))


def _row(visit: Visit, summary: PromptSummary, titles: Mapping[str, str]) -> None:
    with st.container(key=f"row-prompt-{summary.name}", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"titled-{summary.name}"):
            visit.title_link(summary.title, "prompt", name=summary.name)
            if summary.problems:
                words = tn("{count} problem", "{count} problems", summary.problems)
                st.badge(words, icon=":material/error:", color="red")
            for label, number in summary.labels.items():
                outside_badge(
                    t("{label}: version {number}", label=label, number=number), ":material/sell:", color="green"
                )
            for fragment in summary.changed_fragments:
                outside_badge(t("{fragment} has changed", fragment=fragment), ":material/update:", color="violet")
            tag_badges(summary.tags)
            if not summary.versions:
                st.badge(t("No version yet"), icon=":material/bookmark:", color="orange")
            st.space("stretch")
            users = ", ".join(titles.get(one) or one for one in summary.used_by)
            used = t("used by {used_by}", used_by=users) if users else t("not used yet")
            st.caption(plain(used), width="content")
            file_menu(visit, PROMPT, summary.name)
        if summary.description:
            outside_description(beginning(summary.description), is_quiet=True)
