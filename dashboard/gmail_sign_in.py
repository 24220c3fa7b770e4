"""Connecting Gmail from the page: Google's sign-in waits in a thread of its own while the page shows its address."""

from __future__ import annotations

import contextlib
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import streamlit as st

from clients.errors import ServiceError
from dashboard import session
from dashboard.page import Visit
from dashboard.parts.buttons import action_button
from dashboard.parts.errors import error_box
from dashboard.parts.plain import outside_link
from engine.errors import InvalidInput, OrchestraError

_LOOK_SECONDS = 2.0
_ADDRESS_SECONDS = 15.0
_LARGEST_FILE_BYTES = 100_000
_GUIDE = """
1. In Google's console, make a project and turn on the **Gmail API** in it.
2. Make an OAuth client of the type **Desktop app**; while it is in testing, add your own address as a test user.
3. Download the client's JSON file and give it here. Then sign in with the browser on **this** machine.
"""


@dataclass
class SignIn:
    """One sign-in that is under way, or has ended: with an error, or well."""

    address: str = ""
    error: OrchestraError | ServiceError | None = None
    ended: threading.Event = field(default_factory=threading.Event)
    addressed: threading.Event = field(default_factory=threading.Event)

    def opened(self, address: str) -> None:
        """Take the address at which the person signs in."""
        self.address = address
        self.addressed.set()


def gmail_sign_in(visit: Visit, name: str) -> None:
    """Show how to connect Gmail, and the sign-in that is under way."""
    under_way: SignIn | None = session.draft(_slot(name), None)
    if under_way is not None:
        _waiting(under_way, name)
        return
    with st.popover("Connect Gmail", icon=":material/login:"):
        st.markdown(_GUIDE)
        outside_link("Google's console", "https://console.cloud.google.com/apis/credentials")
        uploaded = st.file_uploader("Client secret file (JSON)", type="json", key=f"secret-file-{name}")
        path = st.text_input("… or where it lies on this machine", key=f"secret-path-{name}")
        content = uploaded.getvalue() if uploaded is not None else b""
        action_button(
            "Sign in with Google",
            f"sign-in-{name}",
            lambda _key: _begin(visit, name, content, path.strip()),
            lambda sign_in: _begun(name, sign_in),
            scope=f"{hash(content)} {path}",
            type="primary",
        )


def _slot(name: str) -> str:
    return f"sign-in.{name}"


def _begin(visit: Visit, name: str, content: bytes, path: str) -> SignIn:
    """Start the sign-in; return it once its address is known or it has failed. Raises InvalidInput, ServiceError."""
    if not content and not path:
        raise InvalidInput("There is no client secret file yet.", remedy="Upload it, or say where it lies.")
    if len(content) > _LARGEST_FILE_BYTES:
        raise InvalidInput(
            "This file is too big for a client secret.", remedy="Take the JSON file of Google's console."
        )
    sign_in = SignIn()
    threading.Thread(
        target=_work, args=(visit, name, content, path, sign_in), name="gmail-sign-in", daemon=True
    ).start()
    sign_in.addressed.wait(_ADDRESS_SECONDS)
    if sign_in.error is not None:
        raise sign_in.error
    return sign_in


def _work(visit: Visit, name: str, content: bytes, path: str, sign_in: SignIn) -> None:
    try:
        with _file(content, path) as file:
            visit.orchestra.connections.connect_gmail(visit.who, file, sign_in.opened, name)
    except (OrchestraError, ServiceError) as error:
        sign_in.error = error
    finally:
        sign_in.ended.set()
        sign_in.addressed.set()


@contextlib.contextmanager
def _file(content: bytes, path: str) -> Iterator[Path]:
    """Give the secret as a file; an uploaded one is there, for its owner only, as long as it is needed."""
    if not content:
        yield Path(path)
        return
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        file.write(content)
        file.flush()
        yield Path(file.name)


def _begun(name: str, sign_in: SignIn) -> None:
    session.keep_draft(_slot(name), sign_in)
    st.rerun()


def _waiting(sign_in: SignIn, name: str) -> None:
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
    if st.button("Forget this sign-in", key=f"sign-in-forget-{name}", type="tertiary"):
        session.drop_draft(_slot(name))
        st.rerun()
