"""The files that a run's document names: what its steps gave and took, and values too large to stand in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from engine.run_file import RunFile
from engine.runs.differences import is_reference

_OF_RUN, _OF_STEP = ("inputs", "outputs"), ("arguments", "output")


def files_of(run: Mapping[str, Any]) -> dict[str, RunFile]:
    """Return the files that the document of a run names, by the SHA-256 of their content."""
    values = [run[name] for name in _OF_RUN]
    return named_files([*values, *(step[name] for step in run["steps"] for name in _OF_STEP)])


def named_files(value: Any) -> dict[str, RunFile]:
    """Return the files that a value of a run's document names, by the SHA-256 of their content, in its order."""
    return {file.place.rpartition("/")[2]: file for file in _references(value)}


def _references(value: Any) -> Iterator[RunFile]:
    if isinstance(value, list):
        for inner in value:
            yield from _references(inner)
    elif isinstance(value, Mapping) and is_reference(value):
        unnamed = "value.json" if value["media_type"] == "application/json" else "value.txt"
        try:
            yield RunFile.model_validate({"name": unnamed, **value})
        except ValidationError:  # data from outside that only looks like one
            return
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _references(inner)
