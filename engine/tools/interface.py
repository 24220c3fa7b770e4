"""What breaks the workflows that use a tool: how its interface differs from its last tested version's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from engine.base.errors import InvalidFile
from engine.base.json_text import JsonSchema
from engine.documents.schema_check import is_usable, misfits
from engine.tools.store import FOLDER, TOOL, Tool


def require_major(tool: Tool) -> None:
    """Raise InvalidFile if a tool breaks the interface that it was tested with, under the same major version."""
    before = tool.tested or {}
    major = str(before.get("version", "")).partition(".")[0]
    old, new = (before.get("input"), before.get("output")), (tool.file.input, tool.file.output)
    if not re.fullmatch("[0-9]{1,9}", major) or tool.file.major > int(major) or not all(map(is_usable, old)):
        return
    inputs = before.get("inputs")
    breaks = [*_input_breaks(old[0] or {}, new[0], inputs if isinstance(inputs, list) else [])]
    breaks += _output_breaks(old[1] or {}, new[1])
    if before.get("files") is True and not tool.file.files:
        breaks.append("the files that it leaves are gone")
    if breaks:
        raise InvalidFile(
            f"The tool {tool.name!r} was {before['version']} when it was last tested, and is {tool.file.version} now, "
            f"but workflows that use it would break: {breaks[0]}.",
            remedy=f"Write version {int(major) + 1}.0.0 in {FOLDER}/{tool.name}/{TOOL}, or keep what was there.",
        )


def _input_breaks(old: JsonSchema, new: JsonSchema, inputs: list[Any]) -> Iterator[str]:
    for name in new.get("required", []):
        if name not in old.get("required", []):
            yield f"the input {name!r} is required now"
    for name in old.get("properties", {}):
        if name not in new.get("properties", {}):
            yield f"the input {name!r} is gone"
    for one in inputs:
        if isinstance(one, Mapping) and not any(misfits(one, old)):
            for misfit in misfits(one, new):
                yield f"an input of an earlier test no longer fits ({misfit.rstrip('.')})"


def _output_breaks(old: JsonSchema, new: JsonSchema) -> Iterator[str]:
    members = new.get("properties", {})
    for name, schema in old.get("properties", {}).items():
        if name not in members:
            yield f"the output {name!r} is gone"
        elif not isinstance(schema, Mapping) or schema.get("type") != members[name].get("type"):
            yield f"the output {name!r} has another type"
        elif name in old.get("required", []) and name not in new.get("required", []):
            yield f"the output {name!r} may be missing now"
