"""The webhook of a trigger on its card: its address, its key, and what was delivered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from dashboard.base import session
from dashboard.base.language import N_, dialog, t, tn
from dashboard.base.messages import translated
from dashboard.base.page import Visit
from dashboard.base.plain import outside_code, plain
from dashboard.parts.buttons import action_button
from dashboard.parts.errors import errors_shown
from dashboard.parts.times import ago
from engine.base.errors import UnknownName
from engine.plugins.registry import trigger_type
from engine.triggering.polling.status import TriggerStatus

if TYPE_CHECKING:
    from engine.hooks.deliveries import HookDelivery
    from engine.hooks.inputs import HookInputs
    from engine.hooks.signatures import Verdict
    from engine.triggering.hooks import HookStatus
    from engine.workflows.workflow_files import WorkflowFile

_HERE = ("http://127.", "http://localhost", "http://[::1]")
"""The beginnings of addresses that no other machine reaches."""
_VERDICTS: dict[Verdict, str] = {
    "accepted": N_("Accepted"),
    "again": N_("Sent again"),
    "challenge": N_("Address checked"),
    "left_out": N_("Left out"),
    "signature": N_("Not genuine"),
    "late": N_("Too old"),
    "no_key": N_("No key"),
    "too_large": N_("Too large"),
    "type": N_("Type not taken"),
    "body": N_("Not readable"),
    "duplicate": N_("Already there"),
}
_AT_ONCE = 10
"""Deliveries that are shown before a person asks for all."""


def is_hook(one: TriggerStatus) -> bool:
    """Return whether a trigger has a webhook."""
    try:
        return trigger_type(one.uses).inbox == "hooks"
    except UnknownName:
        return False


def hook_box(visit: Visit, one: TriggerStatus, key: str) -> None:
    """Show where the webhook is, whether its key is there, and what people may do with both."""
    with errors_shown():
        hook = visit.orchestra.hooks.get(visit.who, one.workflow, one.id)
        st.code(hook.url, language=None, wrap_lines=True)
        st.caption(" ".join(_said(hook)))
        if hook.key == "missing":
            st.warning(t("Its key is missing: no delivery is accepted."), icon=":material/key_off:")
        with st.container(horizontal=True, gap="small"):
            _buttons(visit, hook, key)


def _said(hook: HookStatus) -> list[str]:
    said = [t("It takes deliveries.") if hook.is_open else t("Closed: nobody is answered now.")]
    if hook.last_at:
        said.append(t("Last sent {when}.", when=ago(hook.last_at)))
    if hook.waiting:
        said.append(tn("{count} waits for its run.", "{count} wait for their runs.", hook.waiting))
    if hook.url.startswith(_HERE):
        said.append(t("Only this machine reaches this address, until `server.public_url` is set."))
    return said


def _buttons(visit: Visit, hook: HookStatus, key: str) -> None:
    if visit.may("run") and st.button(
        t("Deliveries …"), key=f"deliveries-{key}", type="tertiary", icon=":material/inbox:"
    ):
        _deliveries(visit, hook)
    if not visit.may("edit"):
        return
    if hook.key in ("kept", "missing") and st.button(
        t("Key …"), key=f"hook-key-{key}", type="tertiary", icon=":material/key:"
    ):
        _key(visit, hook)
    if st.button(t("New address …"), key=f"rotate-{key}", type="tertiary", icon=":material/autorenew:"):
        _new_address(visit, hook)


@dialog(N_("New address"), icon=":material/autorenew:")
def _new_address(visit: Visit, hook: HookStatus) -> None:
    st.markdown(t("The webhook gets another address. The old one stops working at once: enter the new one there."))
    action_button(
        t("Change the address"),
        f"rotate-now-{hook.workflow}-{hook.trigger}",
        lambda _key: visit.orchestra.hooks.rotate(visit.who, hook.workflow, hook.trigger),
        lambda _hook: _told(t("The webhook has a new address.")),
        type="primary",
    )


@dialog(N_("Key"), icon=":material/key:")
def _key(visit: Visit, hook: HookStatus) -> None:
    st.markdown(t("The key with which the service signs, or the token that it sends. It is kept encrypted."))
    name = f"hook-key-{hook.workflow}-{hook.trigger}"
    given = st.text_input(t("Key"), type="password", key=f"{name}-given", autocomplete="off")
    with st.container(horizontal=True, gap="small"):
        action_button(
            t("Keep it"),
            f"{name}-keep",
            lambda _key: visit.orchestra.hooks.set_key(visit.who, hook.workflow, hook.trigger, given),
            lambda _hook: _told(t("The key is kept.")),
            type="primary",
            disabled=not given.strip(),
        )
        is_shown = hook.key == "kept" and st.button(t("Show key"), key=f"{name}-show", type="tertiary")
    if is_shown:
        with errors_shown():
            st.code(visit.orchestra.hooks.key(visit.who, hook.workflow, hook.trigger), language=None, wrap_lines=True)


@dialog(N_("Deliveries"), icon=":material/inbox:", width="large")
def _deliveries(visit: Visit, hook: HookStatus) -> None:
    with errors_shown():
        found = visit.orchestra.hooks.deliveries(visit.who, hook.workflow, hook.trigger)
        if not found:
            st.markdown(t("Nothing was delivered yet."))
        name = f"deliveries-{hook.workflow}-{hook.trigger}"
        is_all = len(found) > _AT_ONCE and st.toggle(t("All {count}", count=len(found)), key=f"{name}-all")
        for one in found if is_all else found[:_AT_ONCE]:
            _delivery(visit, hook, one)


def _delivery(visit: Visit, hook: HookStatus, one: HookDelivery) -> None:
    """Show a delivery; what it said is read when somebody opens it."""
    key = f"delivery-{hook.workflow}-{hook.trigger}-{one.id}"
    with st.container(border=True, key=key):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            is_good = one.verdict in ("accepted", "again", "challenge")
            st.badge(t(_VERDICTS[one.verdict]), color="green" if is_good else "orange")
            st.caption(plain(ago(one.at)), width="content")
            st.caption(plain(f"{one.media_type} · {tn('{count} byte', '{count} bytes', one.bytes)}"), width="content")
            if one.run_id:
                visit.link(t("Run"), "run", icon=":material/play_circle:", id=one.run_id)
        if one.message:
            st.caption(plain(translated(one.message)))
        if st.toggle(t("What it said"), key=f"{key}-open"):
            _body(visit, hook, one, key)


def _body(visit: Visit, hook: HookStatus, one: HookDelivery, key: str) -> None:
    with errors_shown():
        said = visit.orchestra.hooks.delivery(visit.who, hook.workflow, hook.trigger, one.id)
        st.caption(t("This is text from outside."))
        for name, text in said.headers.items():
            st.caption(plain(f"{name}: {text}"))
        for name in said.files:
            st.caption(plain(name))
        outside_code(said.body, height=240)
        if said.is_cut:
            st.caption(t("The rest is left out."))
        if one.verdict not in ("accepted", "again"):
            return
        action_button(
            t("Send again"),
            f"{key}-again",
            lambda _key: visit.orchestra.hooks.send_again(visit.who, hook.workflow, hook.trigger, one.id),
            lambda _one: _told(t("It is sent again and waits for its run.")),
            icon=":material/replay:",
        )
        if visit.may("edit") and st.toggle(t("Make inputs of the workflow from it"), key=f"{key}-inputs"):
            _inputs(visit, hook, one, key)


def _inputs(visit: Visit, hook: HookStatus, one: HookDelivery, key: str) -> None:
    """Show the inputs that fit a delivery, and put them into the file when somebody wants it."""
    made = visit.orchestra.hooks.inputs(visit.who, hook.workflow, hook.trigger, one.id)
    for name, text in made.mapping.items():
        st.markdown(f"- {plain(name)}: `{text}`")
    if made.left_out:
        st.caption(plain(t("Left out: {names}", names=", ".join(made.left_out))))
    st.caption(t("Inputs that are there stay. You may rename and remove the others in the editor."))
    file = visit.orchestra.workflows.get(visit.who, hook.workflow)
    action_button(
        t("Put them into the workflow"),
        f"{key}-write",
        lambda _key: _written(visit, file, made),
        lambda _file: _told(t("The workflow has these inputs now.")),
        scope=file.etag,
        type="primary",
    )


def _written(visit: Visit, file: WorkflowFile, made: HookInputs) -> WorkflowFile:
    text = visit.orchestra.editing.applied_to(file.name, file.text, made.operations).text
    return visit.orchestra.workflows.save(visit.who, file.name, text, file.etag)


def _told(text: str) -> None:
    session.tell(text)
    st.rerun()
