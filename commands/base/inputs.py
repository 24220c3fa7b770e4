"""Inputs of a run or prompt that are typed at the command line, or read from a file or a pipe."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from commands.base.session import CommandSession

_LARGEST_BYTES = 16_000_000
_NAMED = re.compile(r"""((?:\["(?:[^"\\]|\\.)*"\]|[^=])+)=(.*)""", re.DOTALL)
"""A name, in which keys may be in brackets (`with["a=b"]`), and what is behind its sign."""
_REMEDY = 'Pass a JSON object of inputs, {"name": value, …}.'


def values(pairs: Sequence[str], file: str | None, schemas: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
    """Return the values of `k=v` pairs, which take precedence over the values in a JSON file (`-`: standard input).

    `schemas` returns {name: JSON Schema}, by which typed text is converted. Raises InvalidInput, InvalidFile.
    """
    found = object_in(file, _REMEDY) if file is not None else {}
    known = schemas() if pairs else {}
    for name, text in by_name(pairs, "an input").items():
        found[name] = _value(name, text, known.get(name))
    return found


def schemas(session: CommandSession, name: str, environment: str = "") -> Mapping[str, Any]:
    """Return the schemas of a workflow's inputs; problems in the file are reported at the start.

    `environment`: the one whose version is meant; "" for the default environment.
    """
    environment = environment or next(iter(session.orchestra.environments.names(session.principal)), "")
    if environment:
        found = session.orchestra.plan(session.principal, name, environment).inputs_schema.get("properties")
        return found if isinstance(found, dict) else {}
    document = session.orchestra.workflows.get(session.principal, name).document or {}
    inputs = document.get("inputs")
    properties = inputs.get("properties") if isinstance(inputs, dict) else None
    return properties if isinstance(properties, dict) else {}


def outputs(pairs: Sequence[str], file: str | None) -> dict[str, Any]:
    """Return the outputs pinned to steps by `path=JSON` pairs, which take precedence over the outputs in a JSON file.

    Raises InvalidInput, InvalidFile.
    """
    from engine.documents.json_file import typed_value

    found = object_in(file, _REMEDY) if file is not None else {}
    for path, text in by_name(pairs, "a pinned output").items():
        found[path] = typed_value(text, f"The output pinned to {path!r}")
    return found


def _value(name: str, text: str, schema: object) -> Any:
    from engine.record.acceptance import from_text

    return from_text(name, text, schema if isinstance(schema, Mapping) else {})


def by_name(pairs: Sequence[str], of: str) -> dict[str, str]:
    """Return the texts of `name=value` pairs; `of` says in words what each is a value of.

    Raises InvalidInput for text that is not a pair, and for a duplicate name: one of the two would be lost.
    """
    from engine.base.errors import InvalidInput

    found: dict[str, str] = {}
    for pair in pairs:
        parts = _NAMED.fullmatch(pair)
        if parts is None:
            raise InvalidInput(f"{pair!r} is not a value for {of}.", remedy="Write it as name=value.")
        name, text = parts.groups()
        if name in found:
            raise InvalidInput(f"{name!r} was given twice.", remedy="Give each name only once.")
        found[name] = text
    return found


def object_in(file: str, remedy: str, largest_bytes: int = _LARGEST_BYTES) -> dict[str, Any]:
    """Return the JSON object in a file (`-`: standard input); `remedy` says what it should hold.

    Raises InvalidInput, InvalidFile.
    """
    from engine.base.errors import InvalidFile, InvalidInput
    from engine.documents.json_file import parse, read

    try:
        if file == "-":
            found = parse(_standard_input(), "standard input", largest_bytes)
        else:
            found = read(Path(file), largest_bytes=largest_bytes)
    except InvalidFile as error:
        raise InvalidFile(error.message, error.problems, remedy=remedy) from error
    if not isinstance(found.value, dict):
        raise InvalidInput(f"{found.file} does not contain a JSON object.", remedy=remedy)
    return dict(found.value)


def text_in(file: str, largest_bytes: int) -> str:
    """Return the text of a file (`-`: standard input) with its line ends. Raises InvalidInput, InvalidFile."""
    from engine.documents.json_file import read_text

    if file == "-":
        return _standard_input()
    _require_there(file)
    return read_text(Path(file), file, largest_bytes)


def content_in(file: str, largest_bytes: int) -> str:
    """Return all of a file (`-`: standard input) as text; bytes that are not UTF-8 become escapes (surrogateescape).

    Raises InvalidInput, InvalidFile.
    """
    from engine.documents.json_file import read_bytes

    if file == "-":
        return _standard_input()
    _require_there(file)
    return read_bytes(Path(file), file, largest_bytes).decode("utf-8", "surrogateescape")


def _require_there(file: str) -> None:
    """Raise InvalidInput if there is no such file; a line and column in it would mean nothing."""
    from engine.base.errors import InvalidInput

    if not Path(file).exists():
        raise InvalidInput(f"There is no file {file}.", remedy="Name a file of this machine, or `-`.")


def _standard_input() -> str:
    from engine.base.errors import InvalidInput

    data = sys.stdin.buffer.read(_LARGEST_BYTES + 1)
    if len(data) > _LARGEST_BYTES:
        raise InvalidInput(
            f"Standard input has more than {_LARGEST_BYTES:,} bytes.",
            remedy="Pass less at once.",
        )
    return data.decode("utf-8", "surrogateescape")
