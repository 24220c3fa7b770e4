"""Change `budgets` in config.yaml as a person would: comments and all other lines stay as they are."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from engine.base.errors import InvalidFile
from engine.base.names import child
from engine.documents.json_file import read_text
from engine.documents.yaml_file import YamlFile, parse
from engine.files.atomic import write_whole
from engine.workspace.config import FILE, check

_KEY = "budgets"
_Place = tuple[str | int, ...]
_Edit = tuple[int, int, str]
"""Begin and end of what is replaced, and the text in its place."""


def write_budgets(root: Path, budgets: Mapping[str, Any]) -> None:
    """Set `budgets` in config.yaml. Raises InvalidFile, StorageError; config.yaml is then unchanged."""
    path = child(root, FILE)
    write_whole(path, with_budgets(read_text(path, FILE), budgets))


def with_budgets(text: str, budgets: Mapping[str, Any]) -> str:
    """Return the text of config.yaml with these budgets and everything else unchanged.

    Raises InvalidFile if the file is written in a form that cannot be changed safely.
    """
    file = parse(text, FILE)
    changed = _changed(file, budgets)
    try:
        after = parse(changed, FILE)
        is_right = _others(after) == _others(file) and (_written(after) or {}) == budgets
    except InvalidFile:
        is_right = False
    if not is_right:
        remedy = f"Write this by hand:\n{_KEY}:\n{_lines(budgets, '  ')}"
        raise InvalidFile(f"{FILE} is written in a form that cannot be edited automatically.", remedy=remedy)
    check(after, {})
    return changed


def _written(file: YamlFile) -> Any:
    return (file.value or {}).get(_KEY)


def _others(file: YamlFile) -> dict[str, Any]:
    return {name: value for name, value in (file.value or {}).items() if name != _KEY}


def _changed(file: YamlFile, budgets: Mapping[str, Any]) -> str:
    text, old = file.text, _written(file)
    if (_KEY,) not in file.spans:
        return f"{text.rstrip()}\n\n{_KEY}:\n{_lines(budgets, '  ')}" if budgets else text
    begin, end = file.spans[_KEY,]
    if not isinstance(old, dict) or not old:  # nothing is set: its lines are comments
        rest = _line_end(text, end)
        return text[:begin].rstrip(" ") + text[end:rest].rstrip() + "\n" + _lines(budgets, "  ") + text[rest:]
    if text[begin] == "{":
        return text[:begin] + _flow(budgets) + text[end:]
    for first, last, instead in sorted(_edits(file, (_KEY,), old, budgets), reverse=True):
        text = text[:first] + instead + text[last:]
    return text


def _edits(file: YamlFile, place: _Place, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[_Edit]:
    """Yield the changes of a block of settings."""
    indent = " " * (file.key_places[(*place, next(iter(old)))][1] - 1)
    for name, value in old.items():
        begin, end = file.spans[(*place, name)]
        if name not in new:
            line = file.key_places[(*place, name)][0]
            yield _start_of_line(file.text, line), _line_end(file.text, end), ""
        elif new[name] != value:
            is_block = isinstance(value, dict) and value and file.text[begin] != "{"
            if is_block and isinstance(new[name], Mapping):
                yield from _edits(file, (*place, name), value, new[name])
            else:
                yield begin, end, _flow(new[name])
    more = {name: value for name, value in new.items() if name not in old}
    if more:
        after = _line_end(file.text, file.spans[place][1])
        is_ended = file.text[:after].endswith("\n")
        yield after, after, ("" if is_ended else "\n") + _lines(more, indent)


def _lines(settings: Mapping[str, Any], indent: str) -> str:
    return "".join(f"{indent}{name}: {_flow(value)}\n" for name, value in settings.items())


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {_flow(one)}" for name, one in value.items()) + "}"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, str) and value in ("pause", "warn"):
        return value
    return json.dumps(value, ensure_ascii=False)


def _start_of_line(text: str, line: int) -> int:
    return sum(len(one) for one in text.splitlines(keepends=True)[: line - 1])


def _line_end(text: str, index: int) -> int:
    """Return the end of the line containing `index`, including its line break."""
    found = text.find("\n", index)
    return len(text) if found < 0 else found + 1
