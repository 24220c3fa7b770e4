"""Users: their roles, their sessions, and how to add or remove one."""

from __future__ import annotations

from urllib.parse import urlsplit

import streamlit as st

from clients.plural import counted
from dashboard.base import session
from dashboard.base.page import Action, Page, Visit
from dashboard.base.plain import outside_text, plain
from dashboard.parts.buttons import action_button
from dashboard.parts.header import page_header
from dashboard.parts.times import ago, full_time
from dashboard.people.user_dialogs import add_user, remove_user
from engine.people.access import ROLES
from engine.people.people import Member
from engine.people.sessions import OpenSession

PAGE = Page(
    title="Users",
    icon=":material/group:",
    path="users",
    order=70,
    section="Settings",
    right="admin",
    words="people roles sessions",
    actions=(Action("Add a user", {"do": "new"}, "admin", "new person invite"),),
)


def show(visit: Visit) -> None:
    """Show all users, each with what an owner may change."""
    page_header(visit, "Users", "Who may sign in, and what each of them may do.")
    found = visit.orchestra.users.list(visit.who)
    is_new = st.button("Add a user", key="add-user", type="primary", icon=":material/person_add:")
    if is_new or visit.is_asked("new"):
        add_user(visit)
    for member in found:
        _card(visit, member)


def _card(visit: Visit, member: Member) -> None:
    with st.container(border=True, key=f"user-{member.id}", gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{plain(member.name)}** :small[:gray[{plain(member.id)}]]", width="content")
            st.badge(member.role, icon=":material/badge:", color="violet" if member.role == "owner" else "gray")
            if member.id == visit.who.id:
                st.badge("You", icon=":material/person:", color="blue")
        signed_in = f"last sign-in {ago(member.last_sign_in_at)}" if member.last_sign_in_at else "never signed in"
        way = "password" if member.has_password else "signs in with a link"
        st.caption(
            plain(f"{way} · {signed_in} · {counted(member.sessions, 'open session')}"),
            help=full_time(member.last_sign_in_at) or None,
        )
        _changes(visit, member)
        with st.expander("Sessions", icon=":material/devices:", key=f"sessions-{member.id}"):
            _sessions(visit, member)


def _changes(visit: Visit, member: Member) -> None:
    users = visit.orchestra.users
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        role = st.selectbox("Role", ROLES, ROLES.index(member.role), key=f"role-{member.id}-{member.role}", width=160)
        action_button(
            "Change the role",
            f"set-role-{member.id}",
            lambda _key: users.set_role(visit.who, member.id, role),
            lambda _none: _done(f"{member.id} is {role} now."),
            scope=f"{member.role} {role}",
            disabled=role == member.role,
        )
        action_button(
            "Create a login link",
            f"link-{member.id}",
            lambda _key: users.login_link(visit.who, member.id),
            _show_link,
            icon=":material/link:",
        )
        if st.button("Remove", key=f"remove-{member.id}", type="tertiary", icon=":material/person_remove:"):
            remove_user(visit, member)


def _show_link(token: str) -> None:
    """Show the link once: it is not stored anywhere."""
    here = urlsplit(str(st.context.url or ""))
    st.markdown("Opens once, within 15 minutes. Earlier unused links of this user have ended.")
    st.code(f"{here.scheme}://{here.netloc}/login?token={token}", language=None, wrap_lines=True)


def _sessions(visit: Visit, member: Member) -> None:
    users = visit.orchestra.users
    found = users.sessions(visit.who, member.id)
    if not found:
        st.caption("Not signed in anywhere.")
        if not member.has_password:  # and so without access tokens
            return
    for one in found:
        _session(visit, one, is_here=one.id == session.shown_session_id())
    keep = session.session_id() if member.id == visit.who.id else None
    action_button(
        "End all but this one" if keep else "End all",
        f"sign-out-{member.id}",
        lambda _key: users.sign_out(visit.who, member.id, keep),
        lambda ended: _done(f"{counted(ended, 'session')} of {member.id} ended, and all access tokens."),
        scope=" ".join(one.id for one in found),
        icon=":material/logout:",
    )
    st.caption("Access tokens of the REST API and unused login links end, too.")


def _session(visit: Visit, one: OpenSession, *, is_here: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"row-session-{one.id}"):
        outside_text(" · ".join(filter(None, [one.address, one.agent])) or "Unknown browser")
        here = " · this one" if is_here else ""
        st.caption(f"since {ago(one.created_at)}, last seen {ago(one.last_seen_at)}{here}")
        action_button(
            "End session",
            f"end-{one.id}",
            lambda _key: visit.orchestra.users.end_session(visit.who, one.user_id, one.id),
            lambda _none: _done("The session has ended."),
            scope=one.id,
            type="tertiary",
        )


def _done(said: str) -> None:
    session.tell(said)
    st.rerun()
