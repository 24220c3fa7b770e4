"""How the demo model plays an agent: it calls each tool once and asks nobody, or does what the task writes out."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from demo.model.builder import TOOLS, next_call
from demo.model.document import Document, text_of
from demo.model.filler import fill

WRITTEN = re.compile(r"^(?:CALL (?P<tool>\w+)|SAY) (?P<rest>.*)$", re.MULTILINE)
"""A line of a task: `CALL tool {"field": "value"}`, one for each turn; `SAY text` answers with that text."""
TURNS = "You work in turns."
TOLD = re.compile(
    r"^- (?P<name>\w+): .*\n  arguments: (?P<arguments>\{.*\})(?:\n  below, as plain text: (?P<below>\w+))?$",
    re.MULTILINE,
)
"""A tool as an agent is told of it."""
TEXT = re.compile(r'"(?:text|snippet|body)": "((?:[^"\\]|\\.)+)"')


def is_agent(schema: Mapping[str, Any]) -> bool:
    """Return whether an answer is the next call of an agent: {tool, arguments}."""
    return schema.get("required") == ["tool", "arguments"] and "enum" in schema["properties"]["tool"]


def told_tools(messages: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return the schema of the next call of an agent whose tools are told in words; None for other conversations."""
    said = text_of(messages[0]) if messages and messages[0].get("role") == "system" else ""
    tools = {one["name"]: json.loads(one["arguments"]) for one in TOLD.finditer(said)} if TURNS in said else {}
    return {"properties": {"tool": {"enum": [*tools]}, "arguments": {"anyOf": [*tools.values()]}}} if tools else None


def play(messages: Sequence[Mapping[str, Any]], schema: Mapping[str, Any]) -> str:
    """Return the next call as JSON, with an argument that is to be plain text below it.

    Only the task is followed, never what a tool has returned.
    """
    said = text_of(messages[0]) if messages else ""
    below = {one["name"]: one["below"] for one in TOLD.finditer(said) if one["below"]}
    return _with_text_below(_call(messages, schema), below) if below else _call(messages, schema)


def _with_text_below(call: str, below: Mapping[str, str]) -> str:
    """Return a call with its text below."""
    found = json.loads(call) if call.startswith("{") else {}
    name = below.get(str(found.get("tool")), "")
    text = found["arguments"].pop(name, None) if name else None
    return call if text is None else f"{json.dumps(found, ensure_ascii=False)}\n{text}"


def _call(messages: Sequence[Mapping[str, Any]], schema: Mapping[str, Any]) -> str:
    """Return the next call as JSON."""
    turn = sum(one.get("role") == "assistant" for one in messages)
    users = [text_of(one) for one in messages if one.get("role") == "user"]
    written = [*WRITTEN.finditer(users[0] if users else "")]
    if written:
        line = written[min(turn, len(written) - 1)]
        if line["tool"] is None:
            return str(line["rest"])
        return json.dumps({"tool": line["tool"], "arguments": json.loads(line["rest"])}, ensure_ascii=False)
    known = zip(schema["properties"]["tool"]["enum"], schema["properties"]["arguments"]["anyOf"], strict=True)
    tools = [(name, arguments) for name, arguments in known if name != "ask"]
    if {name for name, _ in tools} >= TOOLS:
        name, given = next_call(messages, turn)
        return json.dumps({"tool": name, "arguments": given}, ensure_ascii=False)
    name, wanted = tools[min(turn, len(tools) - 1)]
    return json.dumps({"tool": name, "arguments": fill(wanted, _read(users))}, ensure_ascii=False)


def _read(users: Sequence[str]) -> Document:
    """Return what the agent writes from: the texts in the results of its tools, with the task as their subject."""
    task = users[0].removeprefix("Task:").strip().splitlines()[0] if users else ""
    found = [text for one in users[1:] for text in TEXT.findall(one)]
    return Document(task, "\n\n".join(json.loads(f'"{one}"') for one in found) or task, is_given=True)
