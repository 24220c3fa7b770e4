"""How each step type that asks a model is run in the fault matrix."""

from __future__ import annotations

from tests.operations.world import Operation

_ASKED = [{"role": "user", "content": "The app crashes when I press Save. Is this a bug?"}]
_SCHEMA = {
    "type": "object",
    "properties": {"kind": {"type": "string", "enum": ["bug", "task"]}},
    "required": ["kind"],
    "additionalProperties": False,
}

OPERATIONS = {
    "llm.chat": Operation(lambda _: {"messages": _ASKED}),
    # A server that refuses the schema is asked in words.
    "llm.extract": Operation(lambda _: {"messages": _ASKED, "schema": _SCHEMA}, differs={"422": None}),
}
