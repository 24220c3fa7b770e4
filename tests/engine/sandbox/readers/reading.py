"""A file read as its readers do it, in this process."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from engine.sandbox.readers.source import FileRefused, SourceFile
from engine.sandbox.readers.tasks import answer

_OPTIONS: Mapping[str, Any] = {"limit": 10_000, "most": 1_000_000, "form": "text", "pages": []}


def answered(folder: Path, name: str, content: bytes | str, task: str = "table", **options: Any) -> dict[str, Any]:
    """What a reader answers about a file of this name and content. Raises Refused."""
    path = folder / "read"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with path.open("rb") as file:
        return answer(SourceFile(file, name), task, {**_OPTIONS, **options})


def refused(folder: Path, name: str, content: bytes | str, task: str = "table", **options: Any) -> str:
    """Why a file is refused."""
    with pytest.raises(FileRefused) as caught:
        answered(folder, name, content, task, **options)
    return str(caught.value)


def lists(found: Mapping[str, Any]) -> list[list[Any]]:
    """The rows of a table, without the names of its columns."""
    return [list(row.values()) for row in found["rows"]]
