"""Tables of text: CSV and its relatives, with any separator, encoding, and lines above the head."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any

from clients.wording import counted
from engine.sandbox.readers.csv_tables.row_shapes import RowShapes
from engine.sandbox.readers.encodings import LINE_MOST, Damage, lines
from engine.sandbox.readers.file_kinds import FileKind
from engine.sandbox.readers.number_columns import numbers_of
from engine.sandbox.readers.source import EMPTY, FileRefused, SourceFile
from engine.sandbox.readers.tables import TableBuilder, fill
from engine.sandbox.readers.texts import TextBuilder, markdown_table

_SEPARATORS = ",;\t|"
_OTHERS = ";\t|"
_PARTING_COMMA = re.compile(r"(?<!\d),(?! )|,(?![\d ])")
"""A comma that is neither in a number nor in a sentence."""
_NONE = "\ufdd2"  # not a character (Unicode, 23.7): no text has it, so each line is one cell
_NAME = re.compile(r"[^\W\d][^\s,;\t|]*( [^\s,;\t|]+)?")
_INNER_COMMA = re.compile(r",(?! )")
_LOCAL_NUMBER = re.compile(r"[-+]?\d[\d. ]*,\d+ ?[%€$£]?")
_SAMPLE_LINES = 100
_SHOWN_MOST, _COUNTED_MOST = 500, 1_000_000
_END = "\ufdd0\ufdd1"
"""A line after the last one, which no other has: it ends up in a cell whose quote is not closed."""


def table(source: SourceFile, kind: FileKind, options: Mapping[str, Any], into: TableBuilder) -> None:
    """Take the rows; a column is numbers if all that its first rows have are such, and else text."""
    shapes, damage = RowShapes(), Damage()
    rows = _rows(source, kind, shapes, damage)
    through = numbers_of(options, into, plain=True)
    first, width = fill(into, rows, has_header=options.get("header"), through=through)
    if not shapes.has_text:
        raise FileRefused(EMPTY)
    into.notes += [*shapes.notes(first, width, into.columns), *damage.notes()]


def text(source: SourceFile, kind: FileKind, options: Mapping[str, Any], into: TextBuilder) -> None:
    """Take the first rows as a table of Markdown, or the file as it is."""
    if not into.is_markdown:
        from engine.sandbox.readers import plain

        return plain.text(source, kind, options, into)
    shapes, damage = RowShapes(), Damage()
    rows = _rows(source, kind, shapes, damage)
    shown: list[list[str]] = []
    size = 0
    for row in rows:
        size += sum(map(len, row)) + 4 * len(row)
        if len(shown) >= _SHOWN_MOST or (shown and size > into.most):
            left = sum(1 for _ in islice(rows, _COUNTED_MOST)) + 1
            into.leave_out(f"more than {_COUNTED_MOST:,} rows" if left > _COUNTED_MOST else counted(left, "row"))
            break
        shown.append(row)
    if not shapes.has_text:
        raise FileRefused(EMPTY)
    into.notes += [*shapes.notes(*shapes.usual()), *damage.notes()]
    return into.add(markdown_table(shown))


def separator_of(sample: Sequence[str]) -> str:
    """Return what separates the first lines of a file most evenly; for one column, a character that no line has."""
    if _is_one_column(sample):
        return _NONE
    evenness = {separator: _evenness(sample, separator) for separator in _SEPARATORS}
    if any(evenness[separator][0] == 1 for separator in _OTHERS) and not any(map(_PARTING_COMMA.search, sample)):
        del evenness[","]
    return max(evenness, key=lambda separator: evenness[separator])


def _is_one_column(sample: Sequence[str]) -> bool:
    """Return whether lines below one short name all have a comma as texts and numbers do: `Bold, Ann`, `12,50`.

    Several words in the first line may be a title.
    """
    name, *others = [line.strip() for line in sample if line.strip()] or [""]
    if _NAME.fullmatch(name) is None or not others or not all("," in line for line in others):
        return False
    return not any(sign in line for line in others for sign in ';\t|"') and all(
        _INNER_COMMA.search(line) is None or _LOCAL_NUMBER.fullmatch(line) for line in others
    )


def _evenness(sample: Sequence[str], separator: str) -> tuple[float, int]:
    """Return (share of the lines that have the usual number of cells, that number); nothing for lines of one cell."""
    try:
        widths = [len(row) for row in csv.reader(sample, delimiter=separator) if row]
    except csv.Error:
        return 0.0, 0
    several = Counter(width for width in widths if width > 1)
    if not several:
        return 0.0, 0
    width, count = max(several.items(), key=lambda item: (item[1], item[0]))
    return round(count / len(widths), 2), width


def _rows(source: SourceFile, kind: FileKind, shapes: RowShapes, damage: Damage) -> Iterator[list[str]]:
    csv.field_size_limit(LINE_MOST)
    read = lines(source, kind.encoding, damage)
    sample = list(islice(read, _SAMPLE_LINES))
    if sample and sample[0].lower().startswith("sep=") and len(sample[0].strip()) == 5:  # a hint for Excel
        separator, sample = sample[0][4], sample[1:]
        shapes.line = 2
    else:
        separator = separator_of(sample)
    given = (line.replace(_END, "") for line in chain(sample, read))
    return _parsed(chain(given, [_END]), separator, shapes)


def _parsed(read: Iterable[str], separator: str, shapes: RowShapes) -> Iterator[list[str]]:
    raw: list[str] = []
    rows = csv.reader(_kept(read, raw), delimiter=separator)
    try:
        for row in rows:
            if row and row[-1].endswith(_END):
                row[-1] = row[-1].removesuffix(_END)
                if row == [""] and len(raw) == 1:
                    return
                shapes.is_open = True
            elif any('"' in line for line in raw) and not _is_strict(raw, separator):
                shapes.add_odd_quote()
            elif _are_rows(raw[1:-1], separator, len(row)):
                shapes.add_joined_lines()
            shapes.add(row, len(raw))
            raw.clear()
            yield row
    except csv.Error as error:
        raise FileRefused(f"The row in line {shapes.line:,} cannot be read: {_why(error)}") from error


def _kept(read: Iterable[str], raw: list[str]) -> Iterator[str]:
    """Yield lines, and add each to the lines of the row that is being read."""
    for line in read:
        raw.append(line)
        yield line


def _is_strict(raw: Iterable[str], separator: str) -> bool:
    """Return whether each quoted cell of a row ends where its quote does."""
    try:
        return len(list(csv.reader(raw, delimiter=separator, strict=True))) == 1
    except csv.Error:
        return False


def _are_rows(inner: Sequence[str], separator: str, width: int) -> bool:
    """Return whether the lines within a quoted cell look like rows: with each separator that a row has, none before a
    blank, as in sentences.
    """
    return len(inner) * (width - 1) > 1 and all(
        line.count(separator) == width - 1 and f"{separator} " not in line and '"' not in line for line in inner
    )


def _why(error: csv.Error) -> str:
    if "field limit" in str(error):
        return f"a cell has more than {LINE_MOST:,} characters; a quote may not be closed."
    return f"{error}."
