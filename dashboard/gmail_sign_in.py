"""Connecting Gmail from the page: the guide through Google's console, and the sign-in that waits beside the page."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dashboard import session
from dashboard.page import Visit
from dashboard.parts.buttons import action_button, submit_button
from dashboard.parts.errors import error_box
from dashboard.parts.plain import outside_link
from engine.connections.sign_ins import SignIn
from engine.connections.statuses import ConnectionStatus
from engine.errors import InvalidInput

_LOOK_SECONDS = 2.0
_CONSOLE = "https://console.cloud.google.com"
_GUIDE = f"""
Google wants each installation to have a client of its own. It takes about ten minutes, once, and costs nothing.

1. [New project]({_CONSOLE}/projectcreate): any name, then *Create*.
2. [Gmail API]({_CONSOLE}/apis/library/gmail.googleapis.com): *Enable*.
3. [Google Auth Platform]({_CONSOLE}/auth/overview): *Get started*. Any app name, your address twice, audience
   *External* (*Internal*, if your mailbox belongs to a Google Workspace and only its people sign in).
4. [Audience]({_CONSOLE}/auth/audience): *Add users* under *Test users*, your own address. Without it Google says
   *Access blocked*.
5. [Clients]({_CONSOLE}/auth/clients): *Create client*, type **Desktop app** (no other works), *Create*, then
   *Download JSON*. That is the file to give below.
6. *Sign in with Google*, with the browser on **this** machine. Google warns that it has not verified the app: it is
   your own. *Continue*, and leave the one box ticked.
"""
_SEVEN_DAYS = """
As long as *Audience* says **Testing**, Google ends every sign-in after seven days. This page counts the days and says
so before; signing in again takes a minute.

**In production** a sign-in lasts until you take it back. But Google has not verified your app: it shows a louder
warning, allows at most 100 people, and may block the app or ask for a review, since it reads mail. Whoever changes this
signs in once more afterwards, for the old sign-in keeps its end.

**Internal** (Google Workspace) has neither of the two.

**No console at all**: *Add a connection*, *Mailbox (IMAP)*, with an app password of your Google account. It needs
2-step verification, opens the whole mailbox to whoever has it, and a Workspace may forbid it.
"""


def gmail_sign_in(visit: Visit, status: ConnectionStatus) -> None:
    """Show how to connect Gmail, and the sign-in that is under way."""
    under_way: SignIn | None = session.draft(_slot(status.name), None)
    if under_way is not None:
        _waiting(visit, under_way, status)
        return
    label = "Sign in again" if status.own_key_found else "Connect Gmail"
    if st.button(label, key=f"sign-in-open-{status.name}", icon=":material/login:"):
        _dialog(visit, status.name)


@st.dialog("Connect Gmail", width="large", icon=":material/mail:")
def _dialog(visit: Visit, name: str) -> None:
    st.markdown(_GUIDE)
    with st.expander("Why seven days? Testing, In production, or no console at all", icon=":material/help:"):
        st.markdown(_SEVEN_DAYS)
    uploaded = st.file_uploader("Client secret file (JSON)", type="json", key=f"secret-file-{name}")
    path = st.text_input("… or where it lies on this machine", key=f"secret-path-{name}")
    content = uploaded.getvalue() if uploaded is not None else b""
    action_button(
        "Sign in with Google",
        f"sign-in-{name}",
        lambda _key: visit.orchestra.connections.begin_sign_in(visit.who, name, content or _read(path.strip())),
        lambda sign_in: _begun(name, sign_in),
        scope=f"{hash(content)} {path}",
        type="primary",
    )


def _slot(name: str) -> str:
    return f"sign-in.{name}"


def _read(path: str) -> bytes:
    """Return the content of the client secret file on this machine. Raises InvalidInput."""
    if not path:
        raise InvalidInput("There is no client secret file yet.", remedy="Upload it, or say where it lies.")
    try:
        return Path(path).expanduser().read_bytes()
    except OSError as error:
        raise InvalidInput(f"There is no file {path} that can be read ({error.strerror}).") from error


def _begun(name: str, sign_in: SignIn) -> None:
    session.keep_draft(_slot(name), sign_in)
    st.rerun()


def _waiting(visit: Visit, sign_in: SignIn, status: ConnectionStatus) -> None:
    name = status.name
    if sign_in.ended.is_set():
        session.drop_draft(_slot(name))
        if sign_in.error is not None:
            error_box(sign_in.error)
        else:
            session.tell("Gmail is connected. Switch it to your own account when you are ready.")
            st.rerun()
        return
    st.info("Sign in at Google. This page goes on when you come back.", icon=":material/hourglass_empty:")
    outside_link("Sign in with Google", sign_in.address)

    @st.fragment(run_every=_LOOK_SECONDS)
    def look() -> None:
        if sign_in.ended.is_set():
            st.rerun()

    look()
    with st.popover("The browser is on another machine", type="tertiary"):
        st.caption("It ends at a page that does not open, at 127.0.0.1. Paste the address of that page here.")
        with st.form(f"sign-in-back-form-{name}", border=False):
            pasted = st.text_input("Address", key=f"sign-in-back-{name}", autocomplete="off")
            submit_button(
                "Go on",
                f"sign-in-back-go-{name}",
                lambda _key: visit.orchestra.connections.bring_back(visit.who, name, pasted),
                scope=str(hash(pasted)),
            )
    if st.button("Forget this sign-in", key=f"sign-in-forget-{name}", type="tertiary"):
        session.drop_draft(_slot(name))
        st.rerun()
