"""Reads a JSON text again after a splice: only the members around it, so that many edits of a large text are quick.

Everything else is taken over: its positions move, and its values are the same objects.
"""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Any, NamedTuple

from engine.documents.json_file import LARGEST_BYTES, JsonFile, parse
from engine.documents.json_reader import JsonReader, Spot, Spots, UnparsableText, moved
from engine.documents.json_splice import Splice

_DECODER = json.JSONDecoder()
_BEFORE, _AFTER = "<", ">"
"""Placeholder keys, for the members around the ones that are read again."""


class _Box(NamedTuple):
    """An object or list around the splice."""

    spot: Spots
    value: Any


def edited(file: JsonFile, splice: Splice) -> JsonFile:
    """Return the same as `parse` for the spliced text. Raises InvalidFile as that does, and Misplaced."""
    text = splice.of(file.text)
    found = _edited(file, splice, text) if len(text) <= LARGEST_BYTES else None
    return parse(text, file.file) if found is None else found


def _edited(file: JsonFile, splice: Splice, text: str) -> JsonFile | None:
    start, end = splice.start, splice.start + len(splice.removed)
    by = len(splice.inserted) - len(splice.removed)
    if not isinstance(file.spot, Spots) or not _is_inside(file.spot, start, end):
        return None
    path: list[str | int] = []
    boxes = [_Box(file.spot, file.value)]
    while (key := _key_around(boxes[-1].spot, start, end)) is not None:
        path.append(key)
        boxes.append(_Box(boxes[-1].spot.values[key], boxes[-1].value[key]))  # type: ignore[index]
    new = _with_members(file, text, boxes[-1], (start, end, by), len(boxes))
    if new is None:
        return None
    for box, key in zip(reversed(boxes[:-1]), reversed(path), strict=True):
        new = _with(box, key, new, by)
    return JsonFile(file.file, text, new.value, new.spot)


def _is_inside(spot: Spots, start: int, end: int) -> bool:
    return spot.start < start and end < spot.end


def _key_around(spot: Spots, start: int, end: int) -> str | int | None:
    """Return the key of the object or list inside which all of the splice is."""
    values = spot.values
    if isinstance(values, list):
        at = bisect_right(values, start, key=_start) - 1
        near: Sequence[tuple[str | int, Spot]] = [(at, values[at])] if at >= 0 else []
    else:
        near = list(values.items())
    return next((key for key, one in near if isinstance(one, Spots) and _is_inside(one, start, end)), None)


def _with_members(file: JsonFile, text: str, box: _Box, where: tuple[int, int, int], depth: int) -> _Box | None:
    """Return an object or list with the members around the splice read again; None if that cannot be done."""
    (start, end, by), spot = where, box.spot
    starts: list[Any] = list(spot.keys.values()) if isinstance(spot.values, dict) else spot.values
    spots = list(spot.values.values()) if isinstance(spot.values, dict) else spot.values
    before, after = (bisect_left(starts, at, key=_start) for at in (start, end))
    if before and _end(file.text, spots[before - 1]) > start:
        before -= 1
    first = _end(file.text, spots[before - 1]) if before else spot.start + 1
    last = (_start(starts[after]) if after < len(starts) else spot.end - 1) + by
    is_object = isinstance(spot.values, dict)
    ahead, behind = _stand_ins(is_object=is_object, before=before > 0, after=after < len(starts))
    read = _read(f"{ahead}{text[first:last]}{behind}", depth)
    if read is None:
        return None
    own = slice(before > 0, len(read.value) - (after < len(starts)))
    inner = moved(read.spot, first - len(ahead))
    assert isinstance(inner, Spots)
    if isinstance(spot.values, list) and isinstance(inner.values, list):
        values = [*spot.values[:before], *inner.values[own], *(moved(one, by) for one in spots[after:])]
        entries = [*box.value[:before], *read.value[own], *box.value[after:]]
        return _Box(Spots(spot.start, {}, values, spot.end + by), entries)
    names = list(spot.keys)
    new = list(inner.keys)[own]
    if set(new) & {*names[:before], *names[after:]}:
        return None  # the key is there twice now, and only a reading of the whole text names both places
    places: dict[str, Any] = dict(zip(names[:before], spots[:before], strict=True))
    places |= {name: inner.values[name] for name in new}  # type: ignore[call-overload]
    places |= {name: moved(one, by) for name, one in zip(names[after:], spots[after:], strict=True)}
    keys = dict(zip(names[:before], starts[:before], strict=True)) | {name: inner.keys[name] for name in new}
    keys |= {name: one + by for name, one in zip(names[after:], starts[after:], strict=True)}
    value = {name: read.value[name] if name in new else box.value[name] for name in places}
    return _Box(Spots(spot.start, keys, places, spot.end + by), value)


def _stand_ins(*, is_object: bool, before: bool, after: bool) -> tuple[str, str]:
    """Return placeholders for the members before and after the ones that are read again, with the brackets."""
    if is_object:
        return "{" + f'"{_BEFORE}":null' * before, f'"{_AFTER}":null' * after + "}"
    return "[" + "null" * before, "null" * after + "]"


def _read(text: str, depth: int) -> _Box | None:
    """Read an object or list at a depth; None if anything is wrong with it."""
    reader = JsonReader(text, "")
    try:
        value, spot = reader.read(depth)
    except UnparsableText:
        return None
    return _Box(spot, value) if isinstance(spot, Spots) and not reader.problems else None


def _with(box: _Box, key: str | int, new: _Box, by: int) -> _Box:
    """Return an object or list with another value for a member; what is behind it moves."""
    spot = box.spot
    if isinstance(spot.values, list):
        at = int(key)
        values = [*spot.values[:at], new.spot, *(moved(one, by) for one in spot.values[at + 1 :])]
        value: Any = [*box.value[:at], new.value, *box.value[at + 1 :]]
        return _Box(Spots(spot.start, {}, values, spot.end + by), value)
    own = spot.keys[str(key)]
    keys = {name: one + by if one > own else one for name, one in spot.keys.items()}
    places = {name: moved(one, by) if spot.keys[name] > own else one for name, one in spot.values.items()}
    places[str(key)] = new.spot
    return _Box(Spots(spot.start, keys, places, spot.end + by), {**box.value, key: new.value})


def _start(spot: Spot) -> int:
    return spot.start if isinstance(spot, Spots) else spot


def _end(text: str, spot: Spot) -> int:
    return spot.end if isinstance(spot, Spots) else _DECODER.raw_decode(text, spot)[1]
