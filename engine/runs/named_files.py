"""The files that a run's document refers to: inputs and outputs of its steps, and values too large for the document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from engine.base.errors import InvalidFile, InvalidInput, StorageError
from engine.base.run_file import RunFile, owner_of
from engine.record.differences import is_reference
from engine.record.file_values import FILE, JSON, FileValue
from engine.record.types.run import Run
from engine.record.values import Values


def files_of(run: Run, values: Values) -> dict[str, RunFile]:
    """Return the files that the document of a run refers to, by the SHA-256 of their content."""
    of_steps = [value for step in run["steps"] for value in (step["arguments"], step["output"])]
    return named_files([run["inputs"], run["outputs"], *of_steps], values)


def named_files(value: Any, values: Values, most_bytes: int | None = None) -> dict[str, RunFile]:
    """Return the files that a value of a run's document refers to, by the SHA-256 of their content, in order.

    References inside a large value, itself stored in a file, are followed; if `most_bytes` is given, only up to that
    size.
    """
    found = _Search(values, most_bytes).references(value)
    return {file.place.rpartition("/")[2]: file for file in found}


def given_files(value: Any) -> Iterator[tuple[str, str]]:
    """Yield (run id, SHA-256) for each object in a value from outside that a step could take for a file of a run."""
    ahead = [value]
    while ahead:
        one = ahead.pop()
        if isinstance(one, Mapping):
            ahead += one.values()
            named = owner_of(str(one.get(FILE, "")))
            if named is not None:
                yield named
        elif isinstance(one, list | tuple):
            ahead += one


def not_shown(run_id: str, remedy: str = "") -> InvalidInput:
    """Return the error for a value from outside that names a file of a run which its giver may not see."""
    return InvalidInput(
        f"An input names a file of a run that you may not see, or that has no such file: {run_id}.",
        remedy=remedy or "Take the whole object with `$file` from the document of a run, or give the content itself.",
    )


class _Search:
    def __init__(self, values: Values, most_bytes: int | None) -> None:
        self._values, self._most_bytes = values, most_bytes
        self._looked_into: set[FileValue] = set()

    def references(self, value: Any) -> Iterator[RunFile]:
        """Yield the references in a value, outermost first."""
        if isinstance(value, list):
            for inner in value:
                yield from self.references(inner)
        elif isinstance(value, FileValue):
            yield from self.references(value.document())
        elif isinstance(value, Mapping) and is_reference(value):
            yield from _named(value)
            yield from self.references(self._inside(dict(value)))
        elif isinstance(value, Mapping):
            for inner in value.values():
                yield from self.references(inner)

    def _inside(self, reference: dict[str, Any]) -> Any:
        """Return the large value that a reference points to; None if it is not one, or was already visited."""
        large = self._values.live(reference)
        if not isinstance(large, FileValue) or large.media_type != JSON or large in self._looked_into:
            return None
        self._looked_into.add(large)
        if self._most_bytes is not None and large.size_bytes > self._most_bytes:
            return None
        try:
            return large.opened() if b'"$file"' in large.data() else None
        except (StorageError, InvalidFile):  # gone or changed: reading the value itself reports that
            return None


def _named(reference: Mapping[str, Any]) -> Iterator[RunFile]:
    unnamed = "value.json" if reference["media_type"] == JSON else "value.txt"
    try:
        yield RunFile.model_validate({"name": unnamed, **reference})
    except ValidationError:  # data from outside that only looks like a reference
        return
