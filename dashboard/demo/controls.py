"""What a person can do to the demo: send mail, break a service, kill the engine, start over."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from clients.errors import ServiceError
from dashboard.base import fields, session
from dashboard.base.browser import owner_of
from dashboard.base.language import t, tn
from dashboard.base.page import Visit
from dashboard.base.plain import plain
from dashboard.parts.accounts import service_title
from dashboard.parts.buttons import action_button
from dashboard.parts.kill import kill_button
from dashboard.parts.popover import close, popover
from engine.base.errors import OrchestraError

if TYPE_CHECKING:
    from engine.triggering.polling.status import TriggerStatus

_BROKEN_SECONDS = 30
_SERVICES = ("notion", "github", "gmail", "openai")


def demo_controls(visit: Visit) -> None:
    """Show the buttons that this person may press."""
    if not visit.may("run"):
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        _new_mail(visit)
        _write_mail(visit)
        _break(visit)
        kill_button(visit, "demo", label=t("Kill the engine in the middle"))
        _reset(visit)
    if visit.orchestra.demo.can_kill:
        st.caption(
            t(
                "To see what a kill does: start a run, then kill the engine. It comes back by "
                "itself, and the run ends with nothing lost and nothing done twice."
            )
        )


def _new_mail(visit: Visit) -> None:
    action_button(
        t("New mail arrives"),
        "new-mail",
        lambda _key: _noticed(visit, visit.orchestra.demo.new_mail(visit.who)),
        _arrived,
        icon=":material/mark_email_unread:",
        type="primary",
    )


def _write_mail(visit: Visit) -> None:
    form = session.draft("mail-form", 0)  # the number changes after sending: an empty form
    with popover(t("Write a mail"), "mail", ":material/edit:"):
        sender = fields.text_input(
            t("From"), "Ann Example <ann@example.org>", key=f"mail-from-{form}", slot="mail/from"
        )
        subject = fields.text_input(
            t("Subject"), key=f"mail-subject-{form}", slot="mail/subject", placeholder="The export is empty"
        )
        text = fields.text_area(t("Text"), key=f"mail-text-{form}", slot="mail/text", height=160)
        action_button(
            t("Send it to the demo mailbox"),
            "mail-send",
            lambda _key: _noticed(visit, _delivered(visit, sender, subject, text)),
            _sent,
            scope=str(hash((sender, subject, text))),
            type="primary",
        )


def _delivered(visit: Visit, sender: str, subject: str, text: str) -> str:
    message_id = visit.orchestra.demo.deliver(visit.who, sender, subject, text)
    fields.sent(owner_of(visit), "mail/", (sender, subject, text))  # a person may leave while triggers poll
    return message_id


def answer_control(visit: Visit, mail: str, receiver: tuple[str, str]) -> None:
    """Show the button that answers a sent mail as its receiver."""
    name, address = receiver
    with popover(t("Answer as {name}", name=plain(name or address)), "answer", ":material/reply:"):
        text = fields.text_area(
            t("Text"), t("Hello,\n\nthank you for your mail. Yes, that suits me."), key=f"answer-{mail}", height=160
        )
        action_button(
            t("Send the answer"),
            "answer-send",
            lambda _key: _noticed(visit, "", visit.orchestra.demo.answer(visit.who, mail, text)),
            _answered,
            scope=f"{mail} {text}",
            type="primary",
        )


@dataclass(frozen=True)
class _Arrival:
    """A mail sent to the demo: `watched` by this many triggers, which have `started` this many runs at once."""

    message_id: str
    watched: int
    started: int
    awaited: int
    """How many runs have waited for it."""


def _noticed(visit: Visit, message_id: str, awaited: int = 0) -> _Arrival:
    """Poll the triggers that watch the demo's mailbox: a person who sends a mail is waiting for its run."""
    triggers = visit.orchestra.triggers
    watching = [
        one
        for one in triggers.list(visit.who)
        if one.is_on and one.demo and not one.is_resting and one.uses.startswith("gmail.")
    ]
    started = 0
    for one in watching:
        with suppress(OrchestraError, ServiceError):  # the trigger's own card shows the error
            started += sum(len(result.started) for result in triggers.poll(visit.who, one.workflow, one.id))
    return _Arrival(message_id, len(watching), started, awaited)


def _sent(arrival: _Arrival) -> None:
    close("mail")
    fields.forget("mail/")
    session.keep_draft("mail-form", session.draft("mail-form", 0) + 1)
    _arrived(arrival)


def _answered(arrival: _Arrival) -> None:
    close("answer")
    fields.forget("answer-")
    _told(arrival)


def _arrived(arrival: _Arrival) -> None:
    st.query_params["mail"] = arrival.message_id
    _told(arrival)


def _told(arrival: _Arrival) -> None:
    if arrival.awaited:
        what = tn(
            "{count} run has waited for it and goes on.", "{count} runs have waited for it and go on.", arrival.awaited
        )
    elif arrival.started:
        what = t("{runs} started.", runs=tn("{count} run", "{count} runs", arrival.started))
    elif arrival.watched:
        what = t("The trigger that watches this mailbox has polled and started nothing.")
    else:
        what = t("No trigger watches this mailbox: turn one on, or run a workflow.")
    session.tell(t("A mail has arrived. {what}", what=what))
    st.rerun()


def _break(visit: Visit) -> None:
    with popover(t("Break a service"), "break", ":material/power_off:"):
        st.markdown(
            t("The service returns errors for a while. Runs retry where they may; what still fails can be run again.")
        )
        service = st.selectbox(t("Service"), _SERVICES, format_func=service_title, key="break-service")
        action_button(
            t("Break {service} for {broken_seconds} s", service=service_title(service), broken_seconds=_BROKEN_SECONDS),
            "break",
            lambda _key: visit.orchestra.demo.break_service(visit.who, service, _BROKEN_SECONDS),
            lambda _none: _broken(service),
            scope=service,
        )


def _broken(service: str) -> None:
    close("break")
    session.tell(
        t(
            "{service} is broken for the next {broken_seconds} seconds.",
            service=service_title(service),
            broken_seconds=_BROKEN_SECONDS,
        )
    )
    st.rerun()


def _reset(visit: Visit) -> None:
    if not visit.may("edit"):
        return
    with popover(t("Reset the demo"), "reset", ":material/restart_alt:"):
        st.markdown(
            t("Restores the sample data. Everything that workflows made in the demo is removed, with all demo runs.")
        )
        named = _named(visit.orchestra.triggers.of_demo(visit.who))
        if named:
            st.markdown(plain(t("It turns off these triggers: {named}.", named=named)))
        action_button(
            t("Yes, reset it"),
            "reset",
            lambda _key: visit.orchestra.demo.reset(visit.who),
            lambda generation: _was_reset(generation, named),
            type="primary",
        )


def _named(triggers: Sequence[TriggerStatus]) -> str:
    return ", ".join(f"{one.workflow_title or one.workflow}: {one.title}" for one in triggers)


def _was_reset(generation: int, turned_off: str) -> None:
    close("reset")
    for name in ("mail", "page", "issue", "killed"):
        st.query_params.pop(name, None)
    done = t("The demo is reset: account demo-{generation}.", generation=generation)
    if turned_off:
        off = t("These triggers are off now: {named}. Turn them on again on the page Triggers.", named=turned_off)
        done = f"{done} {off}"
    session.tell(done)
    st.rerun()
