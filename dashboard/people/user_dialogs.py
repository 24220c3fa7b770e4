"""The dialogs that add and remove a user."""

from __future__ import annotations

import streamlit as st

from dashboard.base import session
from dashboard.base.language import N_, dialog, t
from dashboard.base.page import Visit
from dashboard.base.plain import plain
from dashboard.parts.buttons import action_button
from engine.people.access import ROLES
from engine.people.people import Member

_MAY = {
    N_("owner"): N_("Everything, including connections, users and the audit trail."),
    N_("editor"): N_("Also change workflows and prompts."),
    N_("operator"): N_("Also run, cancel, undo and answer questions."),
    N_("viewer"): N_("View everything, change nothing."),
}


@dialog(N_("Add a user"), icon=":material/person_add:")
def add_user(visit: Visit) -> None:
    """Ask for id and role, and add the user."""
    advice = t("What they sign in with, such as a mail address.")
    user_id = st.text_input(t("Id"), key="new-user-id", max_chars=64, help=advice)
    name = st.text_input(t("Name"), key="new-user-name", max_chars=100, help=t("Leave empty to use the id."))
    role = st.radio(
        t("Role"),
        ROLES,
        ROLES.index("viewer"),
        format_func=t,
        captions=[t(_MAY[one]) for one in ROLES],
        key="new-user-role",
    )
    password = st.text_input(
        t("Password"),
        type="password",
        key="new-user-password",
        autocomplete="new-password",
        help=t("Leave empty: they sign in with a link that you create for them."),
    )

    def add(_request_key: str) -> str:
        users = visit.orchestra.users
        return users.add(visit.who, user_id.strip(), name.strip() or user_id.strip(), role, password or None).id

    def added(user: str) -> None:
        session.tell(t("{user} is added.", user=user))
        st.rerun()

    scope = f"{user_id} {name} {role} {len(password)}"
    action_button(t("Add"), "new-user-make", add, added, scope=scope, type="primary", disabled=not user_id.strip())


@dialog(N_("Link this user?"), icon=":material/link:")
def link_user(visit: Visit, member: Member) -> None:
    """Ask for the subject of a person at the sign-in provider, and link the user with it."""
    name = visit.orchestra.openid.settings.shown_name
    st.markdown(
        plain(
            t(
                "A person at {provider} then signs in as {id}, with the role that their groups give. "
                "Sessions of {id} end.",
                provider=name,
                id=member.id,
            )
        )
    )
    subject = st.text_input(
        t("Id at {provider}", provider=name),
        key="link-user-subject",
        max_chars=255,
        help=t("The page of a refused sign-in and the audit trail show it."),
    )

    def link(_request_key: str) -> str:
        visit.orchestra.openid.link(visit.who, member.id, subject.strip())
        return member.id

    def linked(user: str) -> None:
        session.tell(t("{user} is linked.", user=user))
        st.rerun()

    scope = f"{member.id} {subject}"
    action_button(t("Link"), "link-user-make", link, linked, scope=scope, type="primary", disabled=not subject.strip())


@dialog(N_("Remove this user?"), icon=":material/person_remove:")
def remove_user(visit: Visit, member: Member) -> None:
    """Ask for confirmation, then remove a user."""
    st.markdown(
        plain(
            t(
                "{id} is signed out at once. Login links, access tokens and unsaved drafts are removed, too.",
                id=member.id,
            )
        )
    )
    st.caption(t("Runs that they started continue. What they changed and answered stays in the audit trail."))

    def remove(_request_key: str) -> str:
        visit.orchestra.users.remove(visit.who, member.id)
        return member.id

    def removed(user: str) -> None:
        session.tell(t("{user} is removed.", user=user))
        st.rerun()

    action_button(t("Remove"), "remove-user-make", remove, removed, scope=member.id, type="primary")
