"""Large values of a run: stored once in a file named by its hash; steps, events and logs pass references."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, TypeAlias, TypeVar

from engine.base.errors import StorageError
from engine.base.lazy_values import Unknown, complete, known_parts
from engine.expressions.json_values import compact_json
from engine.record.file_values import FILE, JSON, LITERAL, TEXT, UNKNOWN, FileValue, kept, live, written
from engine.record.run_files import RunFiles, RunFolder
from engine.store.blobs.blobs import Blobs
from engine.store.journal import JournalBroken

Result = TypeVar("Result")

LARGE_BYTES = 256 * 1024
_LOOKED_AT = 200  # parts of a value; most values have fewer
_BYTES_A_CHARACTER = 6  # at most, as JSON: `\u0001`
_BYTES_A_NUMBER = 25  # -2.2250738585072014e-308, and a comma
_BYTES_A_REFERENCE = 200  # `$file` with a run's folder and 64 digits, `bytes` and `media_type`


class Values:
    """The large values of one run.

    A value has two forms. For expressions, each large value is a FileValue; in events and logs it is
    `{"$file", "bytes", "media_type"}`. When reading, only references written by this class are recognised.
    """

    def __init__(self, blobs: Blobs, run_id: str) -> None:
        self._folder = RunFolder(blobs, run_id)
        self.files = RunFiles(self._folder)

    def kept(self, value: Any) -> Any:
        """Return the value with its parts over 256 KB as FileValues, from the inside out. Raises JournalBroken.

        So a large list in a small object becomes one file, and the object stays as it is.
        """
        if isinstance(value, str):
            return self._file(value, TEXT) if _is_large(value) else value
        if not isinstance(value, dict | list) or not self._may_be_large(value):
            return value
        value = self._inside_kept(value)
        text = self._text(value)
        return self._file(text, JSON) if _is_large(text) else value

    def kept_fields(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Return an object whose fields are `kept` one by one, never the object itself. Raises JournalBroken."""
        return {name: self.kept(value) for name, value in fields.items()}

    def written(self, value: Any) -> Any:
        """Return a kept value in the form of events and logs."""
        if isinstance(value, dict | list):
            found = look(value)
            if found is ValueLook.PLAIN or (found is not ValueLook.REFERS and self._plain_text(value) is not None):
                return value
        return written(value, self._folder)

    def live(self, value: Any) -> Any:
        """Return a value of an event or log in the form of expressions; nothing is read."""
        return value if look(value) is ValueLook.PLAIN else live(value, self._folder)

    def whole(self, value: Any) -> Any:
        """Store the large parts of a value and return it in the form of events and logs. Raises JournalBroken."""
        return self.written(self.kept(value))

    def loaded(self, value: Any) -> Any:
        """Return a value of an event or log with all references loaded. Raises InvalidFile."""
        return complete(self.live(value))

    def planned(self, value: Any) -> Any:
        """Return a value of a planning run as `loaded` does; what was not known yet stays Unknown."""
        return known_parts(self.live(value))

    def _may_be_large(self, value: Any) -> bool:
        found = look(value)
        return _is_large(self._text(value)) if found is ValueLook.UNCLEAR else not found.is_small

    def _inside_kept(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self.kept(inner) for key, inner in value.items()}
        return [self.kept(inner) for inner in value]

    def _text(self, value: Any) -> str:
        plain = self._plain_text(value)
        return compact_json(written(value, self._folder)) if plain is None else plain

    def _plain_text(self, value: Any) -> str | None:
        """Return JSON text; None if something in the value is, or looks like, a reference of this run."""
        try:
            text = compact_json(value)
        except TypeError:  # a FileValue
            return None
        return None if f'"{FILE}":"{self._folder.name}/' in text or f'"{UNKNOWN}"' in text else text

    def _file(self, text: str, media_type: str) -> FileValue:
        try:
            return kept(self._folder, text, media_type)
        except StorageError as error:
            raise JournalBroken(error) from error  # it must be as durable as the event that names it


class ValueLook(Enum):
    """The result of a short look at a value."""

    PLAIN = "under 256 KB, and nothing like a reference in it"
    REFERS = "under 256 KB, with something that is or looks like a reference"
    LONG = "has a text over 256 KB in it"
    UNCLEAR = "too many parts for a short look"

    @property
    def is_small(self) -> bool:
        """Whether the value is certainly under 256 KB, not counting values in files."""
        return self in (ValueLook.PLAIN, ValueLook.REFERS)


def look(value: Any) -> ValueLook:
    """Inspect a value briefly. Most values are small and plain: for them, large values cost no more than this."""
    room, ahead, found = LARGE_BYTES, [value], ValueLook.PLAIN
    for _ in range(_LOOKED_AT):
        if not ahead:
            return found
        one = ahead.pop()
        kind = type(one)
        if kind is str:
            if len(one) > LARGE_BYTES:
                return ValueLook.LONG
            room -= len(one) * _BYTES_A_CHARACTER
        elif kind is dict:
            if FILE in one or LITERAL in one or UNKNOWN in one:
                found = ValueLook.REFERS
            ahead += one.values()
            room -= sum(map(len, one)) * _BYTES_A_CHARACTER
        elif kind is list:
            ahead += one
        elif kind is FileValue or kind is Unknown:
            found, room = ValueLook.REFERS, room - _BYTES_A_REFERENCE
        room -= _BYTES_A_NUMBER
        if room < 0 or len(ahead) > _LOOKED_AT:
            return ValueLook.UNCLEAR
    return ValueLook.UNCLEAR


Forms: TypeAlias = tuple[Any, Any]
"""A kept value in the form of expressions, and in the form of events and logs; the same object if it is plain."""


async def forms(value: Any, values: Values, keep: Callable[[Any], Any]) -> Forms:
    """Return both forms of a value stored with `keep`; use a thread if it may be large, so as not to block the loop."""
    found = look(value)
    if found is ValueLook.PLAIN:
        return value, value
    if found is ValueLook.REFERS:
        return value, values.written(value)

    def both() -> Forms:
        live = keep(value)
        return live, values.written(live)

    return await asyncio.to_thread(both)


async def in_thread_if_read(value: Any, work: Callable[[], Result]) -> Result:
    """Do work that needs all of a value: in a thread if files must be read for it."""
    return work() if look(value) is ValueLook.PLAIN else await asyncio.to_thread(work)


def _is_large(text: str) -> bool:
    # A character takes at most four bytes: short texts need not be encoded to know.
    if len(text) * 4 <= LARGE_BYTES:
        return False
    return len(text) > LARGE_BYTES or len(text.encode()) > LARGE_BYTES  # it takes at least one, too
