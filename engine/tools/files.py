"""Files that tools take, as inputs with the format `file`, and files that they leave in `/w/out`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from clients.errors import InvalidRequest
from engine.base.json_text import JsonSchema
from engine.base.run_file import RunFile
from engine.plugins.step import JsonValue, file_to_read
from engine.sandbox.code.running import FILES_MOST, GIVEN_BYTES_MOST
from engine.sandbox.reading import ReadableFile
from engine.steps.file.fields import FileToRead, free_name, plain_name

FORMAT = "file"
_BESIDE = frozenset({"format", "title", "description"})
LEFT = "files"
"""The output that has the files which a tool leaves."""


def file_inputs(schema: JsonSchema) -> dict[str, bool]:
    """Return the inputs that are files, by name: whether each takes several."""
    found = {}
    for name, one in schema.get("properties", {}).items():
        if isinstance(one, Mapping) and one.get("format") == FORMAT:
            found[name] = False
        elif isinstance(one, Mapping) and one.get("type") == "array" and one.get("items") == {"format": FORMAT}:
            found[name] = True
    return found


def wrong_file_inputs(schema: JsonSchema) -> list[tuple[str, str]]:
    """Return (name, sentence) for each input that is a file and something else, too."""
    alone = (name for name, several in file_inputs(schema).items() if not several)
    odd = {name: sorted(set(schema["properties"][name]) - _BESIDE) for name in alone}
    return [
        (name, f"The input {name!r} is a file, and {more[0]!r} says nothing of one.")
        for name, more in odd.items()
        if more
    ]


def file_fields(schema: JsonSchema) -> dict[str, tuple[Any, Any]]:
    """Return the annotation and the field of each input that is a file."""
    required, found = set(schema.get("required", [])), dict[str, tuple[Any, Any]]()
    for name, several in file_inputs(schema).items():
        one = schema["properties"][name]
        title = str(one.get("title") or name.replace("_", " ").capitalize())
        if several:
            default: dict[str, Any] = {} if name in required else {"default": []}
            found[name] = (list[FileToRead], file_to_read(title, max_length=FILES_MOST, **default))
        else:
            found[name] = (FileToRead, file_to_read(title, **({} if name in required else {"default": None})))
    return found


def placed(
    given: Mapping[str, JsonValue], schema: JsonSchema, opened: Callable[[Any], ReadableFile]
) -> tuple[dict[str, JsonValue], list[tuple[str, ReadableFile]]]:
    """Return the input with the paths of its files at `/in`, and these files under their names there.

    `opened` opens a file. Raises InvalidRequest for more than 1 GB.
    """
    inputs, files, taken = dict(given), list[tuple[str, ReadableFile]](), {"inputs.json"}
    for name, several in file_inputs(schema).items():
        value = inputs.pop(name, None)
        if value is None:
            continue
        paths = list[JsonValue]()
        for one in value if several and isinstance(value, list) else [value]:
            file = opened(one)
            free = free_name(plain_name(file.name, "unnamed"), taken)
            files.append((free, file))
            paths.append(f"/in/{free}")
        inputs[name] = paths if several else paths[0]
    if sum(file.size_bytes for _, file in files) > GIVEN_BYTES_MOST:
        raise InvalidRequest("The files have more than 1 GB together.", service="code")
    return inputs, files


def with_files(schema: JsonSchema) -> dict[str, Any]:
    """Return the schema of an output, with the files that are left."""
    files = {"type": "array", "title": "Files", "items": RunFile.model_json_schema(by_alias=True)}
    required = [*schema.get("required", []), LEFT]
    return {**schema, "properties": {**schema.get("properties", {}), LEFT: files}, "required": required}
