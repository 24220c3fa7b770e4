"""Change a section of config.yaml as a person would: comments and all other lines stay as they are."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from engine.base.errors import InvalidFile
from engine.base.names import child
from engine.documents.json_file import read_text
from engine.documents.yaml_file import YamlFile, parse
from engine.files.atomic import write_whole
from engine.workspace.config import FILE, check

_Place = tuple[str | int, ...]
_Edit = tuple[int, int, str]
"""Begin and end of what is replaced, and the text in its place."""
_WORDS = re.compile(r"[A-Za-z][A-Za-z0-9_/.@-]*(:[A-Za-z0-9_/.-]+)*\Z")
_SHOWN = re.compile(r" *# *([a-z_]+): +[^\n]")
"""A comment that shows a setting with a value."""
_YAML_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


def write_section(root: Path, name: str, value: Any) -> None:
    """Set one section of config.yaml. Raises InvalidFile, StorageError; config.yaml is then unchanged."""
    write_sections(root, lambda _before: {name: value})


def write_sections(root: Path, changed: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> None:
    """Set the sections that `changed` returns for the content of config.yaml.

    Raises InvalidFile, StorageError; config.yaml is then unchanged.
    """
    path = child(root, FILE)
    text = read_text(path, FILE)
    for name, value in changed(parse(text, FILE).value or {}).items():
        text = with_section(text, name, value)
    write_whole(path, text)


def with_section(text: str, name: str, value: Any) -> str:
    """Return the text of config.yaml with this section (a mapping or a single value) and everything else unchanged.

    A new connection takes a line for each setting, any other mapping one line.
    Raises InvalidFile if the file is written in a form that cannot be changed safely.
    """
    file = parse(text, FILE)
    changed = _changed(file, name, value)
    try:
        after = parse(changed, FILE)
        is_right = _others(after, name) == _others(file, name) and (_written(after, name) or {}) == (value or {})
    except InvalidFile:
        is_right = False
    if not is_right:
        old = _written(file, name)
        if isinstance(value, Mapping) and isinstance(old, Mapping):
            value = {key: one for key, one in value.items() if key not in old or old[key] != one}
        raise InvalidFile(
            f"{FILE} is written in a form that cannot be edited automatically.",
            remedy=f"Write this by hand:\n{_section(name, value)}",
        )
    check(after, {})
    return changed


def _written(file: YamlFile, name: str) -> Any:
    return (file.value or {}).get(name)


def _others(file: YamlFile, name: str) -> dict[str, Any]:
    return {one: value for one, value in (file.value or {}).items() if one != name}


def _changed(file: YamlFile, name: str, value: Any) -> str:
    text, old = file.text, _written(file, name)
    if (name,) not in file.spans:
        before = f"{text.rstrip()}\n" if text.strip() else ""
        return f"{before}\n{_section(name, value)}" if value or not isinstance(value, Mapping) else text
    begin, end = file.spans[name,]
    if isinstance(value, Mapping) and not old:  # nothing is set: its lines are comments
        rest = _line_end(text, end)
        return text[:begin].rstrip(" ") + text[end:rest].rstrip() + "\n" + _lines(value, "  ", name) + text[rest:]
    edits = _edits(file, (), {name: old}, {name: value})
    for first, last, instead in sorted(edits, reverse=True):  # from the end, so that the others stay in place
        text = text[:first] + instead + text[last:]
    return text


def _edits(file: YamlFile, place: _Place, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[_Edit]:
    """Yield the changes of a mapping."""
    for name, value in old.items():
        begin, end = file.spans[(*place, name)]
        if name not in new:
            line = file.key_places[(*place, name)][0]
            yield _start_of_line(file.text, line), _line_end(file.text, end), ""
        elif new[name] != value:
            if _is_edited(file, begin, value, new[name]):
                yield from _edits(file, (*place, name), value, new[name])
            else:
                # A key without a value may end with its colon, which needs a blank behind it.
                yield begin, end, " " * (file.text[begin - 1] == ":") + _flow(new[name])
    more = {name: value for name, value in new.items() if name not in old}
    if more:
        yield _added(file, place, next(iter(old)), more)


def _is_edited(file: YamlFile, begin: int, old: Any, new: Any) -> bool:
    """Return whether an old mapping becomes a new one setting by setting; else it is written anew."""
    is_mapping = isinstance(old, Mapping) and old and isinstance(new, Mapping)
    return bool(is_mapping) and (file.text[begin] != "{" or old.keys() <= new.keys())


def _added(file: YamlFile, place: _Place, first: str, more: Mapping[str, Any]) -> _Edit:
    """Return the edit that adds settings behind the others: `first` is one of them.

    Comments that belong to the last one stay with it; in a connection, one that shows an added setting goes.
    """
    begin, end = file.spans[place]
    if file.text[begin] == "{":
        at = len(file.text[: end - 1].rstrip())
        return at, at, "".join(f", {_flow(name)}: {_flow(value)}" for name, value in more.items())
    indent = " " * (file.key_places[(*place, first)][1] - 1)
    after = _line_end(file.text, end)
    while (comment := re.compile(rf"{indent} +#[^\n]*(\n|\Z)").match(file.text, after)) is not None:
        after = comment.end()
    beside = re.compile(rf"({indent}#[^\n]*(\n|\Z))*").match(file.text, after)
    comments = beside[0].splitlines(keepends=True) if beside and place[0] == "connections" else []
    kept = [line for line in comments if not (shown := _SHOWN.match(line)) or shown[1] not in more]
    is_ended = file.text[:after].endswith("\n")
    added = ("" if is_ended else "\n") + _lines(more, indent, *place)
    return after, after + len("".join(comments)), added + "".join(kept)


def _section(name: str, value: Any) -> str:
    if isinstance(value, Mapping):
        return f"{name}:\n{_lines(value, '  ', name)}"
    return _lines({name: value}, "")


def _lines(settings: Mapping[str, Any], indent: str, *place: str | int) -> str:
    if place == ("connections",):
        return "".join(f"{indent}{_flow(name)}:\n{_lines(entry, indent + '  ')}" for name, entry in settings.items())
    return "".join(f"{indent}{_flow(name)}: {_flow(value)}\n" for name, value in settings.items())


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_flow(name)}: {_flow(one)}" for name, one in value.items()) + "}"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, float):
        digits, e, power = repr(value).partition("e")
        return f"{digits}{e and '' if '.' in digits else '.0'}{e}{power}"  # to YAML, 1e-09 is a text
    if isinstance(value, str) and _WORDS.match(value) and value.lower() not in _YAML_WORDS:
        return value
    return json.dumps(value, ensure_ascii=False)


def _start_of_line(text: str, line: int) -> int:
    return sum(len(one) for one in text.splitlines(keepends=True)[: line - 1])


def _line_end(text: str, index: int) -> int:
    """Return the end of the line containing `index`, including its line break."""
    found = text.find("\n", index)
    return len(text) if found < 0 else found + 1
