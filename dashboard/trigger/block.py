"""The fields of a trigger in the file of a workflow: what it watches, and what a run receives of each item."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from dashboard.base.language import N_, t
from dashboard.base.page import Visit
from dashboard.base.plain import plain
from dashboard.parts.errors import error_box, problem_list
from dashboard.parts.inputs import inputs_form, resolved, with_defaults
from dashboard.trigger.words import SCHEDULE, schedule_words
from engine.base.json_text import JsonObject
from engine.base.problem import Problem
from engine.base.services import is_for
from engine.plugins.registry import trigger_type
from engine.plugins.step_info import TriggerTypeInfo

if TYPE_CHECKING:
    from engine.workflows.workflow_files import WorkflowFile

_DEFAULT = N_("its default")
_SCALARS = ("string", "integer", "number", "boolean")


@dataclass(frozen=True)
class TriggerSlot:
    """Where a trigger is in the list of its file, and what its widgets are called."""

    index: int
    key: str


@dataclass(frozen=True)
class TriggerText:
    """The text of the file with the trigger as it is filled in, and whether it can be saved."""

    text: str
    is_ready: bool


def entries(document: Mapping[str, Any]) -> list[Any]:
    """Return the triggers in the document of a workflow."""
    found = document.get("triggers")
    return found if isinstance(found, list) else []


def block_form(
    visit: Visit, file: WorkflowFile, kind: TriggerTypeInfo, place: TriggerSlot, begun: JsonObject
) -> TriggerText:
    """Show the fields of a trigger that are filled in as `begun`; all else in it, and in the file, stays as it is."""
    schema, given = kind.fields_schema, begun.get("with") or {}
    typed, errors = inputs_form(with_defaults(_in_words(schema), given), place.key, lambda _format: [])
    for error in errors:
        error_box(error)
    if kind.name == SCHEDULE:
        zone = visit.orchestra.triggers.time_zone(visit.who)
        st.caption(plain(schedule_words(typed, zone) or t("Times are in the time zone {zone}.", zone=zone)))
    properties = schema.get("properties", {})
    values = {n: one for n, one in typed.items() if one != "" or properties.get(n, {}).get("default") is not None}
    block = {**begun, "with": _stated(values, schema, begun.get("with"))}
    connection = _connection(visit, kind, begun, place.key)
    if connection is not None:
        block["connection"] = connection
    block["inputs"] = _mapping((file.document or {}).get("inputs") or {}, kind, begun.get("inputs") or {}, place.key)
    text = visit.orchestra.editing.applied_to(file.name, file.text, _operations(file, place.index, block)).text
    problems = _problems(visit, file, text)
    _show_problems(problems, {f"triggers.{place.index}.with.{empty}" for empty in _empty(values, schema)})
    return TriggerText(text, not errors and not problems)


def _in_words(schema: Any) -> Any:
    """Return a schema of ours with the titles and descriptions of its fields in the reader's language."""
    if isinstance(schema, list):
        return [_in_words(one) for one in schema]
    if not isinstance(schema, Mapping):
        return schema
    return {
        name: t(one) if name in ("title", "description") and isinstance(one, str) else _in_words(one)
        for name, one in schema.items()
    }


def _operations(file: WorkflowFile, index: int, block: JsonObject) -> list[JsonObject]:
    """Return the operations that put a trigger at its place: a new one as a whole, else the fields that change."""
    before = entries(file.document or {})
    if not before:
        return [{"op": "set", "field": "triggers", "value": [block]}]
    if index == len(before):
        return [{"op": "set", "field": ["triggers", index], "value": block}]
    return [
        {"op": "set", "field": ["triggers", index, name], "value": one}
        for name, one in block.items()
        if one or name in before[index]
    ]


def _stated(values: Mapping[str, Any], schema: Mapping[str, Any], before: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what a file has to state: what differs from the defaults, and what it states already.

    A new trigger (`before` is None) states all its texts: they say what is watched. An equal value is left as it is
    written: 0, and not 0.0.
    """
    differing, given = _differing(values, schema), before or {}
    return {
        name: given[name] if name in given and given[name] == value else differing.get(name, value)
        for name, value in values.items()
        if name in differing or name in given or (before is None and isinstance(value, str))
    }


def _show_problems(problems: Sequence[Problem], empty: AbstractSet[str]) -> None:
    """Show the problems, or that required values are missing; `empty` are the places of such values."""
    others = [one for one in problems if one.code != "missing_field" and one.field not in empty]
    if others:
        problem_list(others)
    elif problems:
        st.caption(t("Fill in what is required first."))


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


def _connection(visit: Visit, kind: TriggerTypeInfo, begun: JsonObject, key: str) -> str | None:
    """Return the connection to use, or None if there is no choice, or none is made.

    What the file says stays until a person chooses: nobody would see that an edit also gives it another account.
    """
    options = [one.name for one in visit.orchestra.connections.list(visit.who) if is_for(one.service, kind.service)]
    if len(options) < 2:
        return None
    now = None
    if (named := begun.get("connection")) is not None:
        options = options if named in options else [named, *options]
        now = options.index(named)
    elif "with" not in begun and not trigger_type(kind.name).connection_optional:
        now = 0  # a new one needs an account
    chosen = st.selectbox(t("Account"), options, now, key=f"{key}-connection", placeholder=t("none"))
    return None if chosen is None else str(chosen)


def _mapping(inputs: JsonObject, kind: TriggerTypeInfo, begun: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Ask what each input of the workflow gets from a new item; return the `inputs` of the trigger.

    What is there already and is not offered, such as an expression of its author, can be kept.
    """
    properties: JsonObject = inputs.get("properties") or {}
    if not properties:
        return {}
    st.markdown(t("**What a run receives**"))
    found: dict[str, Any] = {}
    for name, schema in properties.items():
        offered: dict[str, Any] = _offered(schema, kind)
        if name in begun and begun[name] not in offered.values():
            offered = {_shown(begun[name]): begun[name], **offered}
        is_needed = name in inputs.get("required", []) and "default" not in schema
        options = list(offered) if is_needed else [t(_DEFAULT), *offered]
        now = [label for label, one in offered.items() if name in begun and one == begun[name]]
        label = plain(str(schema.get("title") or name))
        index = options.index(now[0]) if now else 0
        chosen = st.selectbox(label, options, index, key=f"{key}-input-{name}") if options else None
        if chosen in offered:
            found[name] = offered[chosen]
    return found


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _offered(schema: Mapping[str, Any], kind: TriggerTypeInfo) -> dict[str, str]:
    """Return what may become an input of this schema: the label and the expression of each."""
    fields = {
        t(str(one.get("title") or name)): (name, one.get("type"))
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
