"""Files of a run: what a step returns to create one, and what a field contains that takes one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct
from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler
from pydantic_core import CoreSchema

PLACE = "$file"
_PLACE = re.compile(r"(\d{8}T\d{6}Z-[a-z2-7]{8})\.files/([0-9a-f]{64})\Z")
"""Run id, SHA-256."""
FORMAT = "run-file"
"""Marks the schema of a file, so that the compiler can tell it from other objects."""
WORKSPACE_FILE = "workspace-file"
"""Marks a path in the workspace: for a field, that it takes one; for an output, that it leads to a file found there."""


class FileContent(Struct, frozen=True):
    """A file in the output of a step: the engine stores it and puts a `RunFile` in its place.

    Its content is in memory, or in a file of its own at `path`, which the engine deletes once it has stored it.
    """

    content: bytes = b""
    name: str = "unnamed"
    media_type: str = "application/octet-stream"
    path: Path | None = None

    @property
    def size_bytes(self) -> int:
        """The size of the content. Raises OSError."""
        return len(self.content) if self.path is None else self.path.stat().st_size


class RunFile(BaseModel):
    """A file that a step of a run returned; `Call.read` returns its content, `Call.path` where it is.

    In JSON, `$file` is its location.
    """

    model_config = ConfigDict(extra="forbid", serialize_by_alias=True)

    place: str = Field(alias=PLACE)
    name: str = Field(title="Name", json_schema_extra={"outside": True})
    bytes: int = Field(title="Size")
    media_type: str = Field(title="Media type", json_schema_extra={"outside": True})

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Return the schema with the fields that expressions may use; the storage location is internal."""
        schema = handler.resolve_ref_schema(handler(core_schema))
        schema["properties"].pop("$file", None)
        schema["required"] = [name for name in schema["required"] if name != "$file"]
        return {**schema, "format": FORMAT}


def owner_of(place: str) -> tuple[str, str] | None:
    """Return (run id, SHA-256) of the location of a file, None if it is not the location of one."""
    found = _PLACE.match(place)
    return (found[1], found[2]) if found else None


def place_of(value: Mapping[str, Any]) -> str | None:
    """Return the location in an object that a step could take for a file of a run, if it has one."""
    place = value.get(PLACE)
    return place if isinstance(place, str) and owner_of(place) is not None else None


def places_in(value: Any) -> Iterator[str]:
    """Yield the locations of the files of runs in the fields of a step."""
    ahead = [value]
    while ahead:
        one = ahead.pop()
        if isinstance(one, RunFile):
            yield one.place
        elif isinstance(one, BaseModel):
            ahead += vars(one).values()
        elif isinstance(one, Mapping):
            place = place_of(one)
            if place is not None:
                yield place
            ahead += one.values()
        elif isinstance(one, list | tuple):
            ahead += one
