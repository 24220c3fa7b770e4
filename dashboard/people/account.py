"""The signed-in person: the menu in the side bar, and what strangers see."""

from __future__ import annotations

from html import escape

import streamlit as st

from dashboard.base import session
from dashboard.base.language import languages, name_of, t, use
from dashboard.base.page import Visit
from dashboard.base.plain import plain
from dashboard.parts.buttons import action_button

_LANGUAGE = "language-choice"
_SIGN_IN = '<p><a href="/login" target="_self">{sign_in}</a></p>'
_SIGN_OUT = """
<form method="post" action="/logout">
<button type="submit" style="all: unset; cursor: pointer; text-decoration: underline;">{sign_out}</button>
</form>
"""


def signed_out() -> None:
    """Tell a person whose session has ended where to sign in."""
    st.title(t("You are signed out"), anchor=False)
    st.write(t("Your session has ended, here or in another window. Everything you saved is still there."))
    st.html(_SIGN_IN.format(sign_in=escape(t("Sign in"))))


def account_menu(visit: Visit) -> None:
    """Show who is signed in, with the ways to set a password and sign out."""
    with st.sidebar, st.popover(plain(visit.who.id), icon=":material/account_circle:", width="stretch"):
        st.caption(t("Role: {role}", role=t(visit.who.role)))
        if visit.orchestra.users.accepts_password(visit.who.id):
            has_password = visit.orchestra.users.has_password(visit.who.id)
            st.markdown(t("**Change the password**") if has_password else t("**Set a password**"))
            _password_form(visit)
        _language_choice(visit)
        st.html(_SIGN_OUT.format(sign_out=escape(t("Sign out"))))


def _language_choice(visit: Visit) -> None:
    """Let the person choose the language of the pages; the search and open dialogs follow with the next page."""

    def choose() -> None:
        chosen = session.widget_value(_LANGUAGE, "")
        visit.orchestra.languages.set(visit.who, visit.who.id, chosen)
        use(chosen)

    known = visit.orchestra.languages.get(visit.who.id)
    offered = ["", *languages()]
    st.selectbox(
        t("Language"),
        offered,
        offered.index(known) if known in offered else 0,
        format_func=lambda one: name_of(one) if one else t("As in the browser"),
        key=_LANGUAGE,
        on_change=choose,
    )


def _password_form(visit: Visit) -> None:
    password = st.text_input(t("New password"), type="password", key="new-password-menu", autocomplete="new-password")

    def change(_request_key: str) -> str:
        visit.orchestra.users.set_password(visit.who, visit.who.id, password, keep_session=session.session_id())
        return visit.who.id

    action_button(t("Save password"), "password-save-menu", change, _saved, scope=str(len(password)))


def _saved(_user_id: str) -> None:
    session.tell(t("Password saved."))
    st.rerun()
