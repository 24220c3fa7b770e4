"""How the demo model plays an agent: it follows a script, or calls each tool once and asks nobody.

A script is in the task, a line a turn. A builder of software without one follows the answers in `programs/`: one of
three programs that the model knows by heart, with a mistake first, so that people see a test fail and its repair.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from demo.model.document import PromptDocument, text_of
from demo.model.filler import fill

SCRIPT = re.compile(r"^(?:CALL (?P<tool>\w+)|SAY) (?P<rest>.*)$", re.MULTILINE)
"""A line of a task: `CALL tool {"field": "value"}` for a turn, or `SAY text` for a literal answer."""
SCRIPTED_PLAN = re.compile(r"^PLAN (\{.*\})$", re.MULTILINE)
TURNS = "You work in turns."
TOLD = re.compile(
    r"^- (?P<name>\w+): (?:.*\n)+?  arguments: (?P<arguments>\{.*\})(?:\n  below, as plain text: (?P<below>\w+))?$",
    re.MULTILINE,
)
"""A tool's description in the prompt of an agent."""
TEXT = re.compile(r'"(?:text|snippet|body)": "((?:[^"\\]|\\.)+)"')
PLAN = "Plan of a program"
"""The title of a plan's schema, in the workflow `build-software`."""
BUILDING = {"read", "write", "edit", "test"}
"""The tools that only a builder of software has together."""

Message = Mapping[str, Any]


def plan(messages: Sequence[Message]) -> str:
    """Return the plan in the request, or the plan of a program known by heart."""
    request = next(iter(_said_by_user(messages)), "")
    written = SCRIPTED_PLAN.search(request)
    return written[1] if written and _object_in(written[1]) is not None else _by_heart(request)[0]


def told_tools(messages: Sequence[Message]) -> dict[str, re.Match[str]]:
    """Return the tools that are offered to an agent, by name; empty for other conversations."""
    said = text_of(messages[0]) if messages and messages[0].get("role") == "system" else ""
    return {one["name"]: one for one in TOLD.finditer(said)} if TURNS in said else {}


def play(messages: Sequence[Message], tools: Mapping[str, re.Match[str]]) -> str:
    """Return the next call as JSON, followed by the argument that the tool wants as plain text.

    Only the task is followed, never what a tool has returned.
    """
    turn = len([one for one in messages if one.get("role") == "assistant"])
    task, *results = _said_by_user(messages) or [""]
    script = [(line, _object_in(line["rest"])) for line in SCRIPT.finditer(task)]
    if script := [(line, said) for line, said in script if said is not None or not line["tool"]]:
        line, said = script[min(turn, len(script) - 1)]
        return _call(tools, line["tool"], said or {}) if line["tool"] else line["rest"]
    if tools.keys() >= BUILDING:
        answers = _by_heart(task.partition("\n\nPlan:")[0])[1:]
        return answers[min(turn, len(answers) - 1)]
    # `ask` would stop the run for a person, so it comes only if there is nothing else.
    names = [name for name in tools if name != "ask"] or [*tools]
    name = names[min(turn, len(names) - 1)]
    return _call(tools, name, fill(_object_in(tools[name]["arguments"]) or {}, _read(task, results)))


def _call(tools: Mapping[str, re.Match[str]], name: str, arguments: dict[str, Any]) -> str:
    below = arguments.pop(tools[name]["below"], None) if name in tools else None
    call = json.dumps({"tool": name, "arguments": arguments}, ensure_ascii=False)
    return call if below is None else f"{call}\n{below}"


def _object_in(text: str) -> dict[str, Any] | None:
    with suppress(ValueError, RecursionError):
        # Not strict: a task may have real line ends inside a text.
        found = json.loads(text, strict=False)
        return found if isinstance(found, dict) else None
    return None


def _said_by_user(messages: Sequence[Message]) -> list[str]:
    return [text_of(one).removeprefix("Task:").strip() for one in messages if one.get("role") == "user"]


def _read(task: str, results: Sequence[str]) -> PromptDocument:
    """Return the agent's sources: the texts in the results of its tools, with the task as their subject."""
    texts = [_object_in(f'{{"text": "{text}"}}') for one in results for text in TEXT.findall(one)]
    found = [each["text"] for each in texts if each]
    subject = task.partition("\n")[0]
    return PromptDocument(subject, "\n\n".join(found) or subject, is_given=True)


def _by_heart(request: str) -> list[str]:
    """Return the plan and the turns of the first program with a word of the request, or the last program."""
    paths = sorted(Path(__file__).with_name("programs").glob("*.txt"))
    known = [path.read_text(encoding="utf-8").split("----\n") for path in paths]
    asked = request.casefold()
    return next((one for one in known if any(word in asked for word in one[0].split())), known[-1])[1:]
