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

_TEXT = "The app crashes when I press Save. It has done so since Monday, on every machine here."
# The smallest picture there is.
_PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8ffff3f0005fe02fe0def46b8"
    "0000000049454e44ae426082"
)
_LABELS = {"bug": "It fails.", "task": "Work to do."}
_TOOL = {"name": "note", "description": "Keeps a note", "arguments": _SCHEMA}
# A server that refuses the schema is asked in words.
_IN_WORDS = {"422": None}

OPERATIONS = {
    "llm.chat": Operation(lambda _: {"messages": _ASKED}),
    "llm.extract": Operation(lambda _: {"messages": _ASKED, "schema": _SCHEMA}, differs=_IN_WORDS),
    "llm.classify": Operation(lambda _: {"text": _TEXT, "labels": _LABELS}, differs=_IN_WORDS),
    "llm.summarize": Operation(lambda _: {"text": _TEXT}),
    "llm.repair": Operation(lambda _: {"data": {"kind": 7}, "schema": _SCHEMA}, differs=_IN_WORDS),
    "rag.answer": Operation(
        lambda _: {"question": "When is lunch?", "passages": [{"document": "plan", "text": _TEXT}]}, differs=_IN_WORDS
    ),
    "llm.embed": Operation(lambda _: {"texts": [_TEXT, "Lunch?"]}),
    "llm.vision": Operation(lambda world: {"file": world.file(_PIXEL, "dot.png", "image/png")}),
    "llm.list_models": Operation(lambda _: {}),
    "agent.turn": Operation(lambda _: {"instructions": "Sort it.", "task": _TEXT, "tools": [_TOOL]}, differs=_IN_WORDS),
}
