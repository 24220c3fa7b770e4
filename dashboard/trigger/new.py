"""Add a trigger to a workflow: what to watch, and which part of each new item becomes which input."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import streamlit as st

from dashboard.base import session
from dashboard.base.language import N_, dialog, t
from dashboard.base.page import Visit
from dashboard.base.plain import plain
from dashboard.parts.buttons import action_button
from dashboard.trigger.block import TriggerSlot, block_form, entries
from dashboard.trigger.words import SCHEDULE
from engine.base.services import is_for
from engine.plugins.registry import trigger_type
from engine.plugins.step_info import TriggerTypeInfo, first_paragraph

if TYPE_CHECKING:
    from engine.workflows.workflow_files import WorkflowFile

_NEW_MESSAGE, _SUBJECT = ".new_message", "subject"


@dialog(N_("Add a trigger"), icon=":material/sensors:", width="medium")
def new_trigger(visit: Visit, file: WorkflowFile) -> None:
    """Ask what starts the workflow, and write it into its file; it is turned on separately."""
    kinds = {kind.name: kind for kind in _types(visit)}
    chosen = st.selectbox(
        t("What starts it?"), list(kinds), format_func=lambda name: t(kinds[name].title), key="trigger-uses"
    )
    kind = kinds[chosen]
    st.caption(plain(t(first_paragraph(kind.description))))
    document = file.document or {}
    begun = {"id": _id(chosen, document), "uses": chosen}
    made = block_form(visit, file, kind, TriggerSlot(len(entries(document)), f"trigger-{chosen}"), begun)

    def add(_key: str) -> WorkflowFile:
        return visit.orchestra.workflows.save(visit.who, file.name, made.text, file.etag)

    action_button(
        t("Add"),
        "trigger-add",
        add,
        lambda _file: _added(begun["id"]),
        scope=made.text,
        type="primary",
        disabled=not made.is_ready,
    )


def _types(visit: Visit) -> list[TriggerTypeInfo]:
    """Return the types of triggers: first new mail and schedules, last those without a connection that they need."""
    known = {one.service for one in visit.orchestra.connections.list(visit.who)}

    def place(kind: TriggerTypeInfo) -> tuple[bool, int]:
        needs_none = kind.service is None or trigger_type(kind.name).connection_optional
        is_mailbox = not needs_none and kind.name.endswith(_NEW_MESSAGE)
        is_mail = is_mailbox and _SUBJECT in kind.item_schema.get("properties", {})
        is_usable = needs_none or any(is_for(one, kind.service) for one in known)
        return not is_usable, 0 if is_mail else 1 if kind.name == SCHEDULE else 2

    return sorted((one for one in visit.orchestra.trigger_types(visit.who) if one.is_watched), key=place)


def _id(uses: str, document: Mapping[str, Any]) -> str:
    """Ask for the name of the trigger in the file."""
    help_ = "Its name in the file and in commands: letters, digits and _. What it has seen is kept under this name."
    return st.text_input("Id", _free_id(uses, document), key=f"trigger-id-{uses}", help=help_).strip()


def _free_id(uses: str, document: Mapping[str, Any]) -> str:
    taken = {one.get("id") for one in entries(document) if isinstance(one, Mapping)}
    wanted = uses.rpartition(".")[2] or uses
    return next(
        name for number in range(1, 100) if (name := wanted if number == 1 else f"{wanted}_{number}") not in taken
    )


def _added(name: str) -> None:
    session.tell(t("The trigger {name} is added. Turn it on to begin.", name=name))
    st.rerun()
