"""The dialogs that make and revoke an API token."""

from __future__ import annotations

import streamlit as st

from dashboard.base import session
from dashboard.base.language import N_, dialog, t
from dashboard.base.page import Visit
from dashboard.base.plain import plain
from dashboard.parts.buttons import action_button
from engine.people.access import ROLES
from engine.people.api_tokens import DAYS, DAYS_MOST, ApiToken, NewToken

_MADE = "made-token"


def made() -> NewToken | None:
    """Return the token just made, which the page shows until the person has it."""
    found: NewToken | None = session.draft(_MADE, None)
    return found


def forget() -> None:
    """Forget the token just made."""
    session.keep_draft(_MADE, None)


@dialog(N_("New API token"), icon=":material/key:")
def new_token(visit: Visit, user_id: str, role: str) -> None:
    """Ask for name, end and rights, and make a token; the page then shows it."""
    name = st.text_input(
        t("Name"), key="new-token-name", max_chars=100, help=t("What it is for, such as the name of a program.")
    )
    days = st.number_input(t("Valid for days"), 1, DAYS_MOST, DAYS, step=1, key="new-token-days")
    no_end = st.checkbox(t("No end date"), key="new-token-no-end")
    lower = ROLES[ROLES.index(role) :]
    highest = st.selectbox(
        t("Acts at most as"), lower, format_func=t, key="new-token-role", help=t("Never with more than your own role.")
    )
    mcp_only = st.checkbox(t("Only for /mcp"), key="new-token-mcp", help=t("It can only call workflows as tools."))

    def make(_request_key: str) -> NewToken:
        lasts = None if no_end else int(days)
        chosen = None if highest == role else highest
        tokens = visit.orchestra.users.api_tokens
        return tokens.create(visit.who, user_id, name.strip(), days=lasts, role=chosen, mcp_only=mcp_only)

    def show(token: NewToken) -> None:
        session.keep_draft(_MADE, token)
        st.rerun()

    scope = f"{user_id} {name} {days} {no_end} {highest} {mcp_only}"
    action_button(t("Make"), "new-token-make", make, show, scope=scope, type="primary", disabled=not name.strip())


@dialog(N_("Revoke this token?"), icon=":material/key_off:")
def revoke_token(visit: Visit, token: ApiToken) -> None:
    """Ask for confirmation, then revoke a token."""
    st.markdown(plain(t("Programs that use {name} are refused at once. This cannot be undone.", name=token.name)))

    def revoke(_request_key: str) -> str:
        visit.orchestra.users.api_tokens.revoke(visit.who, token.user_id, token.id)
        return token.name

    def revoked(name: str) -> None:
        session.tell(t("{name} is revoked.", name=name))
        st.rerun()

    action_button(t("Revoke"), "revoke-token-make", revoke, revoked, scope=token.id, type="primary")
