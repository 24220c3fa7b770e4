"""The signed-in person: the menu in the side bar, the offer to set a first password, and what strangers see."""

from __future__ import annotations

import streamlit as st

from dashboard.base import session
from dashboard.base.page import Visit
from dashboard.base.plain import plain
from dashboard.parts.buttons import action_button

_SIGN_IN = '<p><a href="/login" target="_self">Sign in</a></p>'
_SIGN_OUT = """
<form method="post" action="/logout">
<button type="submit" style="all: unset; cursor: pointer; text-decoration: underline;">Sign out</button>
</form>
"""


def signed_out() -> None:
    """Tell a person whose session has ended where to sign in."""
    st.title("You are signed out", anchor=False)
    st.write("Your session has ended, here or in another window. Everything you saved is still there.")
    st.html(_SIGN_IN)


def account_menu(visit: Visit) -> None:
    """Show who is signed in, with the ways to set a password and sign out."""
    with st.sidebar, st.popover(plain(visit.who.id), icon=":material/account_circle:", width="stretch"):
        st.caption(f"Role: {visit.who.role}")
        has_password = visit.orchestra.users.has_password(visit.who.id)
        st.markdown("**Change the password**" if has_password else "**Set a password**")
        _password_form(visit, "menu")
        st.html(_SIGN_OUT)


def password_offer(visit: Visit) -> None:
    """Offer a first password to somebody who signed in by link; "Not now" hides the offer until the next visit."""
    if session.draft("password_offer_skipped", default=False) or visit.orchestra.users.has_password(visit.who.id):
        return
    with st.expander("Set a password", icon=":material/key:", key="password-offer"):
        st.markdown(
            "So far, you can sign in only with a link from `orchestra login-link`. "
            "With a password you do not need the terminal."
        )
        _password_form(visit, "offer")
        if st.button("Not now", key="password-skip", type="tertiary"):
            session.keep_draft("password_offer_skipped", value=True)
            st.rerun()


def _password_form(visit: Visit, place: str) -> None:
    password = st.text_input("New password", type="password", key=f"new-password-{place}", autocomplete="new-password")

    def change(_request_key: str) -> str:
        visit.orchestra.users.set_password(visit.who, visit.who.id, password, keep_session=session.session_id())
        return visit.who.id

    action_button("Save password", f"password-save-{place}", change, _saved, scope=str(len(password)))


def _saved(_user_id: str) -> None:
    session.tell("Password saved.")
    st.rerun()
