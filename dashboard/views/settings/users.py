"""Users: their roles, their sessions, and how to add or remove one."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import streamlit as st

from dashboard.base import session
from dashboard.base.language import N_, t, tn
from dashboard.base.page import Page, PageAction, Visit
from dashboard.base.plain import outside_text, plain
from dashboard.parts.buttons import action_button
from dashboard.parts.header import page_header
from dashboard.parts.times import ago, full_time
from dashboard.people.user_dialogs import add_user, link_user, remove_user
from engine.people.access import ROLES
from engine.people.people import Member
from engine.people.sessions import OpenSession

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

PAGE = Page(
    title=N_("Users"),
    icon=":material/group:",
    path="users",
    order=70,
    section=N_("Settings"),
    right="admin",
    words=N_("people roles sessions accounts passwords team"),
    actions=(PageAction(N_("Add a user"), {"do": "new"}, "admin", N_("new person invite")),),
)


def show(visit: Visit) -> None:
    """Show all users, each with what an owner may change."""
    page_header(visit, t("Users"), t("Who may sign in, and what each of them may do."))
    found = visit.orchestra.users.list(visit.who)
    is_new = st.button(t("Add a user"), key="add-user", type="primary", icon=":material/person_add:")
    if is_new or visit.is_asked("new"):
        add_user(visit)
    for member in found:
        _card(visit, member)


def _card(visit: Visit, member: Member) -> None:
    with st.container(border=True, key=f"user-{member.id}", gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{plain(member.name)}** :small[:gray[{plain(member.id)}]]", width="content")
            st.badge(t(member.role), icon=":material/badge:", color="violet" if member.role == "owner" else "gray")
            if member.id == visit.who.id:
                st.badge(t("You"), icon=":material/person:", color="blue")
        signed_in = (
            t("last sign-in {last_sign_in_at}", last_sign_in_at=ago(member.last_sign_in_at))
            if member.last_sign_in_at
            else t("never signed in")
        )
        way = _way(visit, member)
        st.caption(
            plain(f"{way} · {signed_in} · {tn('{count} open session', '{count} open sessions', member.sessions)}"),
            help=full_time(member.last_sign_in_at) or None,
        )
        _changes(visit, member)
        if visit.orchestra.openid.is_on:
            _link(visit, member)
        with st.expander(t("Sessions"), icon=":material/devices:", key=f"sessions-{member.id}"):
            _sessions(visit, member)


def _way(visit: Visit, member: Member) -> str:
    """Return how a user signs in."""
    openid, ways = visit.orchestra.openid, []
    if openid.is_on and member.issuer == openid.settings.issuer:
        ways.append(t("signs in with {provider}", provider=openid.settings.shown_name))
    if member.has_password and visit.orchestra.users.accepts_password(member.id):
        ways.append(t("password"))
    return " · ".join(ways) or t("signs in with a link")


def _link(visit: Visit, member: Member) -> None:
    openid = visit.orchestra.openid
    name = openid.settings.shown_name
    if member.issuer != openid.settings.issuer:
        if st.button(t("Link with {provider}", provider=name), key=f"link-user-{member.id}", type="tertiary"):
            link_user(visit, member)
        return
    action_button(
        t("Unlink from {provider}", provider=name),
        f"unlink-user-{member.id}",
        lambda _key: openid.unlink(visit.who, member.id),
        lambda _none: _done(t("{id} is no longer linked.", id=member.id)),
        scope=member.issuer,
        type="tertiary",
    )


def _changes(visit: Visit, member: Member) -> None:
    users = visit.orchestra.users
    row, below = st.container(horizontal=True, vertical_alignment="bottom", gap="small"), st.container()
    with row:
        role = st.selectbox(
            t("Role"), ROLES, ROLES.index(member.role), format_func=t, key=f"role-{member.id}-{member.role}", width=160
        )
        action_button(
            t("Change the role"),
            f"set-role-{member.id}",
            lambda _key: users.set_role(visit.who, member.id, role),
            lambda _none: _done(t("{id} is {role} now.", id=member.id, role=t(role))),
            scope=f"{member.role} {role}",
            disabled=role == member.role,
        )
        action_button(
            t("Create a login link"),
            f"link-{member.id}",
            lambda _key: users.login_link(visit.who, member.id),
            lambda token: _show_link(below, token),
            icon=":material/link:",
        )
        if st.button(t("Remove"), key=f"remove-{member.id}", type="tertiary", icon=":material/person_remove:"):
            remove_user(visit, member)


def _show_link(place: DeltaGenerator, token: str) -> None:
    """Show the link once: it is not stored anywhere."""
    here = urlsplit(str(st.context.url or ""))
    place.markdown(t("Opens once, within 15 minutes. Earlier unused links of this user have ended."))
    place.code(f"{here.scheme}://{here.netloc}/login?token={token}", language=None, wrap_lines=True)


def _sessions(visit: Visit, member: Member) -> None:
    users = visit.orchestra.users
    found = users.sessions(visit.who, member.id)
    if not found:
        st.caption(t("Not signed in anywhere."))
        if not member.has_password:  # and so without access tokens
            return
    for one in found:
        _session(visit, one, is_here=one.id == session.shown_session_id())
    keep = session.session_id() if member.id == visit.who.id else None
    action_button(
        t("End all but this one") if keep else t("End all"),
        f"sign-out-{member.id}",
        lambda _key: users.sign_out(visit.who, member.id, keep),
        lambda ended: _done(
            t(
                "{sessions} of {id} ended, and all access tokens.",
                sessions=tn("{count} session", "{count} sessions", ended),
                id=member.id,
            )
        ),
        scope=" ".join(one.id for one in found),
        icon=":material/logout:",
    )
    st.caption(t("Access tokens of one hour and unused login links end, too. API tokens stay until they are revoked."))


def _session(visit: Visit, one: OpenSession, *, is_here: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"row-session-{one.id}"):
        outside_text(" · ".join(filter(None, [one.address, one.agent])) or t("Unknown browser"))
        if one.is_new_device:
            st.badge(t("new browser"), icon=":material/devices:", color="orange")
        here = t(" · this one") if is_here else ""
        st.caption(
            t(
                "since {created_at}, last seen {last_seen_at}{here}",
                created_at=ago(one.created_at),
                last_seen_at=ago(one.last_seen_at),
                here=here,
            )
        )
        action_button(
            t("End session"),
            f"end-{one.id}",
            lambda _key: visit.orchestra.users.end_session(visit.who, one.user_id, one.id),
            lambda _none: _done(t("The session has ended.")),
            scope=one.id,
            type="tertiary",
        )


def _done(said: str) -> None:
    session.tell(said)
    st.rerun()
