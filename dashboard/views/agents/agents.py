"""All agents: what each may do, where it stops, who uses it, and when it last worked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from dashboard.agent.dialogs import new_agent
from dashboard.base.language import N_, t, tn
from dashboard.base.page import Page, PageAction, Visit
from dashboard.base.plain import outside_badge, plain
from dashboard.parts.empty import empty
from dashboard.parts.file_dialogs import AGENT, file_menu
from dashboard.parts.header import page_header
from dashboard.parts.status import look_of
from dashboard.parts.times import ago
from engine.base.step_tree import agent_workflow

if TYPE_CHECKING:
    from engine.agents.agents import AgentSummary

_SHOWN = 160
PAGE = Page(
    title=N_("Agents"),
    icon=":material/smart_toy:",
    path="agents",
    order=56,
    section=N_("Library"),
    words=N_("assistant model tools turns"),
    is_used=lambda orchestra, who: bool(orchestra.agents.list(who)),
    actions=(PageAction(N_("New agent"), {"do": "new"}, "edit", N_("create add make")),),
)


def show(visit: Visit) -> None:
    """Show the agents."""
    page_header(
        visit,
        t("Agents"),
        t("Models that work on a task by themselves, with the tools and within the limits that you give them."),
    )
    if visit.may("edit"):
        is_new = st.button(t("New agent"), key="new-agent", type="primary", icon=":material/add:")
        if is_new or visit.is_asked("new"):
            new_agent(visit)
    found = visit.orchestra.agents.list(visit.who)
    if not found:
        words = t("An agent works on a task by itself, with tools that you choose.")
        first = t("Begin with a sample: it runs in the demo at once.") if visit.may("edit") else ""
        empty(f"{words} {first}".rstrip(), ":material/smart_toy:")
    for one in found:
        _card(visit, one)


def _card(visit: Visit, one: AgentSummary) -> None:
    with st.container(border=True, key=f"agent-{one.name}", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"titled-agent-{one.name}"):
            visit.title_link(one.title, "agent", name=one.name)
            agent_badges(one)
            st.space("stretch")
            file_menu(visit, AGENT, one.name)
        if one.description or one.instructions:
            st.markdown(plain((one.description or one.instructions)[:_SHOWN]))
        if one.tools:
            with st.container(horizontal=True, gap="xsmall"):
                for tool in one.tools:
                    outside_badge(tool.name, ":material/front_hand:" if tool.approve else ":material/construction:")
        st.caption(plain(" · ".join([one.name, limit_words(one), _used(one)])))
        _last_run(visit, one)


def agent_badges(one: AgentSummary) -> None:
    """Show problems and labels of an agent, in an existing row."""
    if one.problems:
        words = tn("{count} problem", "{count} problems", len(one.problems))
        st.badge(words, icon=":material/error:", color="red")
    for label, number in one.labels.items():
        outside_badge(t("{label}: version {number}", label=label, number=number), ":material/sell:", color="green")


def limit_words(one: AgentSummary) -> str:
    """Return the limits of an agent in words."""
    limits = one.limits
    found = [tn("{count} turn", "{count} turns", int(limits["turns"]))] if "turns" in limits else []
    found += [tn("{count} token", "{count} tokens", int(limits["tokens"]))] if "tokens" in limits else []
    found += [f"${limits['dollars']:.2f}"] if "dollars" in limits else []
    found += [f"{limits['seconds']:g} s"] if "seconds" in limits else []
    return t("at most {limits}", limits=", ".join(found)) if found else t("no limits")


def _used(one: AgentSummary) -> str:
    return t("used by {users}", users=", ".join(one.used_by)) if one.used_by else t("not used yet")


def _last_run(visit: Visit, one: AgentSummary) -> None:
    rows = visit.orchestra.runs.list(visit.who, workflow=agent_workflow(one.name), limit=1).rows
    for row in rows:
        look = look_of(row.status, row.counts)
        words = t("Last run {when}: {status}", when=ago(row.started_at or row.queued_at), status=look.word.lower())
        visit.link(words, "run", icon=look.icon, id=row.run_id)
