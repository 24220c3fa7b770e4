"""Derives the inputs of a workflow, and what a trigger gives them, from the body of a delivery."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MOST_INPUTS = 40
_DEEPEST = 3
_LONGEST_NAME = 64
_MEMBER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RESERVED = frozenset(
    {
        *("true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if", "import"),
        *("let", "loop", "package", "namespace", "return", "var", "void", "while"),
    }
)
"""Words that CEL keeps for itself: no member can be selected by them."""
_EMPTY: Mapping[str, tuple[Any, str]] = {
    "string": ("", '""'),
    "number": (0, "0.0"),
    "boolean": (False, "false"),
    "array": ([], "[]"),
    "object": ({}, "{}"),
}


@dataclass(frozen=True)
class HookInputs:
    """Inputs made from a delivery."""

    inputs: dict[str, Any]
    """The `inputs` of the workflow: those that it has, and the new ones."""
    mapping: dict[str, str]
    """The `inputs` of the trigger."""
    left_out: list[str]
    """Members of the body of which none was made: their names cannot be used in expressions, are taken, or are
    too many."""
    operations: list[dict[str, Any]]
    """What changes in the file, for `POST /api/workflows/{name}/operations`."""


def inputs_from(body: Any, document: Mapping[str, Any], trigger: str) -> HookInputs:
    """Return the inputs for a body; what the file says already of an input or of what it gets stays."""
    found = list(_members(body, ()))
    left_out: list[str] = []
    known: Mapping[str, Any] = document.get("inputs") or {}
    properties: dict[str, Any] = dict(known.get("properties") or {})
    triggers: Sequence[Any] = document.get("triggers") or []
    index = next((number for number, one in enumerate(triggers) if one.get("id") == trigger), 0)
    mapping: dict[str, str] = dict(triggers[index].get("inputs") or {}) if triggers else {}
    made = set[str]()
    for path, value in found:
        name = "_".join(path)
        is_usable = len(name) <= _LONGEST_NAME and all(_MEMBER.fullmatch(one) and one not in _RESERVED for one in path)
        if len(made) >= MOST_INPUTS or not is_usable or name in made:
            left_out.append(".".join(path))
            continue
        kind = _kind(value)
        empty, written = _EMPTY[kind]
        properties.setdefault(name, {"type": kind, "title": _title(path), "default": empty})
        mapping.setdefault(name, f"{{{{ default(item.body.{'.'.join(path)}, {written}) }}}}")
        made.add(name)
    inputs = {"type": "object", **known, "properties": properties}
    operations: list[dict[str, Any]] = [
        {"op": "set", "field": "inputs", "value": inputs},
        {"op": "set", "field": ["triggers", index, "inputs"], "value": mapping},
    ]
    return HookInputs(inputs, mapping, left_out, operations)


def _members(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield (path, value) of what becomes an input: objects are opened, lists are not."""
    for name, one in value.items() if isinstance(value, dict) else ():
        if isinstance(one, dict) and one and len(path) + 1 < _DEEPEST:
            yield from _members(one, (*path, str(name)))
        else:
            yield (*path, str(name)), one


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "array" if isinstance(value, list) else "object" if isinstance(value, dict) else "string"


def _title(path: Sequence[str]) -> str:
    words = " ".join(path).replace("_", " ").strip()
    return words[:1].upper() + words[1:]
