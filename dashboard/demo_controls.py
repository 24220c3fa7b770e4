"""What a person can do to the demo: let mail arrive, break a service, kill the engine, begin anew."""

from __future__ import annotations

import streamlit as st

from dashboard import session
from dashboard.kill import kill_button
from dashboard.page import Visit
from dashboard.parts.accounts import service_title
from dashboard.parts.buttons import action_button
from dashboard.parts.popover import close, popover

_BROKEN_SECONDS = 30
_SERVICES = ("notion", "github", "gmail", "openai")


def demo_controls(visit: Visit) -> None:
    """Show the buttons, as far as this person may press them."""
    if not visit.may("run"):
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        _new_mail(visit)
        _write_mail(visit)
        _break(visit)
        kill_button(visit, "demo", label="Kill the engine in the middle")
        _reset(visit)
    if visit.orchestra.demo.can_kill:
        st.caption(
            "To see what a kill does: start a run, then kill the engine. It comes back by itself, "
            "and the run ends with nothing lost and nothing done twice."
        )


def _new_mail(visit: Visit) -> None:
    action_button(
        "New mail arrives",
        "new-mail",
        lambda _key: visit.orchestra.demo.new_mail(visit.who),
        _arrived,
        icon=":material/mark_email_unread:",
        type="primary",
    )


def _write_mail(visit: Visit) -> None:
    form = session.draft("mail-form", 0)  # another number after sending: an empty form
    with popover("Write a mail", "mail", ":material/edit:"):
        sender = st.text_input("From", "Ann Example <ann@example.org>", key=f"mail-from-{form}")
        subject = st.text_input("Subject", key=f"mail-subject-{form}", placeholder="The export is empty")
        text = st.text_area("Text", key=f"mail-text-{form}", height=160)
        action_button(
            "Send it to the demo mailbox",
            "mail-send",
            lambda _key: visit.orchestra.demo.deliver(visit.who, sender, subject, text),
            _sent,
            scope=str(hash((sender, subject, text))),
            type="primary",
        )


def _sent(message_id: str) -> None:
    close("mail")
    session.keep_draft("mail-form", session.draft("mail-form", 0) + 1)
    _arrived(message_id)


def _arrived(message_id: str) -> None:
    st.query_params["mail"] = message_id
    session.tell("A mail has arrived.")
    st.rerun()


def _break(visit: Visit) -> None:
    with popover("Break a service", "break", ":material/power_off:"):
        st.markdown(
            "The service answers with errors for a while. A run tries again where it may; "
            "what still fails can be run again."
        )
        service = st.selectbox("Service", _SERVICES, format_func=service_title, key="break-service")
        action_button(
            f"Break {service_title(service)} for {_BROKEN_SECONDS} s",
            "break",
            lambda _key: visit.orchestra.demo.break_service(visit.who, service, _BROKEN_SECONDS),
            lambda _none: _broken(service),
            scope=service,
        )


def _broken(service: str) -> None:
    close("break")
    session.tell(f"{service_title(service)} is broken for the next {_BROKEN_SECONDS} seconds.")
    st.rerun()


def _reset(visit: Visit) -> None:
    if not visit.may("edit"):
        return
    with popover("Reset the demo", "reset", ":material/restart_alt:"):
        st.markdown(
            "Brings the sample data back. What workflows have made in the demo is removed, and all demo runs with it."
        )
        action_button(
            "Yes, reset it", "reset", lambda _key: visit.orchestra.demo.reset(visit.who), _was_reset, type="primary"
        )


def _was_reset(generation: int) -> None:
    close("reset")
    for name in ("mail", "page", "issue", "killed"):
        st.query_params.pop(name, None)
    session.tell(f"The demo is as new: account demo-{generation}.")
    st.rerun()
