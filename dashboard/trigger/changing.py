"""Edit a trigger of a workflow with the fields of a new one, or remove it and say what becomes of what it has seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from dashboard.base import session
from dashboard.base.language import N_, dialog, t
from dashboard.base.page import Visit
from dashboard.base.plain import plain
from dashboard.parts.buttons import action_button
from dashboard.parts.errors import errors_shown
from dashboard.trigger.block import TriggerSlot, block_form, entries
from dashboard.trigger.form import is_form
from engine.base.errors import UnknownName
from engine.plugins.step_info import first_paragraph
from engine.triggering.polling.status import TriggerStatus

if TYPE_CHECKING:
    from engine.workflows.workflow_files import WorkflowFile


def change_buttons(visit: Visit, one: TriggerStatus, key: str) -> None:
    """Show the buttons that edit a trigger and remove it; each begins with the file as it is now."""
    if one.is_watched and st.button(t("Edit …"), key=f"edit-{key}", type="tertiary", icon=":material/edit:"):
        with errors_shown():
            _edit(visit, visit.orchestra.workflows.get(visit.who, one.workflow), one)
    if st.button(t("Remove …"), key=f"remove-{key}", type="tertiary", icon=":material/delete:"):
        with errors_shown():
            _remove(visit, visit.orchestra.workflows.get(visit.who, one.workflow), one)


@dialog(N_("Edit the trigger"), icon=":material/edit:", width="medium")
def _edit(visit: Visit, file: WorkflowFile, one: TriggerStatus) -> None:
    index, begun = _entry(file, one.id)
    kind = next(kind for kind in visit.orchestra.trigger_types(visit.who) if kind.name == begun["uses"])
    st.markdown(f"**{plain(t(one.title))}**")
    st.caption(plain(t(first_paragraph(kind.description))))
    made = block_form(visit, file, kind, TriggerSlot(index, f"trigger-edit-{one.id}-{file.etag[:16]}"), begun)
    if one.is_on:
        st.caption(t("If it then watches something else, it waits until you turn it on again."))
    _say_version(visit, one)
    action_button(
        t("Save"),
        "trigger-save",
        lambda _key: visit.orchestra.workflows.save(visit.who, file.name, made.text, file.etag),
        lambda _file: _announce(t("The trigger {title} is saved.", title=t(one.title))),
        scope=made.text,
        type="primary",
        disabled=not made.is_ready or made.text == file.text,
    )


@dialog(N_("Remove the trigger?"), icon=":material/delete:", width="medium")
def _remove(visit: Visit, file: WorkflowFile, one: TriggerStatus) -> None:
    index, _ = _entry(file, one.id)
    st.markdown(t("{title} no longer starts this workflow.", title=f"**{plain(t(one.title))}**"))
    for line in _consequences(one):
        st.markdown(f"- {line}")
    _say_version(visit, one)
    is_last = len(entries(file.document or {})) == 1
    operation = {"op": "unset", "field": "triggers" if is_last else ["triggers", index]}

    def remove(_key: str) -> WorkflowFile:
        text = visit.orchestra.editing.applied_to(file.name, file.text, [operation]).text
        saved = visit.orchestra.workflows.save(visit.who, file.name, text, file.etag)
        if one.is_on:
            visit.orchestra.triggers.turn_off(visit.who, one.workflow, one.id)
        return saved

    action_button(
        t("Remove"),
        "trigger-remove",
        remove,
        lambda _file: _announce(t("The trigger {title} is removed.", title=t(one.title))),
        scope=file.etag,
        type="primary",
        icon=":material/delete:",
    )


def _consequences(one: TriggerStatus) -> list[str]:
    """Return what becomes of a trigger's runs, its position, and the items that it has seen, as Markdown."""
    said = [t("It is turned off. Runs that it has started go on, and queued ones still start.")] if one.is_on else []
    if not one.is_watched:
        return said
    if is_form(one):
        said.append(t("Its form is closed: its address no longer works."))
    if one.is_on or not one.needs_start:
        said.append(
            t(
                "Its position and the items that it has seen are kept. A new trigger with the id {id} that watches the "
                "same continues from there.",
                id=f"`{one.id}`",
            )
        )
    if one.dead:
        said.append(
            t(
                "What needs attention stays in the list. Items that have no run yet can then only be dismissed, so try "
                "them again first."
            )
        )
    return said


def _say_version(visit: Visit, one: TriggerStatus) -> None:
    """Say if its runs use a saved version: then a change of the file does not affect them at once."""
    version = visit.orchestra.environments.where(visit.who, one.workflow).get(one.environment)
    if isinstance(version, int):
        st.caption(
            plain(
                t(
                    "Its runs start in {environment}, from version {version}: this takes effect there when you promote "
                    "the file.",
                    environment=one.environment,
                    version=version,
                )
            )
        )


def _entry(file: WorkflowFile, trigger: str) -> tuple[int, dict[str, Any]]:
    """Return a trigger as the file has it, and its place. Raises UnknownName."""
    for index, one in enumerate(entries(file.document or {})):
        if isinstance(one, dict) and one.get("id") == trigger:
            return index, one
    raise UnknownName("trigger", trigger)


def _announce(text: str) -> None:
    session.tell(text)
    st.rerun()
