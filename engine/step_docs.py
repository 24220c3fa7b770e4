"""Generate `docs/steps.md` from the step types: `python -m engine.step_docs > docs/steps.md`."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from clients.limits.text_limit import TextLimit
from engine.base.json_text import JsonSchema
from engine.base.services import is_for, services
from engine.compiler.definition.step_model import STEP_FIELDS, step_schema
from engine.expressions.json_values import compact_json
from engine.plugins.registry import step_types
from engine.plugins.step import Effect, Repeat, Role, StepType, fields_schema

_HEAD = """# Step types

Each step of a workflow that does something names its type in `uses` and fills the type's fields in `with`.
This page is written from the types themselves (`python -m engine.step_docs > docs/steps.md`); a test fails when it is
out of date.

- **Every step** has an `id`, and `uses` or `steps`; the table [below](#every-step) has all its keys.
- **Fields.** "Takes" says what a field means to somebody who must trust the workflow: `content` may hold text from
  outside (a mail, an issue, a page, an answer of a model), `destination` decides where something goes or what is read,
  `instruction` tells a model what to do, `option` is anything else. In a field with `Markdown`, links of strangers
  [become text](trust.md#links-images-and-hidden-characters); in one with `commit`, their mentions do. A field
  without a default must be given. Where a service has a limit on the length of a text, the type says so: a longer text
  is sent in several messages or shortened, which `fitted` in the output, a note of the run and the plan say.
- **Output.** What later steps see as `steps.<id>.output`. "From outside" marks text that somebody else wrote.
- **Writes.** [Effects](architecture.md#a-write-happens-once) says what happens when the answer to a write gets lost,
  [Undo](operations.md#undo) how a run is undone, [Approvals](trust.md#approvals) which of them wait for a person.
"""
_REPEATS = {
    Repeat.SAFE: "sending the same write twice changes nothing more, so it may be sent again",
    Repeat.FINDABLE: "if the answer is lost, it is looked up in the service before it is sent again",
    Repeat.UNFINDABLE: "it cannot be looked up, so if the answer is lost, a person decides",
}
_KINDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "object": "object",
    "null": "null",
}
_LIMITS = {"minimum": "at least", "maximum": "at most", "minLength": "length at least", "minItems": "items at least"}
_USUAL_TIMEOUT_SECONDS = 60.0


def steps_page() -> str:
    """Return the whole page as Markdown."""
    every = step_types()
    families = sorted({name.partition(".")[0] for name in every})
    parts = [_HEAD, _every_step(), "## Types\n", _contents(every)]
    for family in families:
        parts.append(f"## {family}\n")
        parts += [_section(kind) for name, kind in every.items() if name.partition(".")[0] == family]
    return "\n".join(parts)


def _every_step() -> str:
    root = step_schema()
    lines = ["## Every step\n", "| Key | Label | Type | Default | Meaning |", "| --- | --- | --- | --- | --- |"]
    return "\n".join([*lines, *_key_rows(root, root, ""), ""])


def _key_rows(schema: JsonSchema, root: JsonSchema, prefix: str) -> Iterator[str]:
    """Yield a table row for each key of a step, and for those of the objects inside."""
    for name, field in schema["properties"].items():
        declared = STEP_FIELDS.get(f"{prefix}{name}")
        what = [field.get("description", ""), declared.details if declared else ""]
        cells = [field["title"], type_words(field, root), _code(field.get("default")), " ".join(filter(None, what))]
        yield f"| `{prefix}{name}` | {' | '.join(cells)} |"
        for inner in [field, *field.get("oneOf", ())]:
            if "$ref" in inner:
                yield from _key_rows(_resolved(inner, root), root, f"{prefix}{name}.")


def _contents(every: Mapping[str, StepType]) -> str:
    rows = [
        f"| [`{name}`](#{name.replace('.', '')}) | {kind.title} | {_effect(kind)} |" for name, kind in every.items()
    ]
    return "\n".join(["| Type | What it does | Effect |", "| --- | --- | --- |", *rows, ""])


def _effect(kind: StepType) -> str:
    if kind.effect is Effect.WRITES:
        return f"writes, {kind.repeat}"
    return {Effect.PURE: "nothing outside", Effect.READS: "reads"}[kind.effect]


def _section(kind: StepType) -> str:
    fields = fields_schema(kind.fields)
    output = kind.output_schema({}, {})
    lines = [f"### `{kind.name}`\n", f"**{kind.title}.** {inspect.getdoc(type(kind)) or ''}\n"]
    lines += [*_facts(kind), ""]
    lines += [f"{fields.get('description', '')}\n", *_fields_table(list(field_rows(fields))), ""]
    rows = list(output_rows(output, output, ""))
    if rows:
        lines += [
            f"{output.get('description', '')}\n",
            "| Output | Type | From outside |",
            "| --- | --- | --- |",
            *rows,
            "",
        ]
    else:
        lines += ["The output depends on the fields.", ""]
    return "\n".join(lines)


def _fields_table(rows: list[str]) -> list[str]:
    if not rows:
        return ["It has no fields."]
    return ["| Field | Type | Default | Takes | What |", "| --- | --- | --- | --- | --- |", *rows]


def _facts(kind: StepType) -> Iterator[str]:
    if kind.service is not None:
        known = " or ".join(f"`{one.name}`" for one in services() if is_for(one.name, kind.service))
        yield f"- {'May use' if kind.connection_optional else 'Needs'} a connection to {known}."
    if kind.effect is Effect.WRITES and kind.repeat is not None:
        yield f"- Writes ({kind.repeat}): {_REPEATS[kind.repeat]}."
        if kind.approval == "always":
            yield "- A person approves each write first, unless a rule says otherwise."
        yield f"- Undo: {_undo(kind)}."
        if kind.updates:
            yield "- A rerun with `--update` updates what it wrote before."
    else:
        yield f"- {'Reads only' if kind.effect is Effect.READS else 'Touches nothing outside'}."
    if kind.timeout_seconds != _USUAL_TIMEOUT_SECONDS:
        yield f"- One attempt may take {kind.timeout_seconds:g} seconds, unless `timeout_seconds` says otherwise."


def _undo(kind: StepType) -> str:
    """Return what undoing a run does to a write of this type."""
    if not kind.undoes:
        return f"not possible. {kind.lasts.removesuffix('.')}"
    return f"{kind.undoes}. What stays: {kind.stays}" if kind.stays else kind.undoes


_MARKUPS = {"": "", "markdown": ", Markdown", "commit": ", commit"}
"""How the service reads a field."""


def field_rows(schema: JsonSchema) -> Iterator[str]:
    """Yield a table row for each field: name, type, default, role, title."""
    required = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        default = "required" if name in required else _code(field.get("default"))
        role = field.get("role", Role.OPTION) + _MARKUPS[field.get("markup", "")]
        kind = type_words(field, schema)
        limit = f" (at most {TextLimit(**field['limit']).words})" if "limit" in field else ""
        yield f"| `{name}` | {kind}{limit} | {default} | {role} | {field.get('title', '')} |"


def _code(value: Any) -> str:
    return "" if value in (None, "", [], {}) else f"`{compact_json(value)}`"


def output_rows(schema: JsonSchema, root: JsonSchema, prefix: str) -> Iterator[str]:
    """Yield a table row for each field of an output, nested ones included: name, type, from outside."""
    for name, field in _resolved(schema, root).get("properties", {}).items():
        inner = _resolved(field, root)
        is_list = inner.get("type") == "array"
        within = _resolved(inner.get("items", {}), root) if is_list else inner
        yield f"| `{prefix}{name}` | {type_words(field, root)} | {'yes' if field.get('outside') else ''} |"
        if "properties" in within:
            yield from output_rows(within, root, f"{prefix}{name}{'[]' if is_list else ''}.")


def type_words(schema: JsonSchema, root: JsonSchema) -> str:
    """Return the type of a value in plain words, e.g. "list of text" or "one of `open`, `closed`"."""
    schema = _resolved(schema, root)
    if "enum" in schema:
        return "one of " + ", ".join(f"`{value}`" for value in schema["enum"])
    options: Sequence[JsonSchema] = schema.get("anyOf") or schema.get("oneOf") or ()
    if options:
        return " or ".join(dict.fromkeys(type_words(option, root) for option in options))
    if schema.get("type") == "array":
        return f"list of {type_words(schema.get('items', {}), root)}{_limits(schema)}"
    word = _KINDS.get(str(schema.get("type")), "anything")
    if schema.get("format") == "date-time":
        word = "time with offset (RFC 3339)"
    return word + _limits(schema)


def _limits(schema: JsonSchema) -> str:
    known = {key: schema[key] for key in _LIMITS if key in schema and (key, schema[key]) not in _PLAIN}
    found = [f"{_LIMITS[key]} {int(value) if value == int(value) else value}" for key, value in known.items()]
    return f" ({', '.join(found)})" if found else ""


_PLAIN = {("minLength", 1)}
"""Limits too obvious to mention: a required text is not empty."""


def _resolved(schema: JsonSchema, root: JsonSchema) -> JsonSchema:
    reference = schema.get("$ref")
    if not isinstance(reference, str):
        return schema
    found: JsonSchema = root["$defs"][reference.rpartition("/")[2]]
    return found


if __name__ == "__main__":
    sys.stdout.write(steps_page())
