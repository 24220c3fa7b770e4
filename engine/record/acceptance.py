"""Accept a run: fix its definition, check its inputs, and record which accounts it will use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import islice
from typing import Any

from msgspec import Struct, field

from clients.wording import did_you_mean, listed
from engine.base.definitions import RunDefinition
from engine.base.errors import InvalidInput
from engine.base.json_text import JsonObject, JsonSchema
from engine.base.statuses import AccountMode, Priority
from engine.compiler.definition.plan import Plan
from engine.documents.json_file import typed_value
from engine.documents.schema_check import misfits
from engine.expressions.json_values import compact_json
from engine.record.coercion import fitted
from engine.record.options import refuse_in_service
from engine.record.storable import unstorable
from engine.record.types.kind import options_of
from engine.record.types.run import (
    Acceptance,
    Caller,
    ConsentRecord,
    EnvironmentRecord,
    EstimateRecord,
    OutsideInput,
    Run,
    RunOptions,
    TriggerItem,
)
from engine.record.values import Values
from engine.store.blobs.blobs import Blobs
from engine.store.journal import JournalBroken


class AcceptanceContext(Struct, frozen=True):
    """Who starts a run, when, and with which accounts."""

    run_id: str
    started_by: str
    queued_at: str
    modes: Mapping[str, AccountMode]
    """By connection name, for the connections of the plan."""
    default_mode: AccountMode
    connections: Mapping[str, str]
    """The service of each connection of the workspace."""
    blobs: Blobs
    """For large inputs of the run."""
    origin_run_id: str | None = None
    parent_run_id: str | None = None
    caller: Caller | None = None
    """If a `workflow.run` step started the run: [workflow id, step path, scope …] of that step (Frame.caller)."""
    options: RunOptions = field(default_factory=RunOptions)
    """How it differs from a plain run (docs/files.md: Run): `receipts`, `replay`, `only`, `pins`."""
    confirmed: Sequence[str] = ()
    """What the person who starts it has just agreed to (engine/runs/starting/consent.py)."""
    agreed: ConsentRecord = field(default_factory=ConsentRecord)
    """For real accounts: everything agreed to at that time (`Consents.kept`)."""
    trigger: TriggerItem | None = None
    """If a trigger started the run: {id, source, account, item, title}, what it was started for."""
    outside_inputs: Sequence[OutsideInput] = ()
    """If a `workflow.run` step started the run: which of its inputs are text from outside."""
    changed_by: Sequence[str] = ()
    """If a `workflow.run` step started the run: who had let the runs above it continue with another definition."""
    estimate: EstimateRecord | None = None
    """What it is expected to cost."""
    priority: Priority = Priority.NORMAL


def is_demo(plan: Plan, modes: Mapping[str, AccountMode], default_mode: AccountMode) -> bool:
    """Return whether a run works on demo accounts alone; one that uses no account is what `default_mode` says."""
    used = [modes[name] for name in plan.connections]
    if plan.calls_openly or not used:
        used.append(default_mode)
    return all(mode == AccountMode.DEMO for mode in used)


def acceptance(plan: Plan, inputs: JsonObject, around: AcceptanceContext) -> Acceptance:
    """Return everything about a run that never changes, as JSON; large inputs are then on disk.

    Raises InvalidInput, StorageError.
    """
    refuse_in_service(around.options, around.started_by, around.caller)
    used = {name: around.connections[name] for name in plan.connections}
    return {
        "run_id": around.run_id,
        "workflow": plan.name,
        "workflow_hash": plan.definition_hash,
        "demo": is_demo(plan, around.modes, around.default_mode),
        "started_by": around.started_by,
        "origin_run_id": around.origin_run_id,
        "parent_run_id": around.parent_run_id,
        "queued_at": around.queued_at,
        "inputs": kept_inputs(plan, inputs, Values(around.blobs, around.run_id)),
        "definition": plan.definition,
        "environment": environment_of(plan.name, plan.definition),
        "accounts": {name: {"service": service, "mode": around.modes[name]} for name, service in used.items()},
        "modes": dict(around.modes),
        "default_mode": around.default_mode,
        "connections": dict(around.connections),
        "priority": around.priority,
        "caller": list(around.caller) if around.caller is not None else None,
        "options": around.options,
        "trigger": around.trigger,
        "estimate": around.estimate,
        "confirmed": list(around.confirmed),
        "agreed": around.agreed,
        "outside_inputs": list(around.outside_inputs),
        "changed_by": list(around.changed_by),
    }


def environment_of(workflow: str, definition: RunDefinition) -> EnvironmentRecord | None:
    """Return the environment of a run of this workflow; None if the workspace had none."""
    kept = definition.get("environment")
    if kept is None:
        return None
    version = kept["versions"].get(workflow, "current")
    return {"name": kept["name"], "version": version, "connections": kept["connections"]}


def kept_inputs(plan: Plan, inputs: JsonObject, values: Values) -> dict[str, Any]:
    """Return the inputs, checked and with defaults, large values on disk. Raises InvalidInput, StorageError."""
    filled = checked_inputs(plan, inputs)
    try:
        return dict(values.written(values.kept_fields(filled)))
    except JournalBroken as broken:  # nothing has started yet: report it as an ordinary error
        raise broken.error from None


def reaccepted(run: Run, connections: Mapping[str, str]) -> Acceptance:
    """Return the acceptance of a run from its document: same definition, same accounts."""
    accounts = run["accounts"].items()
    return {
        "run_id": run["run_id"],
        "workflow": run["workflow"],
        "workflow_hash": run["workflow_hash"],
        "demo": run["demo"],
        "started_by": run["started_by"],
        "origin_run_id": run["origin_run_id"],
        "parent_run_id": run["parent_run_id"],
        "queued_at": run["queued_at"],
        "inputs": run["inputs"],
        "definition": run["definition"],
        "environment": environment_of(run["workflow"], run["definition"]),
        "accounts": run["accounts"],
        "priority": run.get("priority", Priority.NORMAL),
        "caller": run.get("caller"),
        "options": options_of(run),
        "trigger": run.get("trigger"),
        "estimate": run.get("estimate"),
        "confirmed": run.get("confirmed", []),
        "outside_inputs": run.get("outside_inputs", []),
        "changed_by": run.get("changed_by", []),
        "modes": {name: one["mode"] for name, one in accounts},
        "default_mode": AccountMode.DEMO if run["demo"] else AccountMode.MINE,
        "connections": {**connections, **{name: one["service"] for name, one in accounts}},
    }


def checked_inputs(plan: Plan, inputs: JsonObject) -> dict[str, Any]:
    """Return the inputs with defaults filled in. Raises InvalidInput that names each wrong input."""
    schema = plan.inputs_schema
    properties: Mapping[str, JsonSchema] = schema.get("properties", {})
    wrong = _unknown([name for name in inputs if name not in properties], properties)
    wrong += [f"The input {name!r} is missing." for name in schema.get("required", []) if name not in inputs]
    filled = {name: one["default"] for name, one in properties.items() if "default" in one}
    filled.update({name: value for name, value in inputs.items() if name in properties})
    wrong += [message for name, value in filled.items() for message in _misfits(name, value, properties[name])]
    if wrong:
        raise InvalidInput(" ".join(wrong), remedy=_described(schema))
    return {name: fitted(value, properties[name]) for name, value in filled.items()}


def _described(schema: JsonSchema) -> str:
    """Describe the inputs, each with its type and whether it is required."""
    properties: Mapping[str, JsonSchema] = schema.get("properties", {})
    if not properties:
        return "Leave them out: the workflow takes no inputs."
    required = schema.get("required", [])
    shown = [f"{name} ({_type_of(one)}{', required' * (name in required)})" for name, one in properties.items()]
    return f"Its inputs are: {listed(shown)}."


def _type_of(schema: JsonSchema) -> str:
    choices = schema.get("enum")
    if isinstance(choices, list):
        return f"one of {listed([compact_json(one) for one in choices])}"
    kinds = schema.get("type", "anything")
    return kinds if isinstance(kinds, str) else " or ".join(map(str, kinds))


def _unknown(names: Sequence[str], properties: Mapping[str, JsonSchema]) -> list[str]:
    known = list(properties)
    said = [
        f"There is no input {name[:_SHOWN]!r}. {did_you_mean(name, known)}".rstrip() for name in names[:_MOST_NAMED]
    ]
    return said if len(names) <= _MOST_NAMED else [*said, f"Nor are there {len(names) - _MOST_NAMED:,} others."]


def _misfits(name: str, value: Any, schema: JsonSchema) -> list[str]:
    found = [f"The input {name!r} does not fit: {misfit}" for misfit in islice(misfits(value, schema), 3)]
    return found or [f"The input {name!r} {said}" for said in unstorable(value)]


_SHOWN = 200  # characters of what somebody gave
_MOST_NAMED = 10  # unknown inputs; of the others, only the number is given


_TYPES: Mapping[type, AbstractSet[str]] = {
    str: {"string"},
    bool: {"boolean"},
    int: {"integer", "number"},
    float: {"number", "integer"},
    list: {"array"},
    dict: {"object"},
    type(None): {"null"},
}
"""The types of a schema that fit a value of each type; 3.0 is an integer, too."""


def _types(schema: object) -> list[str]:
    """Return the types that a schema names; a schema without types is for texts."""
    named = schema.get("type", "string") if isinstance(schema, Mapping) else "string"
    return [named] if isinstance(named, str) else [*named]


def from_text(name: str, text: str, schema: JsonSchema, of: str = "input") -> Any:
    """Return the typed value of an input (or of what `of` names), converted as its schema requires.

    Raises InvalidInput. Text stays text; everything else is JSON. A value that may be a text is one, unless it is JSON
    of another type that is allowed, such as null. A list may be written as its items, separated by commas.
    """
    types = _types(schema)
    if types == ["string"]:
        return text
    if types == ["array"] and not text.lstrip().startswith("["):
        if "string" in _types(schema.get("items")):
            return [part.strip() for part in text.split(",") if part.strip()]
        text = f"[{text}]"
    try:
        value = typed_value(text, f"The {of} {name!r}")
        return text if "string" in types and not _TYPES[type(value)] & {*types} else value
    except InvalidInput as error:
        if "string" in types:
            return text
        raise InvalidInput(
            f"The {of} {name!r} is {text[:_SHOWN]!r}, and it must be of type {' or '.join(types)}.",
            remedy=f"Write it as JSON, like 25 or true. {error.message} {error.remedy}",
        ) from error
