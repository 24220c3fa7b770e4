"""A text that an operation edits, and the changes to its fields."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from clients.wording import did_you_mean
from engine.base.errors import InvalidInput
from engine.base.json_text import is_same
from engine.base.step_tree import FAILURE, ON_ERROR
from engine.documents.json_file import JsonFile, JsonPath
from engine.documents.json_splice import Splice, inserted, members, removed, replaced
from engine.workflows.editing.step_homes import STEPS
from engine.workflows.editing.steps_in_text import StepsInText
from engine.workflows.editing.writing import checked, dotted, value_at, writer
from engine.workspace.canonical import form_at


class EditedText:
    """A text, changed field by field; `splices` is what that takes."""

    def __init__(self, steps: StepsInText) -> None:
        self._steps = steps
        self.splices: list[Splice] = []

    @property
    def steps(self) -> StepsInText:
        """The text as it is now."""
        return self._steps

    def _change(self, *splices: Splice) -> None:
        self.splices += splices
        self._steps = self._steps.after(splices)

    def _path(self, step: str | None, field: Sequence[str | int]) -> JsonPath:
        place = () if step is None else self._steps.node(step).place
        if field[0] == STEPS or (field[0] in (FAILURE, ON_ERROR) and len(field) > 1):
            raise InvalidInput(
                f"{'.'.join(map(str, field))!r} holds steps.",
                remedy="Use add, move, remove or replace_step, which name steps by their ids.",
            )
        if field == ["id"]:
            raise InvalidInput(
                "The id of a step cannot be set or removed."
                if step
                else "The id of a workflow cannot be changed: its receipts and triggers depend on it.",
                remedy="Use rename, which changes the references, too." if step else "Leave 'id' out.",
            )
        return (*place, *self._with_indexes(place, field))

    def _with_indexes(self, place: JsonPath, field: Sequence[str | int]) -> Iterator[str | int]:
        """Yield the parts of a field; digits that name an entry of a list are its index."""
        holder = value_at(self._steps.document, place)
        for part in field:
            is_index = isinstance(holder, list) and isinstance(part, str) and part.isdecimal() and len(part) < 8
            yield (index := int(part) if is_index else part)
            if isinstance(holder, Mapping):
                holder = holder.get(index) if isinstance(index, str) else None
            elif isinstance(holder, list) and isinstance(index, int) and 0 <= index < len(holder):
                holder = holder[index]
            else:
                holder = None

    def _put(self, path: JsonPath, value: Any) -> None:
        file = self._steps.file
        holder, depth = self._deepest(path)
        if depth == len(path):
            if not is_same(value_at(file.value, path), checked(value)):
                self._change(replaced(file, path, writer(file, path, value, is_one_line=False)))
            return
        if any(isinstance(part, int) for part in path[depth + 1 :]):
            raise InvalidInput(f"{dotted(path)}: there is no list yet.", remedy="Set the list as a whole.")
        for part in reversed(path[depth + 1 :]):
            value = {part: value}
        if holder == []:
            self._change(replaced(file, path[:depth], writer(file, path[:depth], [value], is_one_line=False)))
        elif isinstance(holder, list):
            self._change(
                inserted(file, path[:depth], len(holder), writer(file, path[: depth + 1], value, is_one_line=False))
            )
        else:
            self._add_key(file, path[: depth + 1], value)

    def _deepest(self, path: JsonPath) -> tuple[Any, int]:
        """Return (what is there, its depth) of the longest part of a path that exists.

        Raises InvalidInput if the rest of the path cannot be made.
        """
        holder: Any = self._steps.document
        for depth, part in enumerate(path):
            if isinstance(holder, Mapping) and isinstance(part, str):
                if part not in holder:
                    return holder, depth
            elif isinstance(holder, list) and isinstance(part, int):
                if part == len(holder) and depth == len(path) - 1:
                    return holder, depth
                if not 0 <= part < len(holder):
                    raise InvalidInput(
                        f"{dotted(path[:depth])} has {len(holder)} entries, and no number {part} (from 0).",
                        remedy=f"Give 0 to {len(holder)}; {len(holder)} adds one.",
                    )
            else:
                raise _no_way(path, depth, holder)
            holder = holder[part]
        return holder, len(path)

    def _add_key(self, file: JsonFile, path: JsonPath, value: Any) -> None:
        """Add a key where the canonical form has it: behind the nearest of the keys that come before it."""
        key = str(path[-1])
        there = [str(one) for one in members(file, path[:-1]).keys]
        order = form_at("workflow", path[:-1]).keys
        ahead = order[: order.index(key)] if key in order else there
        where = max((there.index(one) + 1 for one in ahead if one in there), default=0)
        write = writer(file, path, value, is_one_line=False)
        self._change(inserted(file, path[:-1], where, write, key))

    def _take(self, path: JsonPath) -> None:
        file = self._steps.file
        holder: Any = file.value
        for depth, part in enumerate(path):
            known = list(holder) if isinstance(holder, Mapping) else []
            is_entry = isinstance(holder, list) and isinstance(part, int) and 0 <= part < len(holder)
            if part not in known and not is_entry:
                near = did_you_mean(str(part), known) if known else ""
                raise InvalidInput(f"{dotted(path[: depth + 1])} is not there.", remedy=near or "Leave this out.")
            holder = holder[part]
        self._change(removed(file, path))


def _no_way(path: JsonPath, depth: int, holder: Any) -> InvalidInput:
    there = "text" if isinstance(holder, str) else "an object" if isinstance(holder, dict) else json.dumps(holder)
    if isinstance(holder, list):
        return InvalidInput(f"{dotted(path[:depth])} is a list.", remedy='Name an entry by its number: ["links", 0].')
    return InvalidInput(
        f"{dotted(path[:depth])} is {there}, and has no part {path[depth]!r}.", remedy="Set it as a whole."
    )
