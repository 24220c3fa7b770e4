"""Lists of objects in JSON, and JSON lines, as tables; large files are read an item at a time."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from decimal import Decimal
from itertools import chain, islice
from typing import Any

import orjson

from engine.sandbox.readers.encodings import Damage, lines
from engine.sandbox.readers.file_kinds import RECORD, FileKind
from engine.sandbox.readers.number_columns import numbers_of
from engine.sandbox.readers.source import FileRefused, SourceFile
from engine.sandbox.readers.tables import EXACT_MOST, TableBuilder, Through, chosen

_AT_ONCE = 20 * 1024 * 1024
"""Bytes up to which a file is parsed as a whole."""
_NAMED_BY = 1000
"""Rows whose names make the columns."""
_FILLED_MOST = 200
"""Columns up to which a row in the file has null where it has no value: with more, a row may have one in thousands."""
_LONG = re.compile(rb"(?<![.\d])\d{16}")
"""Perhaps a whole number that a float would round: orjson reads the largest ones as floats."""
_SAID_MOST = 200
_NO_VALUE = re.compile(r"-?(NaN|Infinity)\b")


def table(source: SourceFile, kind: FileKind, options: Mapping[str, Any], into: TableBuilder) -> None:
    """Take a list of objects: the file itself, or its only member that is a list, or the member `sheet` names.

    Raises FileRefused with the place of what is not JSON (RFC 8259; sequences as in RFC 7464).
    """
    damage = Damage()
    if kind.name == "json_lines":
        with closing(_of_lines(source, kind, damage)) as items:
            _fill(into, items, options)
    elif source.size <= _AT_ONCE:
        _fill(into, _of_document(source, kind, options.get("sheet"), into, damage), options)
    else:
        _fill(into, _streamed(source, options.get("sheet"), into), options)
    into.notes += damage.notes()


def _fill(into: TableBuilder, items: Iterator[Any], options: Mapping[str, Any]) -> None:
    first = [_row(one) for one in islice(items, _NAMED_BY)]
    into.more_columns(dict.fromkeys(name for row in first for name in row))
    known = set(into.columns)
    for row in _typed(chain(first, map(_row, items)), tuple(into.columns), numbers_of(options, into)):
        if not known.issuperset(row):
            into.more_columns(name for name in row if name not in known)
            known.update(row)
        if len(known) <= _FILLED_MOST:
            row = {name: row.get(name) for name in into.columns}  # noqa: PLW2901
        into.put(row)


def _typed(rows: Iterator[dict[str, Any]], names: Sequence[str], through: Through) -> Iterator[dict[str, Any]]:
    """Yield objects with what `through` makes of the columns of these names."""
    if through is iter:
        yield from rows
        return
    kept: deque[dict[str, Any]] = deque()

    def cells() -> Iterator[list[Any]]:
        for row in rows:
            kept.append(row)
            yield [row.get(name) for name in names]

    for made in through(cells()):
        row = kept.popleft()
        yield row | {name: value for name, value in zip(names, made, strict=True) if name in row}


def _row(item: Any) -> dict[str, Any]:
    if not isinstance(item, dict):
        return {"value": _plain(item)}
    return {str(name): _plain(value) for name, value in item.items()}


def _plain(value: Any) -> Any:
    if type(value) is int:
        return value if abs(value) <= EXACT_MOST else str(value)
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() and abs(value) < EXACT_MOST else float(value)
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


def _of_lines(source: SourceFile, kind: FileKind, damage: Damage) -> Generator[Any]:
    for begun, text in _records(lines(source, kind.encoding, damage)):
        if text.strip():
            yield _parsed(text.rstrip().encode("utf-8", "replace"), begun)


def _records(read: Iterator[str]) -> Iterator[tuple[int, str]]:
    """Yield (the number of its first line, JSON): each line, or what follows each record separator (RFC 7464)."""
    begun, parts, is_sequence = 1, [], False
    for number, line in enumerate(read, 1):
        rest, *records = line.split(RECORD)
        parts.append(rest)
        for record in records:
            yield begun, "".join(parts)
            begun, parts, is_sequence = number, [record], True
        if not is_sequence:
            yield begun, "".join(parts)
            begun, parts = number + 1, []
    yield begun, "".join(parts)


def _of_document(source: SourceFile, kind: FileKind, sheet: Any, into: TableBuilder, damage: Damage) -> Iterator[Any]:
    text = source.whole().decode(kind.encoding, "replace")
    for number, line in enumerate(text.splitlines() if "\ufffd" in text else (), 1):
        damage.look(line, number)
    found = _parsed(text.encode("utf-8", "replace"))
    if isinstance(found, list):
        if not found:
            into.notes.append("The list that the JSON is has no items.")
        return iter(found)
    lists = {name: one for name, one in found.items() if isinstance(one, list)} if isinstance(found, dict) else {}
    into.sheets += list(lists)
    if lists and (sheet is not None or len(lists) == 1):
        name = chosen(list(lists), sheet, "list")
        if not lists[name]:
            others = "; its other members are no lists" if len(found) > len(lists) == 1 else ""
            into.notes.append(f"The list {name!r} of the JSON is empty{others}.")
        return iter(lists[name])
    seen = f"the lists {', '.join(map(repr, list(lists)[:20]))}" if lists else "no list"
    raise FileRefused(f"The JSON has {seen}; name one in `sheet`.")


def _streamed(source: SourceFile, sheet: Any, into: TableBuilder) -> Iterator[Any]:
    import ijson

    prefix = "item" if source.head(1000).lstrip()[:1] == b"[" else f"{sheet}.item"
    if prefix == "None.item":
        raise FileRefused("The JSON is an object: name the member that is the list in `sheet`.")
    source.content.seek(0)
    is_empty = True
    try:
        for item in ijson.items(source.content, prefix):
            is_empty = False
            yield item
    except (ijson.JSONError, UnicodeDecodeError, ValueError) as error:
        where = " ".join(str(error).split())[:_SAID_MOST]
        raise FileRefused(f"The file is not JSON: {where}") from error
    if is_empty:
        into.notes.append("The JSON has no such list, or an empty one.")


def _parsed(text: bytes, begun: int = 1) -> Any:
    """Return the value of JSON that begins in this line of the file. Raises FileRefused."""
    try:
        found = orjson.loads(text)
        return json.loads(text, parse_int=_whole) if _LONG.search(text) else found
    except RecursionError as error:
        raise FileRefused("The JSON is nested too deeply.") from error
    except orjson.JSONDecodeError as error:
        if "not enough memory" in str(error).lower():
            raise MemoryError from error
        deep = "recursion" in str(error).lower()
        raise FileRefused("The JSON is nested too deeply." if deep else _mistake(error, begun)) from error


def _mistake(error: json.JSONDecodeError, begun: int) -> str:
    line = f"Line {begun + error.lineno - 1:,} is not JSON"
    if found := _NO_VALUE.match(error.doc, error.pos - (error.doc[error.pos - 1 : error.pos] == "-")):
        return f"{line}, which has no {found[0]}: have null, or a text, written instead."
    return f"{line}: {error.msg} at character {error.colno:,}."


def _whole(digits: str) -> int | str:
    return int(digits) if len(digits) <= len(str(-EXACT_MOST)) else digits
