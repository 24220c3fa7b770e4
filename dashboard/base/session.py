"""A browser's session: the person, and unsaved text. Only this module touches Streamlit's session state."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, cast

import streamlit as st
from streamlit.errors import StreamlitAPIException

from engine.people.sessions import cookie_name, shown_id

if TYPE_CHECKING:
    from engine.orchestra import Orchestra
    from engine.people.access import Principal

T = TypeVar("T")
_SAME_PRESS_SECONDS = 2.0


def session_id() -> str:
    """Return the value of this browser's session cookie, as it was when the page was loaded; "" without one."""
    name = cookie_name(st.context.headers.get("host") or "")
    return str(st.context.cookies.get(name) or "")


def shown_session_id() -> str:
    """Return the id under which this browser's session is listed."""
    return shown_id(session_id())


def principal(orchestra: Orchestra) -> Principal | None:
    """Return who is signed in, checked on every run: a page that stays open must not outlive the session."""
    cookie = session_id()
    return orchestra.users.session(cookie) if cookie else None


@dataclass
class _Press:
    """One press of a button, even if the browser sends it twice."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    request_key: str = ""
    ended_at: float | None = None
    result: Any = None


def once(name: str, act: Callable[[str], T]) -> T:
    """Do `act(request_key)` once per press; a second press within two seconds gets the result of the first.

    Presses of one session may run in two threads at once. After an error the key stays: another try is the same
    request. The two seconds cover clicks that were already on their way when the first press ended.
    """
    press: _Press = st.session_state.setdefault(f"press.{name}", _Press())
    with press.lock:
        if press.ended_at is not None and time.monotonic() - press.ended_at < _SAME_PRESS_SECONDS:
            return cast("T", press.result)
        press.request_key = press.request_key or str(uuid.uuid4())
        press.result = act(press.request_key)
        press.request_key, press.ended_at = "", time.monotonic()
        return cast("T", press.result)


@dataclass(frozen=True)
class _Leave:
    """The last time that a button led from one page to another."""

    here: str
    params: dict[str, str]
    path: str
    at: float


def leave(here: str, path: str, params: dict[str, str]) -> None:
    """Remember that a button leads from page `here` to page `path`.

    From a page to itself there is nothing to remember: the second click arrives where it should.
    """
    if here == path:
        return
    came_with = {name: str(st.query_params.get(name)) for name in st.query_params}
    if came_with != params:  # otherwise any run of this page would look like a second click
        st.session_state["left"] = _Leave(here, params, path, time.monotonic())


def stray(here: str) -> tuple[str, dict[str, str]] | None:
    """Return the target that this run of page `here` should have, if it is the second click of a double click.

    The browser sends that click from the page just left, but with the address of the next one.
    """
    left: _Leave | None = st.session_state.get("left")
    if left is None or left.here != here or time.monotonic() - left.at > _SAME_PRESS_SECONDS:
        return None
    came_with = {name: str(st.query_params.get(name)) for name in st.query_params}
    return (left.path, left.params) if came_with == left.params else None


def show_address(here: str) -> None:
    """Have the browser show the address of page `here` if a link has led from the page to itself.

    Streamlit changes the address only when the path changes. Without this, the next click on the page would bring back
    what was shown before: from a branch its workflow.
    """
    params = {name: st.query_params.get_all(name) for name in st.query_params}
    before = st.session_state.get("address")
    st.session_state["address"] = now = (here, params)
    if before is not None and before[0] == here and before != now:
        with suppress(StreamlitAPIException):  # fields that are bound to the address keep it up to date themselves
            st.query_params.from_dict(params)  # the browser ignores what it shows already


def number() -> str:
    """Return a text that is unique to this session."""
    return str(st.session_state.setdefault("number", uuid.uuid4().hex))


def draft(name: str, default: T) -> T:
    """Return the value kept under a name in this session, or else `default`."""
    return cast("T", st.session_state.get(f"draft.{name}", default))


def keep_draft(name: str, value: Any) -> None:
    """Keep a value for the rest of this session."""
    st.session_state[f"draft.{name}"] = value


def drop_draft(name: str) -> None:
    """Forget a kept value."""
    st.session_state.pop(f"draft.{name}", None)


def widget_value(key: str, default: T) -> T:
    """Return the current value of a widget, before it is drawn in this run."""
    return cast("T", st.session_state.get(key, default))


def set_widget(key: str, value: Any) -> None:
    """Set the value of a widget before it is drawn in this run."""
    st.session_state[key] = value


def mirror(name: str, wanted: Any) -> str:
    """Return the key of a widget that shows `wanted`, which the person chose in it or the page decided.

    If the page decided, the widget is a new one: a page that looks again by itself may still send what the old one
    showed, and Streamlit takes that for a choice. So its callback reads `mirrored`.
    """
    number = draft(f"mirror.{name}", 0)
    if widget_value(f"{name}.{number}", None) != wanted:
        number += 1
        keep_draft(f"mirror.{name}", number)
        set_widget(f"{name}.{number}", wanted)
    return f"{name}.{number}"


def mirrored(name: str, default: T) -> T:
    """Return what the newest widget of `mirror` shows, before it is drawn in this run."""
    return widget_value(f"{name}.{draft(f'mirror.{name}', 0)}", default)


def tell(text: str, icon: str = ":material/check_circle:", link: str = "") -> None:
    """Show a short message when the page is next drawn, e.g. what a button did before it led elsewhere.

    `link` follows the text, as Markdown; such a message stays longer.
    """
    st.session_state.setdefault("messages", []).append((text, icon, link))


def messages() -> list[tuple[str, str, str]]:
    """Return the pending messages, each with its icon and its link."""
    return list(st.session_state.get("messages", []))


def drop_messages(shown: list[tuple[str, str, str]]) -> None:
    """Forget messages that a run of the page has shown.

    Only at its end: a run that another one interrupts may never reach the browser.
    """
    st.session_state["messages"] = messages()[len(shown) :]
