"""A problem in a file. Not in errors.py: the parent of a server needs that, and dataclasses take a mebibyte."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class Problem:
    """A problem in a file, with a place that an editor can show."""

    # The schema of the API names every member as required: an answer always has all of them.
    __pydantic_config__: ClassVar[Mapping[str, bool]] = {"json_schema_serialization_defaults_required": True}

    message: str
    code: str = "invalid"
    severity: str = "error"
    """`error` stops the file from running, `warning` does not."""
    file: str = ""
    line: int = 1
    """0: `file` is not a file, and has no lines."""
    column: int = 1
    step: str | None = None
    field: str | None = None
    remedy: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the form printed by `validate --json`."""
        return asdict(self)

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        where = " ".join(filter(None, [self.step and f"step {self.step}", self.field and f"field {self.field}"]))
        return f"{place}: {where + ': ' if where else ''}{self.message}" + (f" {self.remedy}" if self.remedy else "")
