"""The tools of an MCP server: what it offers, what has changed since, and what a person says of each."""

from __future__ import annotations

from typing import Literal

import streamlit as st

from dashboard.base import session
from dashboard.base.language import N_, t
from dashboard.base.page import Visit
from dashboard.base.plain import field_label, outside_code, outside_text, plain
from dashboard.parts.buttons import action_button, submit_button
from dashboard.parts.times import full_time
from engine.plugins.step import Role
from engine.tools.servers import ServerTool

_STATES: dict[str, tuple[str, Literal["gray", "green", "orange"]]] = {
    "accepted": (N_("accepted"), "green"),
    "new": (N_("new"), "gray"),
    "changed": (N_("changed since it was accepted"), "orange"),
    "gone": (N_("no longer offered"), "orange"),
}
_ROLES = {
    Role.DESTINATION: N_("decides where something goes: no text from outside"),
    Role.CONTENT: N_("content: may be text from outside"),
    Role.OPTION: N_("anything else: may be text from outside"),
    Role.INSTRUCTION: N_("instructs a model: no text from outside"),
}


def tools_button(visit: Visit, name: str) -> None:
    """Show the button that asks the server for its tools; they are shown below the connections."""

    def keep(found: list[ServerTool]) -> None:
        session.keep_draft(_SLOT, (name, found))
        st.rerun()

    action_button(
        t("Tools"),
        f"tools-{name}",
        lambda _: visit.orchestra.tool_servers.tools(visit.who, name),
        keep,
        icon=":material/handyman:",
    )


def server_tools(visit: Visit) -> None:
    """Show the tools of the server that was asked last, if any."""
    name, found = session.draft(_SLOT, ("", list[ServerTool]()))
    if not name:
        return
    st.header(plain(t("Tools of {name}", name=name)), anchor=False)
    st.markdown(
        t(
            "Names, descriptions and fields are what the server says of itself. Steps can call a tool once you have "
            "accepted it, and only as long as it stays as it is now."
        )
    )
    if not found:
        st.info(t("The server offers no tools."), icon=":material/handyman:")
    for number, one in enumerate(found):
        with st.container(border=True, key=f"server-tool-{number}-{one.uses}"):
            _tool(visit, name, one, is_repeated=one.uses in {before.uses for before in found[:number]})


_SLOT = "tool-servers.shown"


def _tool(visit: Visit, server: str, one: ServerTool, *, is_repeated: bool) -> None:
    label, color = _STATES[one.state]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader(plain(one.name or t("(no name)")), anchor=False, width="content")
        st.badge(t(label), color=color)
    outside_text(one.description, empty=t("The server says nothing about it."))
    if one.accepted_at:
        effect = t("It reads.") if one.effect == "reads" else t("It writes.")
        by = t("Accepted by {who}, {at}.", who=one.accepted_by, at=full_time(one.accepted_at))
        st.caption(plain(f"{one.uses}. {effect} {by}"))
    if one.used_by:
        st.caption(plain(t("Used by {workflows}.", workflows=", ".join(one.used_by))))
    if one.state == "changed":
        _changes(one)
    if one.problem:
        st.warning(plain(one.problem), icon=":material/block:")
    elif one.state != "gone":
        _acceptance(visit, server, one)
    if one.accepted_at and not is_repeated:
        action_button(
            t("Withdraw"),
            f"withdraw-{one.uses}",
            lambda _: visit.orchestra.tool_servers.withdraw(visit.who, server, one.name),
            lambda _: _again(visit, server, t("Steps may no longer call {name}.", name=one.name)),
            scope=one.accepted_at,
            icon=":material/undo:",
        )


def _changes(one: ServerTool) -> None:
    """Show the old and the new text of each part that differs."""
    st.warning(t("It has changed, and is not called. Read what is new before you accept it again."))
    for change in one.changes:
        st.markdown(f"**{plain(change.part)}**")
        before, now = st.columns(2)
        with before:
            st.caption(t("Accepted"))
            outside_code(change.before or t("(empty)"))
        with now:
            st.caption(t("Now"))
            outside_code(change.now or t("(empty)"))


def _acceptance(visit: Visit, server: str, one: ServerTool) -> None:
    """Let a person say what the tool does and what its arguments are."""
    label = t("Accept it as it is now") if one.state != "accepted" else t("Change what you said")
    with st.expander(label, icon=":material/fact_check:", expanded=one.state == "changed"):
        with st.form(f"accept-form-{one.uses}-{one.hash}", border=False):
            reads = st.radio(
                t("What it does"),
                [False, True],
                index=int(one.effect == "reads"),
                format_func=lambda reads: t("It only reads") if reads else t("It may change something"),
                key=f"effect-{one.uses}-{one.hash}",
                captions=[
                    t("You approve each call. If its outcome is unknown, a person decides."),
                    t("Plans call it, too, and after a crash it is called again."),
                ],
            )
            roles = {argument: _role(one, argument) for argument in one.arguments}
            submit_button(
                t("Accept"),
                f"accept-{one.uses}",
                lambda _: visit.orchestra.tool_servers.accept(
                    visit.who, server, one.name, "reads" if reads else "writes", roles, one.hash
                ),
                lambda found: _again(visit, server, t("Steps can use {uses} now.", uses=found.uses)),
                scope=f"{one.hash} {one.accepted_at} {reads} {roles}",
            )
        st.caption(t("What the server says, in full"))
        outside_code(one.told, "json")


def _role(one: ServerTool, argument: str) -> Role:
    known = Role((one.roles or {}).get(argument, Role.DESTINATION))
    chosen: Role = st.selectbox(
        field_label(argument),
        list(_ROLES),
        index=list(_ROLES).index(known),
        format_func=lambda role: t(_ROLES[role]),
        key=f"role-{one.uses}-{one.hash}-{argument}",
    )
    return chosen


def _again(visit: Visit, server: str, said: str) -> None:
    session.keep_draft(_SLOT, (server, visit.orchestra.tool_servers.tools(visit.who, server)))
    session.tell(said)
    st.rerun()
