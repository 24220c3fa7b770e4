"""Large values of a run: kept once as a file under their hash; steps, events and logs hand on references to them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from enum import Enum
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from engine.errors import StorageError
from engine.expressions.deferred import complete
from engine.expressions.expressions import compact_json
from engine.names import run_day
from engine.runner.file_values import FILE, JSON, LITERAL, TEXT, FileValue, kept, live, written
from engine.runner.run_files import RunFiles
from engine.store.journal import JournalBroken

Result = TypeVar("Result")

LARGE_BYTES = 256 * 1024
_LOOKED_AT = 200
_BYTES_A_CHARACTER = 6  # at most, as JSON: `\u0001`
_BYTES_A_NUMBER = 25
_BYTES_A_REFERENCE = 200


class Values:
    """The `<run_id>.files` folder of one run.

    A value has two forms. Expressions see a FileValue in the place of each large value; events and logs carry
    `{"$file", "bytes", "media_type"}` there. Only what this class wrote is taken for a reference when it is read.
    """

    def __init__(self, logs: Path, run_id: str) -> None:
        self._logs, self._run_id = logs, run_id
        self.files = RunFiles(logs, run_id)

    @cached_property
    def _folder(self) -> Path:
        """Most runs have no large value and need no path to it."""
        return self._logs / run_day(self._run_id) / f"{self._run_id}.files"

    def kept(self, value: Any) -> Any:
        """Return the value with what is over 256 KB in it as FileValues, from the inside out. Raises JournalBroken.

        So a large list in a small object is one file, and the object stays as it is.
        """
        if isinstance(value, str):
            return self._file(value, TEXT) if _is_large(value) else value
        if not isinstance(value, dict | list) or not self._may_be_large(value):
            return value
        value = self._inside_kept(value)
        text = self._text(value)
        return self._file(text, JSON) if _is_large(text) else value

    def kept_fields(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Return an object whose fields are `kept` one by one; the object itself stays one. Raises JournalBroken."""
        return {name: self.kept(value) for name, value in fields.items()}

    def written(self, value: Any) -> Any:
        """Return a value that was kept as events and logs carry it."""
        if isinstance(value, dict | list):
            found = look(value)
            if found is Look.PLAIN or (found is not Look.REFERS and self._plain_text(value) is not None):
                return value
        return written(value, self._folder)

    def live(self, value: Any) -> Any:
        """Return what an event or log carries as expressions see it; nothing is read."""
        return value if look(value) is Look.PLAIN else live(value, self._folder)

    def whole(self, value: Any) -> Any:
        """Keep a value, and return it as events and logs carry it. Raises JournalBroken."""
        return self.written(self.kept(value))

    def loaded(self, value: Any) -> Any:
        """Return what an event or log carries with everything read that it refers to. Raises InvalidFile."""
        return complete(self.live(value))

    def _may_be_large(self, value: Any) -> bool:
        found = look(value)
        return _is_large(self._text(value)) if found is Look.UNCLEAR else not found.is_small

    def _inside_kept(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self.kept(inner) for key, inner in value.items()}
        return [self.kept(inner) for inner in value]

    def _text(self, value: Any) -> str:
        plain = self._plain_text(value)
        return compact_json(written(value, self._folder)) if plain is None else plain

    def _plain_text(self, value: Any) -> str | None:
        """Return JSON text; None where something in the value is, or looks like, a reference of this run."""
        try:
            text = compact_json(value)
        except TypeError:  # a FileValue
            return None
        return None if f'"{FILE}":"{self._folder.name}/' in text else text

    def _file(self, text: str, media_type: str) -> FileValue:
        try:
            return kept(self._folder, text, media_type)
        except StorageError as error:
            raise JournalBroken(error) from error  # as much a part of what must last as the event that names it


class Look(Enum):
    """What a short look at a value tells."""

    PLAIN = "under 256 KB, and nothing like a reference in it"
    REFERS = "under 256 KB, with something that is or looks like a reference"
    LONG = "has a text over 256 KB in it"
    UNCLEAR = "too many parts for a short look"

    @property
    def is_small(self) -> bool:
        """Whether the value is certainly under 256 KB, apart from what lies in files."""
        return self in (Look.PLAIN, Look.REFERS)


def look(value: Any) -> Look:
    """Look at a value for a moment. Most values are small and plain: for them, this is all that large ones cost."""
    room, ahead, found = LARGE_BYTES, [value], Look.PLAIN
    for _ in range(_LOOKED_AT):
        if not ahead:
            return found
        one = ahead.pop()
        kind = type(one)
        if kind is str:
            if len(one) > LARGE_BYTES:
                return Look.LONG
            room -= len(one) * _BYTES_A_CHARACTER
        elif kind is dict:
            if FILE in one or LITERAL in one:
                found = Look.REFERS
            ahead += one.values()
            room -= sum(map(len, one)) * _BYTES_A_CHARACTER
        elif kind is list:
            ahead += one
        elif kind is FileValue:
            found, room = Look.REFERS, room - _BYTES_A_REFERENCE
        room -= _BYTES_A_NUMBER
        if room < 0 or len(ahead) > _LOOKED_AT:
            return Look.UNCLEAR
    return Look.UNCLEAR


Forms: TypeAlias = tuple[Any, Any]
"""A value that was kept: as expressions see it, and as events and logs carry it; the same object where it is plain."""


async def forms(value: Any, values: Values, keep: Callable[[Any], Any]) -> Forms:
    """Return both forms of a value that `keep` keeps; what may be large goes through a thread: the loop goes on."""
    found = look(value)
    if found is Look.PLAIN:
        return value, value
    if found is Look.REFERS:
        return value, values.written(value)

    def both() -> Forms:
        live = keep(value)
        return live, values.written(live)

    return await asyncio.to_thread(both)


async def in_thread_if_read(value: Any, work: Callable[[], Result]) -> Result:
    """Do work that needs all of a value: in a thread where files must be read for it."""
    return work() if look(value) is Look.PLAIN else await asyncio.to_thread(work)


def _is_large(text: str) -> bool:
    # A character takes four bytes at most: short texts need not be encoded to know.
    if len(text) * 4 <= LARGE_BYTES:
        return False
    return len(text) > LARGE_BYTES or len(text.encode()) > LARGE_BYTES
