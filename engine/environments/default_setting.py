"""Change `default_environment` in config.yaml as a person would: all other lines stay as they are."""

from __future__ import annotations

from pathlib import Path

from engine.base.errors import InvalidFile
from engine.base.names import child
from engine.documents.json_file import read_text
from engine.documents.yaml_file import parse
from engine.files.atomic import write_whole
from engine.workspace.config import FILE, check

_KEY = "default_environment"


def write_default_environment(root: Path, name: str) -> None:
    """Set the default environment. Raises InvalidFile, StorageError; config.yaml is then unchanged."""
    path = child(root, FILE)
    write_whole(path, with_default(read_text(path, FILE), name))


def with_default(text: str, name: str) -> str:
    """Return the text of config.yaml with this setting and everything else unchanged. Raises InvalidFile."""
    file, written = parse(text, FILE), _as_yaml(name)
    if (_KEY,) in file.spans:
        begin, end = file.spans[_KEY,]
        after = f"{text[:begin]}{written}{text[end:]}"
    else:
        after = f"{text.rstrip()}\n\n{_KEY}: {written}\n"
    wanted = {**(file.value or {}), _KEY: name}
    if parse(after, FILE).value != wanted:
        remedy = f"Write this by hand:\n{_KEY}: {written}"
        raise InvalidFile(f"{FILE} is written in a form that cannot be edited automatically.", remedy=remedy)
    check(parse(after, FILE), {})
    return after


def _as_yaml(name: str) -> str:
    """Return a name as YAML reads it: in quotes if it would be a number, true or false without."""
    try:
        is_plain = parse(f"{_KEY}: {name}\n", FILE).value == {_KEY: name}
    except InvalidFile:
        is_plain = False
    return name if is_plain else f'"{name}"'
