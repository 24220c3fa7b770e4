"""Add a trigger to a workflow: what to watch, and which part of each new item becomes which input."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any

import streamlit as st

from dashboard.base import session
from dashboard.base.language import N_, dialog, t
from dashboard.base.page import Visit
from dashboard.base.plain import plain
from dashboard.parts.buttons import action_button
from dashboard.parts.errors import error_box, problem_list
from dashboard.parts.inputs import inputs_form, resolved
from engine.base.json_text import JsonObject
from engine.base.problem import Problem
from engine.base.services import is_for
from engine.plugins.registry import trigger_type
from engine.plugins.step_info import TriggerTypeInfo

if TYPE_CHECKING:
    from engine.workflows.workflow_files import WorkflowFile

_DEFAULT = N_("its default")
_NEW_MESSAGE, _SUBJECT, _SCHEDULE = ".new_message", "subject", "schedule"
_SCALARS = ("string", "integer", "number", "boolean")


@dialog(N_("Add a trigger"), icon=":material/sensors:", width="medium")
def new_trigger(visit: Visit, file: WorkflowFile) -> None:
    """Ask what starts the workflow, and write it into its file; it is turned on separately."""
    kinds = {kind.name: kind for kind in _types(visit)}
    chosen = st.selectbox(
        t("What starts it?"), list(kinds), format_func=lambda name: kinds[name].title, key="trigger-uses"
    )
    kind = kinds[chosen]
    st.caption(plain(kind.description.splitlines()[0]))
    document = dict(file.document or {})
    values, errors = inputs_form(kind.fields_schema, f"trigger-{chosen}", lambda _format: [])
    for error in errors:
        error_box(error)
    block: dict[str, Any] = {"id": _id(chosen, document), "uses": chosen}
    connection = _connection(visit, kind)
    if connection is not None:
        block["connection"] = connection
    block["with"] = _beside_defaults(values, kind.fields_schema)
    block["inputs"] = _mapping(document.get("inputs") or {}, kind)
    others = document.get("triggers", [])
    text = json.dumps({**document, "triggers": [*others, block]}, ensure_ascii=False)
    problems = _problems(visit, file, text)
    _show_problems(problems, {f"triggers.{len(others)}.with.{place}" for place in _empty(values, kind.fields_schema)})

    def add(_key: str) -> WorkflowFile:
        return visit.orchestra.workflows.save(visit.who, file.name, text, file.etag)

    is_ready = not errors and not problems
    action_button(
        t("Add"),
        "trigger-add",
        add,
        lambda _file: _added(block["id"]),
        scope=text,
        type="primary",
        disabled=not is_ready,
    )


def _types(visit: Visit) -> list[TriggerTypeInfo]:
    """Return the types of triggers: first new mail and schedules, last those without a connection that they need."""
    known = {one.service for one in visit.orchestra.connections.list(visit.who)}

    def place(kind: TriggerTypeInfo) -> tuple[bool, int]:
        needs_none = kind.service is None or trigger_type(kind.name).connection_optional
        is_mail = kind.name.endswith(_NEW_MESSAGE) and _SUBJECT in kind.item_schema.get("properties", {})
        is_usable = needs_none or any(is_for(one, kind.service) for one in known)
        return not is_usable, 0 if is_mail else 1 if kind.name == _SCHEDULE else 2

    return sorted((one for one in visit.orchestra.trigger_types(visit.who) if one.is_watched), key=place)


def _beside_defaults(values: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a file has to state: what is watched, and all values that differ from their defaults."""
    differing = _differing(values, schema)
    return {
        name: differing.get(name, value)
        for name, value in values.items()
        if name in differing or isinstance(value, str)
    }


def _show_problems(problems: Sequence[Problem], empty: AbstractSet[str]) -> None:
    """Show the problems, or that required values are missing; `empty` are the places of such values."""
    others = [one for one in problems if one.code != "missing_field" and one.field not in empty]
    if others:
        problem_list(others)
    elif problems:
        st.caption(t("Fill in what is required; then you can add it."))


def _differing(values: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that differ from their defaults, also within lists of objects."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        one = resolved(schema.get("properties", {}).get(name, {}), schema.get("$defs", {}))
        if value != one.get("default"):
            items = one.get("items", {})
            is_list = isinstance(value, list)
            found[name] = [_differing_entry(each, items) for each in value] if is_list else value
    return found


def _differing_entry(value: Any, schema: Mapping[str, Any]) -> Any:
    return _differing(value, schema) if isinstance(value, Mapping) else value


def _empty(values: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    """Yield the places of required values that are not filled in yet, such as `fields.0.label`."""
    yield from (name for name in schema.get("required", []) if name not in values)
    for name, value in values.items():
        items = resolved(schema.get("properties", {}).get(name, {}), schema.get("$defs", {})).get("items", {})
        for number, one in enumerate(value if isinstance(value, list) else []):
            if isinstance(one, Mapping):
                yield from (f"{name}.{number}.{place}" for place in _empty(one, items))


def _connection(visit: Visit, kind: TriggerTypeInfo) -> str | None:
    """Return the connection to use, or None if there is no choice."""
    fitting = [one.name for one in visit.orchestra.connections.list(visit.who) if one.service == kind.service]
    return str(st.selectbox(t("Account"), fitting, key="trigger-connection")) if len(fitting) > 1 else None


def _mapping(inputs: JsonObject, kind: TriggerTypeInfo) -> dict[str, str]:
    """Ask what each input of the workflow gets from a new item; return the `inputs` of the trigger."""
    properties: JsonObject = inputs.get("properties") or {}
    if not properties:
        return {}
    st.markdown(t("**What a run receives**"))
    found: dict[str, str] = {}
    for name, schema in properties.items():
        offered = _offered(schema, kind)
        is_needed = name in inputs.get("required", []) and "default" not in schema
        options = list(offered) if is_needed else [t(_DEFAULT), *offered]
        label = plain(str(schema.get("title") or name))
        chosen = st.selectbox(label, options, key=f"trigger-input-{kind.name}-{name}") if options else None
        if chosen in offered:
            found[name] = offered[chosen]
    return found


def _offered(schema: Mapping[str, Any], kind: TriggerTypeInfo) -> dict[str, str]:
    """Return what may become an input of this schema: the label and the expression of each."""
    fields = {
        str(one.get("title") or name): (name, one.get("type"))
        for name, one in (kind.item_schema.get("properties") or {}).items()
        if one.get("type") in _SCALARS
    }
    wanted = schema.get("type", "string")
    if wanted == "array":
        inner = (schema.get("items") or {}).get("type", "string")
        return {
            t("a list of one: {title}", title=title): f"{{{{ [item.{name}] }}}}"
            for title, (name, kind_) in fields.items()
            if kind_ == inner
        }
    return {title: f"{{{{ item.{name} }}}}" for title, (name, kind_) in fields.items() if wanted in (kind_, "string")}


def _problems(visit: Visit, file: WorkflowFile, text: str) -> list[Problem]:
    """Return the problems of the trigger; problems elsewhere are shown in the Edit tab."""
    found = visit.orchestra.workflows.check(visit.who, file.name, text)
    return [one for one in found if one.severity == "error" and (one.field or "").startswith("triggers")]


def _id(uses: str, document: Mapping[str, Any]) -> str:
    """Ask for the name of the trigger in the file."""
    help_ = "Its name in the file and in commands: letters, digits and _. What it has seen is kept under this name."
    return st.text_input("Id", _free_id(uses, document), key=f"trigger-id-{uses}", help=help_).strip()


def _free_id(uses: str, document: Mapping[str, Any]) -> str:
    taken = {one.get("id") for one in document.get("triggers", []) if isinstance(one, Mapping)}
    wanted = uses.rpartition(".")[2] or uses
    return next(
        name for number in range(1, 100) if (name := wanted if number == 1 else f"{wanted}_{number}") not in taken
    )


def _added(name: str) -> None:
    session.tell(t("The trigger {name} is added. Turn it on to begin.", name=name))
    st.rerun()
