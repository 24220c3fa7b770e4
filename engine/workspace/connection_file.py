"""Add a connection to config.yaml as a person would: keep comments and all other lines; store secrets elsewhere."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from engine.base.errors import InvalidFile, InvalidInput
from engine.base.names import checked_name, child
from engine.base.services import services
from engine.documents.json_file import read_text
from engine.documents.yaml_file import YamlFile, parse
from engine.files.atomic import write_whole
from engine.workspace.config import FILE, check
from engine.workspace.secret import is_clear_secret

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./@-]*(:[A-Za-z0-9_/.-]+)*\Z")
_YAML_WORDS = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}


def write_connection(
    root: Path, name: str, settings: Mapping[str, Any], keep: Callable[[str, str], None]
) -> dict[str, Any]:
    """Add or replace `connections.<name>` in config.yaml; return the entry that was written.

    `settings` is {"service": …, …}; a SecretStr, and text that is a secret by its name or form, is passed to
    `keep(secret name, value)` and written as `secret:NAME`.
    Raises InvalidInput, InvalidFile, StorageError; config.yaml is then unchanged.
    """
    checked_name("connection", name)
    if not settings.get("service"):
        raise InvalidInput(
            f"The connection {name!r} has no service.",
            remedy=f"Choose one of {', '.join(one.name for one in services())}.",
        )
    path = child(root, FILE)
    entry, secrets = _without_secrets(name, settings)
    text = with_connection(read_text(path, FILE), name, entry)
    for secret, value in secrets.items():
        keep(secret, value)
    write_whole(path, text)
    return entry


def with_connection(text: str, name: str, entry: Mapping[str, Any]) -> str:
    """Return the text of config.yaml with this connection and everything else unchanged.

    Raises InvalidFile if the file is written in a form that cannot be changed safely.
    """
    file = parse(text, FILE)
    changed = _changed(file, name, entry)
    wanted = {**(file.value or {})}
    wanted["connections"] = {**(wanted.get("connections") or {}), name: dict(entry)}
    try:
        after = parse(changed, FILE)
        is_right = after.value == wanted
    except InvalidFile:
        is_right = False
    if not is_right:
        lines = "".join(_block(name, entry, "  "))
        remedy = f"Add these lines under `connections:` by hand:\n{lines}"
        raise InvalidFile(f"{FILE} is written in a form that cannot be edited automatically.", remedy=remedy)
    check(after, {})
    return changed


def _without_secrets(name: str, settings: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the entry for config.yaml, and the secrets by name."""
    secrets: dict[str, str] = {}

    def named(path: tuple[str, ...], value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: named((*path, str(key)), inner) for key, inner in value.items()}
        plain = value.get_secret_value() if isinstance(value, SecretStr) else value
        if not (isinstance(value, SecretStr) and plain) and not is_clear_secret(path[-1], plain):
            return str(plain) if isinstance(plain, Path) else plain
        secret = re.sub(r"[^A-Za-z0-9_.-]", "_", ".".join(path))
        secrets[secret] = str(plain)
        return f"secret:{secret}"

    return named((name,), settings), secrets


def _changed(file: YamlFile, name: str, entry: Mapping[str, Any]) -> str:
    text = file.text
    connections = (file.value or {}).get("connections")
    if ("connections",) not in file.spans:
        return text + ("" if not text or text.endswith("\n") else "\n") + "\nconnections:\n" + _block(name, entry, "  ")
    begin, end = file.spans["connections",]
    if not connections:
        rest = _line_end(text, end)
        return text[:begin].rstrip(" ") + text[end:rest].rstrip() + "\n" + _block(name, entry, "  ") + text[rest:]
    if name in connections:
        return _replaced(file, name, entry)
    if text[begin] == "{":
        return text[: end - 1].rstrip() + f", {name}: {_flow(entry)}" + text[end - 1 :]
    indent = _indent(file, connections)
    line_end = _after_comments(text, _line_end(text, end), indent)
    before = text[:line_end] + ("" if text[:line_end].endswith("\n") else "\n")
    return before + _block(name, entry, indent) + text[line_end:]


def _after_comments(text: str, index: int, indent: str) -> int:
    """Return the end of the comments that follow the last connection and belong to it."""
    while match := re.compile(rf"{indent} +#[^\n]*(\n|\Z)").match(text, index):
        index = match.end()
    return index


def _replaced(file: YamlFile, name: str, entry: Mapping[str, Any]) -> str:
    begin, end = file.spans["connections", name]
    if file.text[file.spans["connections",][0]] == "{" or file.text[begin : begin + 1] == "{":
        return file.text[:begin] + _flow(entry) + file.text[end:]
    key_line = file.key_places["connections", name][0]
    first = _start_of_line(file.text, key_line)
    indent, last = _indent(file, {name: None}), _line_end(file.text, end)
    after = _after_comments(file.text, last, indent)
    comments = [line for line in file.text[last:after].splitlines(keepends=True) if not _is_of(line, entry)]
    return file.text[:first] + _block(name, entry, indent) + "".join(comments) + file.text[after:]


def _is_of(comment: str, entry: Mapping[str, Any]) -> bool:
    """Return whether a comment is an example of a setting that now has a value."""
    shown = re.match(r"\s*#\s*([a-z_]+):(\s|$)", comment)
    return shown is not None and shown[1] in entry


def _block(name: str, entry: Mapping[str, Any], indent: str) -> str:
    lines = [f"{indent}{name}:\n"]
    lines += [f"{indent}  {key}: {_scalar(value)}\n" for key, value in entry.items()]
    return "".join(lines)


def _flow(entry: Mapping[str, Any]) -> str:
    return "{" + ", ".join(f"{key}: {_scalar(value)}" for key, value in entry.items()) + "}"


def _scalar(value: Any) -> str:
    """Write a value so that no YAML reader misinterprets it; JSON is YAML."""
    if isinstance(value, str) and _PLAIN.match(value) and value.lower() not in _YAML_WORDS:
        return value
    return json.dumps(value, ensure_ascii=False)


def _indent(file: YamlFile, names: Mapping[str, Any]) -> str:
    _, column = file.key_places["connections", next(iter(names))]
    return " " * (column - 1)


def _start_of_line(text: str, line: int) -> int:
    return sum(len(one) for one in text.splitlines(keepends=True)[: line - 1])


def _line_end(text: str, index: int) -> int:
    """Return the end of the line containing `index`, including its line break."""
    found = text.find("\n", index)
    return len(text) if found < 0 else found + 1
