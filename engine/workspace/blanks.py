"""The initial text of a workflow, prompt or agent: blank, or a copy with its own title."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from engine.base.errors import InvalidFile, InvalidInput
from engine.documents.json_file import JsonFile, parse
from engine.workspace.canonical import Kind, canonical

_LONGEST_TITLE = 200
_COPY = "Copy of "
_HELLO = {"id": "hello", "title": "Say hello", "uses": "flow.set", "with": {"values": {"text": "Hello"}}}
_OUTPUTS = {"text": "{{ steps.hello.output.text }}"}


def checked_title(title: str) -> str:
    """Return a trimmed title; raise InvalidInput if it is too long or not printable on one line."""
    trimmed = title.strip()
    if len(trimmed) > _LONGEST_TITLE or not trimmed.isprintable():
        raise InvalidInput(
            f"The title has {len(trimmed)} characters, or some that cannot be displayed.",
            remedy=f"Use at most {_LONGEST_TITLE} printable characters, on one line.",
            field="title",
        )
    return trimmed


def title_of(name: str) -> str:
    """Return a title made from a name: `bugs-to-notion` becomes "Bugs to notion"."""
    words = re.sub(r"[-_]+", " ", name).strip()
    return words[:1].upper() + words[1:]


def blank_workflow(title: str) -> str:
    """Return the text of a workflow with one step that calls no service; it can be run unchanged."""
    document = {"schema_version": 1, "title": title, "description": "", "steps": [_HELLO]}
    return canonical({**document, "outputs": _OUTPUTS}, "workflow")


def is_blank(document: object) -> bool:
    """Return whether the document of a workflow has no steps, or only the step of a blank one."""
    steps = document.get("steps") if isinstance(document, Mapping) else None
    return not steps or steps == [_HELLO]


def is_untouched(document: object) -> bool:
    """Return whether the document of a workflow is a blank one in which nobody has written anything but a title."""
    own = dict(document) if isinstance(document, Mapping) else {}
    rest = {name: one for name, one in own.items() if name not in ("id", "title")}
    return rest == {"schema_version": 1, "description": "", "steps": [_HELLO], "outputs": _OUTPUTS}


def blank_prompt(title: str) -> str:
    """Return the text of a prompt with one variable; workflows can use it once a version is saved."""
    messages = [
        {"role": "system", "content": ["You are a helpful assistant."]},
        {"role": "user", "content": ["{{ text }}"]},
    ]
    document: dict[str, Any] = {"schema_version": 1, "title": title, "description": ""}
    variables = {"text": {"type": "string"}}
    samples = [{"name": "hello", "variables": {"text": "Hello"}}]
    return canonical({**document, "variables": variables, "messages": messages, "samples": samples}, "prompt")


def blank_agent(title: str) -> str:
    """Return the text of an agent without tools, which answers at once."""
    document: dict[str, Any] = {"schema_version": 1, "title": title, "description": ""}
    limits = {"turns": 8, "tokens": 50_000, "dollars": 0.5, "seconds": 600}
    return canonical({**document, "instructions": "Answer in plain words.", "tools": [], "limits": limits}, "agent")


def text_of_copy(text: str, name: str, kind: Kind) -> str:
    """Return a text as `titled_as_copy`; as it is, if it is not JSON."""
    try:
        return titled_as_copy(parse(text, name), name, kind)
    except InvalidFile:  # the copy has the same problems
        return text


def titled_as_copy(file: JsonFile, name: str, kind: Kind) -> str:
    """Return the text of a file with the title "Copy of …", otherwise unchanged."""
    if not isinstance(file.value, dict):
        return file.text
    title = file.value.get("title")
    if isinstance(title, str) and title:
        return file.replaced({("title",): f"{_COPY}{title}"})
    return canonical({**file.value, "title": f"{_COPY}{title_of(name)}"}, kind)
