"""Check the tools of an agent: the model may fill words, but neither destinations nor instructions on its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from clients.wording import did_you_mean
from engine.agents.agent_file import AgentModel, ToolModel
from engine.base.errors import OrchestraError
from engine.expressions.cel_types import Schema, resolved, within
from engine.plugins.registry import step_type
from engine.plugins.step import Role, StepType, fields_schema
from engine.prompts.model_answers import schema_problem

_STRICT = (Role.DESTINATION, Role.INSTRUCTION)
_NO_TOOLS = ("agent.turn", "agent.ask", "agent.result", "workflow.run")
_OURS = ("role", "format", "widget", "markup", "names", "outside", "limit", "drops_empty")
"""Keywords of our field schemas that mean nothing to a model."""


class ToolFault(Struct, frozen=True):
    """What is wrong at a place of an agent's file."""

    path: tuple[str | int, ...]
    message: str
    remedy: str
    code: str = "agent_tool"


def tool_faults(agent: AgentModel) -> Iterator[ToolFault]:
    """Yield what is wrong with the tools and schemas of an agent."""
    if agent.output is not None and (wrong := schema_problem(agent.output)):
        yield ToolFault(("output",), wrong, "Correct the JSON Schema.")
    yield from _variable_faults(agent.variables)
    seen: set[str] = set()
    for index, tool in enumerate(agent.tools):
        place = ("tools", index)
        if tool.name in seen:
            yield ToolFault((*place, "name"), f"There are two tools {tool.name!r}.", "Give one of them another name.")
        seen.add(tool.name)
        yield from _of_tool(place, tool)


def is_usable(uses: str) -> bool:
    """Return whether a step type can be a tool."""
    return uses not in _NO_TOOLS and not uses.startswith("flow.")


def _variable_faults(variables: Mapping[str, Any]) -> Iterator[ToolFault]:
    if variables.get("type") == "object" and isinstance(variables.get("properties"), Mapping):
        said = "'variables' has the JSON Schema of each variable by its name, not one for all of them."
        yield ToolFault(("variables",), said, "Write what stands under 'properties' itself.", "variables")
        return
    for name, schema in variables.items():
        if wrong := schema_problem(schema):
            remedy = 'Write a JSON Schema, such as {"type": "string"}.'
            yield ToolFault(("variables", name), f"The variable {name!r}: {wrong}", remedy, "variables")


def _of_tool(place: tuple[str | int, ...], tool: ToolModel) -> Iterator[ToolFault]:
    try:
        kind = step_type(tool.uses)
    except OrchestraError as error:
        yield ToolFault((*place, "uses"), error.message, error.remedy, "unknown_step_type")
        return
    if not is_usable(kind.name):
        yield ToolFault((*place, "uses"), f"{kind.name} cannot be a tool.", "Name a step type that does something.")
        return
    known = [*fields_schema(kind.fields).get("properties", {})]
    for where, names in (("with", [*tool.with_]), ("give", tool.give)):
        for number, name in enumerate(names):
            if name not in known:
                remedy = did_you_mean(name, known) or f"There are: {', '.join(known)}."
                at = name if where == "with" else number
                yield ToolFault((*place, where, at), f"{kind.name} has no field {name!r}.", remedy, "unknown_field")
    yield from _of_given(place, tool, kind)


def _of_given(place: tuple[str | int, ...], tool: ToolModel, kind: StepType) -> Iterator[ToolFault]:
    for number, name in enumerate(tool.give):
        at = (*place, "give", number)
        if name in tool.with_:
            said = f"The field {name!r} is fixed in 'with' and given to the model, too."
            yield ToolFault(at, said, "Take it out of one of the two.")
        is_chosen = name in tool.choose_from or tool.approve
        if not is_chosen and (role := strict_role(kind, name)):
            said = f"The model must not decide {name!r} of {kind.name}: it is of the role `{role}`."
            remedy = f"Fix it in 'with', list its values in 'choose_from', or write \"approve\": true on {tool.name!r}."
            yield ToolFault(at, said, remedy, "outside_destination")
    if tool.plain_text and (tool.plain_text not in tool.give or not _is_text(tool)):
        said = f"'plain_text' names {tool.plain_text!r}, which is not text that is given to the model."
        yield ToolFault((*place, "plain_text"), said, "Name a field of 'give' that is a text, or take it out.")
    for name, values in tool.choose_from.items():
        if name not in tool.give:
            remedy = did_you_mean(name, tool.give) or "Add it to 'give', or take it out."
            yield ToolFault((*place, "choose_from", name), f"{name!r} is not in 'give'.", remedy)
        elif not values or any("{{" in str(one) for one in values):
            said = f"'choose_from' of {name!r} needs one or more constant values."
            yield ToolFault((*place, "choose_from", name), said, "List the values themselves, without {{ }}.")


def strict_role(kind: StepType, name: str) -> str:
    """Return the role of a field that text from outside must not decide, or of a part of it; "" if it may."""
    schema = fields_schema(kind.fields)
    found = _roles(within(schema, schema.get("properties", {}).get(name)), 0)
    return next((one for one in found if one in _STRICT), "")


def _roles(schema: Schema, depth: int) -> Iterator[str]:
    schema = resolved(schema)
    yield str(schema.get("role", ""))
    inner = [*schema.get("properties", {}).values(), *schema.get("anyOf", ()), *schema.get("oneOf", ())]
    for one in [*inner, schema.get("items")] if depth < 6 else ():  # a schema may refer to itself
        if isinstance(one, dict):
            yield from _roles(within(schema, one), depth + 1)


def _is_text(tool: ToolModel) -> bool:
    schema = fields_schema(step_type(tool.uses).fields)
    one = resolved(within(schema, schema.get("properties", {}).get(tool.plain_text)))
    return one.get("type") == "string" and tool.plain_text not in tool.choose_from


def arguments_schema(tool: ToolModel) -> Schema:
    """Return the JSON Schema of the fields that the model fills; all of them are required."""
    schema = fields_schema(step_type(tool.uses).fields)
    fields = {name: _field(schema, schema.get("properties", {}).get(name), tool, name) for name in tool.give}
    return {"type": "object", "properties": fields, "required": [*tool.give], "additionalProperties": False}


def _field(schema: Schema, one: Schema, tool: ToolModel, name: str) -> Schema:
    found = _plain(resolved(within(schema, one)))
    if name in tool.choose_from:
        choice = {"enum": tool.choose_from[name]}
        found = {**found, "items": choice} if found.get("type") == "array" else {**choice, "title": name}
    return _with_own_definitions(found)


def _with_own_definitions(schema: Schema) -> Schema:
    """Return a schema with the definitions that it refers to alone: every turn of a model pays for each of them."""
    found = {key: value for key, value in schema.items() if key != "$defs"}
    ahead, known, own = [*_referred(found)], schema.get("$defs", {}), dict[str, Any]()
    while ahead:
        name = ahead.pop()
        if name in known and name not in own:
            own[name] = known[name]
            ahead += _referred(known[name])
    return {**found, "$defs": dict(sorted(own.items()))} if own else found


def _referred(schema: Any) -> Iterator[str]:
    """Yield the names of the definitions to which a schema refers."""
    if isinstance(schema, Mapping):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"].removeprefix("#/$defs/")
        schema = [*schema.values()]
    for one in schema if isinstance(schema, list) else ():
        yield from _referred(one)


def _plain(schema: Schema) -> Schema:
    return {key: value for key, value in schema.items() if key not in (*_OURS, "default")}
