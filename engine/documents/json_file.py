"""A JSON file with the position of every value, so that problems can name a line and column."""

from __future__ import annotations

import errno
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from engine.base.errors import InvalidFile, InvalidInput, StorageError
from engine.base.problem import Problem
from engine.documents.git_conflict import conflict_or
from engine.documents.json_reader import REMEDIES, JsonReader, Lines, Spot, Spots, UnparsableText

JsonPath = tuple[str | int, ...]
LARGEST_BYTES = 1_000_000
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})
_NO_JSON = frozenset({"syntax", "not_a_number"})
BOM = "\ufeff"
"""Editors of Windows begin a file with it. No text has it here, and a file that has one keeps it."""
_DECODER = json.JSONDecoder()
# One match per character of the decoded string; a surrogate pair is one character.
_CHARACTER = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.|.", re.DOTALL
)


class JsonPart(NamedTuple):
    """What stands at a place of a JSON text."""

    path: JsonPath
    offset: int
    """An index into the decoded string, if the value is one."""
    is_key: bool


@dataclass(frozen=True)
class JsonFile:
    """A parsed JSON text: its value, and the line and column of every part."""

    file: str
    text: str
    value: Any
    spot: Spot = field(repr=False, compare=False, default=0)

    def place(self, path: JsonPath, offset: int = 0) -> tuple[int, int]:
        """Return line and column (from 1) of the value at `path`, or of its nearest existing parent.

        `offset` is an index into the decoded string at `path`; escapes before it are counted as written.
        """
        spot, value, found = self._follow(path)
        index = _start(spot)
        if found and offset and isinstance(value, str):
            index = self._index_in_string(index, offset)
        return self._lines.place(index)

    def key_place(self, path: JsonPath) -> tuple[int, int]:
        """Return line and column (from 1) of the key at the end of `path`; of the value if it has no key."""
        if path:
            parent, _, found = self._follow(path[:-1])
            if found and isinstance(parent, Spots) and path[-1] in parent.keys:
                return self._lines.place(parent.keys[str(path[-1])])
        return self.place(path)

    def part_at(self, line: int, column: int) -> JsonPart:
        """Return what stands at a line and column that `place` or `key_place` has returned."""
        index = self._lines.index(line, column)
        path: JsonPath = ()
        spot, value = self.spot, self.value
        while isinstance(spot, Spots):
            key = next((key for key, start in spot.keys.items() if start == index), None)
            if key is not None:
                return JsonPart((*path, key), 0, is_key=True)
            children: Any = spot.values.items() if isinstance(spot.values, dict) else enumerate(spot.values)
            inside = [(name, child) for name, child in children if _start(child) <= index]
            if not inside:
                break
            name, spot = inside[-1]
            path, value = (*path, name), value[name]
        return JsonPart(
            path, self._offset_in_string(_start(spot), index) if isinstance(value, str) else 0, is_key=False
        )

    def span(self, path: JsonPath, begin: int, end: int) -> tuple[int, int]:
        """Return where a part of the string at `path` is in the text; `begin` and `end` index the decoded string."""
        start = _start(self._follow(path)[0])
        return self._index_in_string(start, begin), self._index_in_string(start, end)

    def replaced(self, strings: Mapping[JsonPath, str]) -> str:
        """Return the text with strings in place of the values at these paths; all else is unchanged."""
        starts = {_start(self._follow(path)[0]): new for path, new in strings.items()}
        text = self.text
        for start in sorted(starts, reverse=True):
            _, end = _DECODER.raw_decode(text, start)
            text = text[:start] + json.dumps(starts[start], ensure_ascii=False) + text[end:]
        return text

    def with_text(self, key: str, value: str, after: str) -> str:
        """Return the text with a key of the outermost object set to a string; all else is unchanged.

        A new key comes after the key `after`, or first without it. The value must be an object.
        """
        if key in self.value:
            return self.replaced({(key,): value})
        item = f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}"
        if not isinstance(self.spot, Spots) or not self.value:
            return f"{{{item}}}"
        begin = _start(self.spot) + 1
        gap = self.text[begin : min(self.spot.keys.values())]
        if after not in self.value:
            return f"{self.text[:begin]}{gap}{item},{gap or ' '}{self.text[begin:].lstrip()}"
        _, end = _DECODER.raw_decode(self.text, _start(self._follow((after,))[0]))
        return f"{self.text[:end]},{gap or ' '}{item}{self.text[end:]}"

    @cached_property
    def _lines(self) -> Lines:
        return Lines(self.text)

    def _follow(self, path: JsonPath) -> tuple[Spot, Any, bool]:
        """Walk down as far as `path` exists; the last item says whether that was all the way."""
        spot, value = self.spot, self.value
        for part in path:
            if not isinstance(spot, Spots) or not _has(value, part):
                return spot, value, False
            spot, value = spot.values[part], value[part]  # type: ignore[index]
        return spot, value, True

    def _offset_in_string(self, start: int, index: int) -> int:
        offset, start = 0, start + 1
        while start < index and (character := _CHARACTER.match(self.text, start)) is not None:
            offset, start = offset + 1, character.end()
        return offset

    def _index_in_string(self, start: int, offset: int) -> int:
        index = start + 1
        for _ in range(offset):
            character = _CHARACTER.match(self.text, index)
            if character is None or character.group() == '"':
                break
            index = character.end()
        return index


def parse(text: str, file: str, largest_bytes: int = LARGEST_BYTES) -> JsonFile:
    """Parse `text`; `file` is the name used in problems.

    Raises InvalidFile with every problem up to the first syntax error: duplicate keys, NaN, numbers over 64 bits, lone
    surrogates, more than 64 levels, too large.
    """
    text = text.removeprefix(BOM)
    if len(text) > largest_bytes:
        refuse(file, _too_large(len(text), largest_bytes))
    reader = JsonReader(text, file)
    try:
        value, spot = reader.read()
    except UnparsableText:
        value, spot = None, 0
    if reader.problems:
        raise InvalidFile.of(file, conflict_or(reader.problems, text, file))
    return JsonFile(file, text, value, spot)


def object_in(text: str) -> dict[str, Any] | None:
    """Return the object that a text is; None if it is another value, or cannot be read."""
    try:
        value = parse(text, "").value
    except InvalidFile:
        return None
    return value if isinstance(value, dict) else None


def typed_value(text: str, what: str) -> Any:
    """Return the value of JSON that a person typed; `what` names it. Raises InvalidInput for any error of `parse`."""
    try:
        return parse(text, what).value
    except InvalidFile as error:
        raise _not_valid(what, error) from error


def typed_value_or_text(text: str, what: str, otherwise: str) -> Any:
    """Return the value of JSON that a person typed, or the text itself if it is a word or another text.

    Raises InvalidInput as `typed_value` for JSON that cannot be kept, and for what only begins as a list or an object.
    `otherwise`: what else a person could do about that.
    """
    try:
        return parse(text, what).value
    except InvalidFile as error:
        if text.lstrip()[:1] not in ("{", "[") and any(one.code in _NO_JSON for one in error.problems):
            return text
        raise _not_valid(what, error, otherwise) from error


def _not_valid(what: str, error: InvalidFile, otherwise: str = "") -> InvalidInput:
    first = error.problems[0]
    place = f"line {first.line}, column {first.column}"
    remedy = f"{first.remedy} {otherwise}".strip()
    return InvalidInput(f"{what} is not valid JSON, {place}: {first.message}", remedy=remedy)


def read(path: Path, file: str | None = None, largest_bytes: int = LARGEST_BYTES) -> JsonFile:
    """Read the file at `path`; `file` is the name used in problems (default: the path as given).

    Raises InvalidFile, also if the file is missing, not a regular file, not readable, or not UTF-8 (a BOM is fine).
    """
    name = file or str(path)
    return parse(read_text(path, name, largest_bytes), name, largest_bytes)


def read_text(path: Path, file: str, largest_bytes: int = LARGEST_BYTES) -> str:
    """Return the text of a regular UTF-8 file without its BOM; raise InvalidFile with the reason if that fails.

    Raises StorageError if the cause is not the file: this process cannot open any file.
    """
    return decoded(read_bytes(path, file, largest_bytes), file)


def read_bytes(path: Path, file: str, largest_bytes: int = LARGEST_BYTES) -> bytes:
    """Return what a regular file has. Raises as `read_text` does."""
    try:
        if not path.is_file():  # a device or a pipe would block for ever
            refuse(file, ("This is not a regular file." if path.exists() else "There is no such file.", "unreadable"))
        with path.open("rb") as stream:
            data = stream.read(largest_bytes + 1)
    except OSError as error:
        unreadable(file, path, error)
    if len(data) > largest_bytes:
        refuse(file, _too_large(path.stat().st_size, largest_bytes))
    return data


def has_bom(path: Path) -> bool:
    """Return whether a file begins with a BOM; not if it cannot be read."""
    try:
        with path.open("rb") as stream:
            return stream.read(3) == BOM.encode()
    except OSError:
        return False


def refuse(file: str, what: tuple[str, str], place: tuple[int, int] = (1, 1)) -> NoReturn:
    """Raise InvalidFile with one problem: `what` is (message, code), `place` (line, column)."""
    message, code = what
    problem = Problem(message, code, file=file, line=place[0], column=place[1], remedy=REMEDIES.get(code, ""))
    raise InvalidFile.of(file, [problem])


def unreadable(file: str, path: Path, error: OSError) -> NoReturn:
    """Raise the reason why a file cannot be read: StorageError if this process cannot open any, else InvalidFile."""
    if error.errno in _EXHAUSTED:
        raise StorageError(f"{path} cannot be read: {error.strerror}.") from error
    refuse(file, (f"The file cannot be read: {error.strerror or error}.", "unreadable"))


def decoded(data: bytes, file: str) -> str:
    """Return the text of a UTF-8 file without its BOM. Raises InvalidFile that names the first wrong byte."""
    try:
        return data.decode().removeprefix(BOM)
    except UnicodeDecodeError as error:
        before = data[: error.start].decode()
        place = Lines(before).place(len(before.removeprefix(BOM)))
        refuse(file, (f"The byte 0x{data[error.start]:02x} is not UTF-8.", "not_utf8"), place)


def _too_large(size: int, largest: int = LARGEST_BYTES) -> tuple[str, str]:
    return f"The file has {size:,} bytes; at most {largest:,} are allowed.", "too_large"


def _start(spot: Spot) -> int:
    return spot.start if isinstance(spot, Spots) else spot


def _has(value: Any, part: str | int) -> bool:
    if isinstance(value, dict):
        return part in value
    return isinstance(value, list) and isinstance(part, int) and 0 <= part < len(value)
