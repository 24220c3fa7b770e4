"""The text of new values in a workflow: in canonical form, laid out as their place is."""

from __future__ import annotations

import json
from typing import Any

from engine.base.errors import InvalidFile, InvalidInput
from engine.documents.json_file import JsonFile, JsonPath, parse
from engine.documents.json_splice import Layout, Write, members
from engine.workspace.canonical import form_at, fragment


def writer(file: JsonFile, path: JsonPath, value: Any, *, is_one_line: bool) -> Write:
    """Return the writer of a new value at a path: canonical, or on one line. Raises InvalidInput."""
    checked(value)
    form = form_at("workflow", path)

    def write(layout: Layout) -> str:
        if layout.is_inline or is_one_line:
            return layout.of_json(value)
        return fragment(value, form, layout.indent, layout.unit).replace("\n", layout.newline)

    return write


def checked(value: Any) -> Any:
    """Return a value that a file can have. Raises InvalidInput for half characters, NaN, numbers over 64 bits."""
    try:
        text = json.dumps(value, ensure_ascii=True)  # as escapes, half characters come to the check below
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput("The value is not JSON.", remedy="Send text, numbers, lists and objects.") from error
    try:
        parse(text, "the value")
    except InvalidFile as error:
        first = error.problems[0]
        raise InvalidInput(f"The value cannot be in a file: {first.message}", remedy=first.remedy) from error
    return value


def is_one_line(file: JsonFile, path: JsonPath) -> bool:
    """Return whether each step of a list is on one line."""
    steps, spans = value_at(file.value, path), members(file, path).spans
    objects = [index for index, one in enumerate(steps) if isinstance(one, dict) and one]
    return bool(objects) and all(file.text.find("\n", *spans[index]) < 0 for index in objects)


def dotted(path: JsonPath) -> str:
    """Return a path as messages name it."""
    return repr(".".join(map(str, path)))


def value_at(document: Any, path: JsonPath) -> Any:
    """Return the value at a path that exists."""
    for part in path:
        document = document[part]
    return document
