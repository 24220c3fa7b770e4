"""Recover from structural errors: remove faulty parts from a copy, so that the rest can be checked.

Pydantic stops at the shape of a document, and the compiler's own checks need a complete model. Without recovery, a
single misspelt key would hide every other problem of the file. So faulty values are replaced or removed in a copy until
it validates. Later checks run on the copy, translate paths back to the file, and say nothing about `lost` places.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from engine.documents.shapes import Fault, Path, faults

ABSENT: Any = object()
StandIn = Callable[[Path], Any]
"""Returns a replacement for a faulty value at a path, or ABSENT to remove its key."""
Model = TypeVar("Model", bound=BaseModel)
_MOST_ROUNDS = 200


class DocumentRepair:
    """The repaired copy of a document, its faults, and the changes made."""

    def __init__(self, document: Any, stand_in: StandIn = lambda _path: ABSENT) -> None:
        self.document = document
        self.faults: list[Fault] = []
        self.lost: set[Path] = set()
        """Where a value was removed or replaced: its absence must not be reported."""
        self.renamed: dict[Path, Path] = {}
        """Path in the copy -> path as written, for a misspelt key that was renamed to the one meant."""
        self._stand_in = stand_in
        self._told: set[Path] = set()

    def written(self, path: Path) -> Path:
        """Return the path in the file for a path in the copy."""
        for end in range(len(path), 0, -1):
            if path[:end] in self.renamed:
                return (*self.written(self.renamed[path[:end]]), *path[end:])
        return path

    def mend(self, found: list[Fault]) -> bool:
        """Record the faults and repair the copy; return whether anything changed."""
        strays = [fault for fault in found if fault.code == "unknown_key"]
        changed = [self._rename(fault) for fault in strays]
        changed += [self._mend_value(fault) for fault in found if fault.code != "unknown_key"]
        return any(changed)

    def _rename(self, fault: Fault) -> bool:
        self._tell(fault)
        *outer, name = fault.path
        holder = self._at(tuple(outer))
        value = holder.pop(name)
        if fault.meant and fault.meant not in holder:
            holder[fault.meant] = value
            self.renamed[*outer, fault.meant] = fault.path
        else:
            self.lost.add(fault.path)
        return True

    def _mend_value(self, fault: Fault) -> bool:
        if fault.code == "missing_key" and fault.path in self.renamed:
            return False  # the misspelt key was this one
        if fault.path not in self.renamed:  # otherwise the rename was a wrong guess, and the key has been reported
            self._tell(fault)
        return self._take_out(fault.path)

    def _tell(self, fault: Fault) -> None:
        if fault.path not in self._told and fault.path not in self.lost:
            self._told.add(fault.path)
            self.faults.append(fault)

    def _take_out(self, path: Path) -> bool:
        """Replace the value at a path, or remove its key; if neither is possible, do so with its parent."""
        if self._at(path[:-1]) is ABSENT:
            return True  # its parent has been removed already
        for end in range(len(path), 0, -1):
            place = path[:end]
            holder = self._at(place[:-1])
            stand_in = ABSENT if place in self.lost else self._stand_in(place)
            is_there = not isinstance(holder, list) or self._at(place) is not ABSENT
            if stand_in is not ABSENT and holder is not ABSENT and is_there:
                holder[place[-1]] = stand_in
                self.lost.add(place)
                return True
            if isinstance(holder, dict) and place[-1] in holder:
                del holder[place[-1]]
                self.lost.add(place)
                return True
        return False

    def _at(self, path: Path) -> Any:
        value = self.document
        for part in path:
            try:
                value = value[part]
            except (KeyError, IndexError, TypeError):
                return ABSENT
        return value


def repaired(
    model: type[Model],
    document: Any,
    stand_in: StandIn = lambda _path: ABSENT,
    *,
    is_strict: bool = False,
    unquoted: Path | None = None,
) -> tuple[Model | None, DocumentRepair]:
    """Return the model of a document, or of what remains of it, and the repair with all faults.

    The model is None if nothing can be saved. `is_strict`: the document is JSON, in which "5" and true are no numbers;
    variables of the environment, which override config.yaml, have texts only. `unquoted`: as for `faults`.
    """
    repair = DocumentRepair(document, stand_in)
    for attempt in range(_MOST_ROUNDS):  # pydantic checks a model as a whole only when all of its fields are valid
        try:
            if is_strict:
                return model.model_validate_json(json.dumps(repair.document), strict=True), repair
            return model.model_validate(repair.document), repair
        except ValidationError as error:
            found = faults(error, model, repair.document, unquoted)
            if attempt == 0:
                repair.document = copy.deepcopy(document)  # only now: most documents have no faults
            if not repair.mend(found):
                break
    return None, repair
