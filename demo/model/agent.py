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
TEXT = re.compile(r'"(?:text|snippet|body)": "((?:[^"\\]|\\.)+)"')


def is_agent(schema: Mapping[str, Any]) -> bool:
    """Return whether an answer is the next call of an agent: {tool, arguments}."""
    return schema.get("required") == ["tool", "arguments"] and "enum" in schema["properties"]["tool"]


def play(messages: Sequence[Mapping[str, Any]], schema: Mapping[str, Any]) -> str:
    """Return the next call as JSON. Only the task is followed, never what a tool has returned."""
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
