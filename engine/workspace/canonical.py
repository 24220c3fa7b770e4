"""The canonical form of each kind of file, so that a diff shows only what was changed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Literal

from msgspec import Struct, field

from clients.in_workspace.levels import LEVELS_MOST, is_deep
from engine.base.errors import InvalidInput

Kind = Literal["workflow", "prompt", "agent", "case", "layout"]
WIDTH = 88
"""A list of plain values is written on one line if it ends before this column."""
_UNIT = "  "


class WrittenNumber(Struct, frozen=True):
    """A number as a file has it, with digits that no float holds."""

    text: str


class KeyOrder(Struct):
    """The order of an object's keys and the forms of its values; other keys follow in their given order."""

    keys: tuple[str, ...] = ()
    inside: dict[str, KeyOrder] = field(default_factory=dict)
    each: KeyOrder | None = None
    """The form of every item of a list, or of every value of a map of names."""
    one_line_each: bool = False
    """Whether each item of a list is written on a line of its own."""


_PLAIN = KeyOrder()
# JSON Schema (inputs, variables, output_schema).
_SCHEMA = KeyOrder((
    "$ref", "type", "items", "title", "description", "format", "enum", "const", "minimum", "maximum", "minLength",
    "maxLength", "pattern", "minItems", "maxItems", "required", "additionalProperties", "properties", "default",
))  # fmt: skip
_SCHEMA.inside = {
    "items": _SCHEMA,
    "additionalProperties": _SCHEMA,
    "properties": KeyOrder(each=_SCHEMA),
    "anyOf": KeyOrder(each=_SCHEMA),
    "oneOf": KeyOrder(each=_SCHEMA),
}
_APPROVAL = KeyOrder(("when", "by", "expires_after", "on_expiry"))


@cache
def _workflow() -> KeyOrder:
    from engine.compiler.definition.step_model import STEP_FIELDS  # most commands write no workflow

    step = KeyOrder(tuple(STEP_FIELDS))
    steps = KeyOrder(each=step)
    step.inside = {
        "approve": _APPROVAL,
        "rules": KeyOrder(each=KeyOrder(("from", "list", "subject_is", "subject_contains", "answer", "note"))),
        "retry": KeyOrder(("attempts", "backoff_seconds", "on")),
        "on_error": KeyOrder(("steps",), {"steps": steps}),
        "steps": steps,
    }
    return KeyOrder(
        (
            "schema_version", "id", "title", "description", "inputs", "triggers", "concurrency", "priority", "allow",
            "links", "privacy", "expose", "timeout_seconds", "access", "approvals", "budget", "steps", "outputs",
            "on_failure",
        ),
        {
            "inputs": _SCHEMA,
            "triggers": KeyOrder(
                each=KeyOrder(("id", "title", "uses", "connection", "poll_seconds", "with", "inputs"))
            ),
            "access": KeyOrder(("see", "run", "edit", "approve")),
            "approvals": KeyOrder(each=_APPROVAL),
            "steps": steps,
            "on_failure": KeyOrder(("steps",), {"steps": steps}, step),
        },
    )  # fmt: skip


_ASSERTIONS = KeyOrder(each=KeyOrder(("type", "field", "criterion", "pattern", "schema", "value")))
_PROMPT = KeyOrder(
    (
        "schema_version", "title", "description", "tags", "labels", "protected", "model", "pass_at_least",
        "sure_at_least", "examples", "parameters", "variables", "messages", "output_schema", "assertions", "samples",
        "fragments", "moves",
    ),
    {
        "variables": KeyOrder(each=_SCHEMA),
        "messages": KeyOrder(each=KeyOrder(("role", "content"), {"content": KeyOrder(one_line_each=True)})),
        "output_schema": _SCHEMA,
        "assertions": _ASSERTIONS,
        "samples": KeyOrder(each=KeyOrder(("name", "variables"))),
        "moves": KeyOrder(each=KeyOrder(("label", "version", "by", "at", "reason", "cases", "demo"))),
    },
)  # fmt: skip
_AGENT = KeyOrder(
    (
        "schema_version", "title", "description", "instructions", "connection", "model", "temperature", "variables",
        "tools", "limits", "on_limit", "output",
    ),
    {
        "variables": KeyOrder(each=_SCHEMA),
        "tools": KeyOrder(
            each=KeyOrder(
                (
                    "name", "description", "uses", "connection", "with", "give", "choose_from", "plain_text", "approve",
                )
            )
        ),
        "limits": KeyOrder(("turns", "tokens", "dollars", "seconds")),
        "output": _SCHEMA,
    },
)  # fmt: skip
_CASE = KeyOrder(
    ("name", "variables", "answer", "assertions"),
    {"assertions": _ASSERTIONS},
)
_LAYOUT = KeyOrder(("schema_version", "positions", "looks"))
_FORMS: Mapping[Kind, KeyOrder] = {"prompt": _PROMPT, "agent": _AGENT, "case": _CASE, "layout": _LAYOUT}


def _form(kind: Kind) -> KeyOrder:
    return _workflow() if kind == "workflow" else _FORMS[kind]


def as_written(text: str) -> str:
    """Return a text as a person wrote it, with one line break at the end: saving changes nothing else."""
    kept = text.rstrip()
    is_of_windows = text[len(kept) :].startswith("\r\n") or ("\r\n" in kept and kept == text)
    return f"{kept}\r\n" if is_of_windows else f"{kept}\n"


def canonical(document: Any, kind: Kind) -> str:
    """Return the text of a document: fixed key order, two spaces, one field per line, a newline at the end.

    The value stays equal, and a WrittenNumber in it as it is. Raises InvalidInput if it is nested deeper than the JSON
    reader reads.
    """
    if is_deep(document):
        raise InvalidInput(
            f"The {kind} is nested deeper than {LEVELS_MOST} levels.", remedy="Put less inside each other."
        )
    return _written(document, _form(kind), "", _UNIT) + "\n"


def form_at(kind: Kind, path: Sequence[str | int]) -> KeyOrder:
    """Return the form of the value at a path of a document."""
    form = _form(kind)
    for part in path:
        form = (form.inside.get(part) if isinstance(part, str) else None) or form.each or _PLAIN
    return form


def fragment(value: Any, form: KeyOrder, indent: str = "", unit: str = _UNIT) -> str:
    """Return the text of a part of a document whose first line is indented by `indent`, and each level by `unit`."""
    return _written(value, form, indent, unit)


def _written(value: Any, form: KeyOrder, indent: str, unit: str) -> str:
    if isinstance(value, dict) and value:
        return _object(value, form, indent, unit)
    if isinstance(value, list) and value:
        return _list(value, form, indent, unit)
    return _scalar(value)


def _object(value: Mapping[str, Any], form: KeyOrder, indent: str, unit: str) -> str:
    deeper = indent + unit
    lines = []
    for key in _ordered(value, form.keys):
        inner = form.inside.get(key) or form.each or _PLAIN
        lines.append(f"{deeper}{_scalar(key)}: {_written(value[key], inner, deeper, unit)}")
    return "{\n" + ",\n".join(lines) + f"\n{indent}}}"


def _ordered(value: Mapping[str, Any], keys: tuple[str, ...]) -> list[str]:
    known = [key for key in keys if key in value]
    return known + [key for key in value if key not in keys]


def _list(value: list[Any], form: KeyOrder, indent: str, unit: str) -> str:
    if not form.one_line_each and not any(isinstance(item, dict | list) for item in value):
        line = f"[{', '.join(_scalar(item) for item in value)}]"
        if len(indent) + len(line) < WIDTH:
            return line
    deeper = indent + unit
    items = (deeper + _written(item, form.each or _PLAIN, deeper, unit) for item in value)
    return "[\n" + ",\n".join(items) + f"\n{indent}]"


def _scalar(value: Any) -> str:
    return value.text if isinstance(value, WrittenNumber) else json.dumps(value, ensure_ascii=False)
