"""API tokens: a person's own; owners see the tokens of everybody."""

from __future__ import annotations

import streamlit as st

from dashboard.base.language import N_, t
from dashboard.base.page import Page, PageAction, Visit
from dashboard.base.plain import plain
from dashboard.parts.empty import empty
from dashboard.parts.header import page_header
from dashboard.parts.times import ago, full_time, near_time
from dashboard.people.token_dialogs import forget, made, new_token, revoke_token
from engine.people.api_tokens import ApiToken
from engine.people.networks import LOOPBACK

PAGE = Page(
    title=N_("API tokens"),
    icon=":material/key:",
    path="tokens",
    order=72,
    section=N_("Settings"),
    words=N_("access keys program mcp"),
    actions=(PageAction(N_("Make an API token"), {"do": "new"}, "view", N_("new access key")),),
)


def show(visit: Visit) -> None:
    """Show the tokens of a user, with the one just made."""
    page_header(
        visit, t("API tokens"), t("With a token, a program acts as you: by the REST API, or as a client of /mcp.")
    )
    user_id, role = _whose(visit)
    is_new = st.button(t("New API token"), key="new-token", type="primary", icon=":material/add:")
    if is_new or visit.is_asked("new"):
        new_token(visit, user_id, role)
    _just_made()
    found = visit.orchestra.users.api_tokens.list(visit.who, user_id)
    for token in found:
        _card(visit, token)
    if not found:
        empty(t("A token lets a program of yours start runs and read results here."), ":material/key:")
    st.caption(
        t(
            "Only a hash of a token is stored. It acts with the role that its user has at that moment. It stays valid "
            "when the password changes, and ends if it is not used for a year."
        )
    )


def _whose(visit: Visit) -> tuple[str, str]:
    """Return the id and the role of the user whose tokens are shown; owners choose."""
    if not visit.may("admin"):
        return visit.who.id, visit.who.role
    roles = {one.id: one.role for one in visit.orchestra.users.list(visit.who)}
    ids = list(roles)
    chosen = st.selectbox(t("User"), ids, ids.index(visit.who.id), key="tokens-user", width=320)
    return chosen, roles[chosen]


def _just_made() -> None:
    token = made()
    if token is None:
        return
    with st.container(border=True, key="made-token"):
        st.markdown(
            t("**{name}** is made. Copy it now: it is shown only this once.", name=plain(token.name)),
        )
        st.code(token.token, language=None, wrap_lines=True)
        if st.button(t("I have copied it"), key="made-token-done"):
            forget()
            st.rerun()


def _card(visit: Visit, token: ApiToken) -> None:
    with st.container(border=True, key=f"token-{token.id}", gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{plain(token.name)}**", width="content")
            role = t(token.role) if token.role else t("role of the user")
            st.badge(role, icon=":material/badge:", color="gray")
            if token.mcp_only:
                st.badge(t("only /mcp"), icon=":material/hub:", color="blue")
            if not token.is_valid:
                st.badge(t("Has ended"), icon=":material/event_busy:", color="red")
        end = t("no end date") if token.ends_at is None else t("until {end}", end=near_time(token.ends_at))
        used = t("last used {used_at}", used_at=ago(token.used_at)) if token.used_at else t("never used")
        st.caption(plain(f"{end} · {used}"), help=full_time(token.ends_at) or None)
        if token.networks:
            networks = ", ".join(t("this machine") if one == LOOPBACK else one for one in token.networks)
            st.caption(plain(t("used from {networks}", networks=networks)))
        if st.button(t("Revoke"), key=f"revoke-{token.id}", type="tertiary", icon=":material/key_off:"):
            revoke_token(visit, token)
