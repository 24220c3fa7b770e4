"""Columns of texts that are numbers: plain ones, or as people write them in a language."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import chain, islice
from typing import Any

from engine.expressions.functions.numbers import NotANumber, UnknownLanguage, decimal_mark, parsed_number
from engine.sandbox.readers.source import FileRefused, StaysText
from engine.sandbox.readers.tables import COLUMNS_MOST, EXACT_MOST, TableBuilder, Through, plain_cell

_TYPED_BY = 1000
"""Rows that decide the types of the columns."""
_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,15})\Z")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,15})?\Z")
_ZEROS = re.compile(r"\.0+\Z")
_SURE_MOST = 16
"""Characters up to which a number has no more than 15 digits, which a float always keeps."""
_NAME = re.compile(r"\s*+(\+|\D*+0\d|\d++[eE]\d+\s*\Z)")
"""A telephone number, a postcode, or a code such as 12E3."""
_DIGITS_MOST = 15
_LONGEST = 40
_UNITS = re.compile(r"[^\W\d_]+\.?|[^\w\s.,'\u2019()+-]")
_DASHES = re.compile(r"[\u2010-\u2015\u2212\s'\u2019]")

Cell = Callable[[Any], Any]
"""Makes the value of a cell; a text that is not a number stays one."""


def numbers_of(options: Mapping[str, Any], into: TableBuilder, *, plain: bool = False) -> Through:
    """Return what makes numbers of the columns of a table that have nothing else.

    `options["numbers"]` is the language in which they are written (BCP 47); without it, plain numbers alone are such,
    and only if `plain`. A note in the table names what kept a column of numbers from being one. Raises FileRefused for
    a language that is not known, and the rows StaysText behind the last one. `options["texts"]`: its columns.
    """
    language = str(options.get("numbers") or "")
    if not options.get("typed", True) or not (language or plain):
        return iter
    if language:
        try:
            decimal_mark(language)
        except UnknownLanguage as error:
            said = f"How {language!r} writes numbers is not known: give `numbers` a language such as de, en or de-CH."
            raise FileRefused(said) from error

    texts: Mapping[int, str] = options.get("texts", {})

    def typed(rows: Iterator[list[Any]]) -> Iterator[Sequence[Any]]:
        sample = list(islice(rows, _TYPED_BY))
        width = min(max(map(len, sample), default=0), COLUMNS_MOST)
        for at, value in texts.items():
            _note_text(into, at, value)
        kinds = [
            None if at in texts else _kind(into, at, [row[at] for row in sample if len(row) > at], language)
            for at in range(width)
        ]
        odd: dict[int, str] = {}
        for row in chain(sample, rows):
            made = [cell if kind is None else kind(cell) for kind, cell in zip(kinds, row, strict=False)]
            if language:
                odd = {at: cell for at, cell in enumerate(made) if kinds[at] and cell and isinstance(cell, str)} | odd
            yield made + row[width:]
        if odd:
            raise StaysText(odd)

    return typed


def _kind(into: TableBuilder, at: int, cells: Sequence[Any], language: str) -> Cell | None:
    """Return what makes values of the cells of a column; None where they stay as they are."""
    told = [cell for cell in cells if cell and isinstance(cell, str)]
    if not told:
        return None
    if language:
        return _of_language(into, at, told, language)
    if all(map(_is_whole, told)):
        return lambda cell: int(cell) if isinstance(cell, str) and _is_whole(cell) else cell
    return _decimal if all(map(_is_decimal, told)) and not _are_names(told) else None


def _of_language(into: TableBuilder, at: int, told: Sequence[str], language: str) -> Cell | None:
    values = [_read(cell, language) for cell in told]
    units = {unit for cell in told for unit in _units(cell)}
    is_mixed = len(units) > 1 or ("%" in units and not all("%" in cell for cell in told))
    if None not in values and not is_mixed and not (decimal_mark(language) == "." and _are_names(told)):
        return lambda cell: _of_unit(cell, language, units) if isinstance(cell, str) else cell
    if 2 * values.count(None) < len(values):
        odd = next((cell for cell, value in zip(told, values, strict=True) if value is None), "")
        if odd:
            _note_text(into, at, odd)
        else:
            into.notes.append(f"The column {into.columns[at]} stays text: its numbers are of several kinds.")
    return None


def _note_text(into: TableBuilder, at: int, odd: str) -> None:
    into.notes.append(f"The column {into.columns[at]} stays text: {odd[:_LONGEST]!r} is not a number like the others.")


def _units(cell: str) -> list[str]:
    return _UNITS.findall(_DASHES.sub("", cell))


def _of_unit(cell: str, language: str, units: Collection[str]) -> Any:
    """Return the number in a cell; the cell itself if it is not a number, or has another unit than the others."""
    found = _units(cell)
    is_other = not set(found) <= set(units) or ("%" in units and not found)
    return cell if is_other or (value := _read(cell, language)) is None else value


def _read(cell: str, language: str) -> Any:
    """Return the number in a cell, an int if it is whole; None if it is not a number, or would lose digits."""
    if _NAME.match(cell) or len(cell) > _LONGEST or sum(map(str.isdecimal, cell)) > _DIGITS_MOST:
        return None
    try:
        return plain_cell(parsed_number(cell, language))
    except NotANumber:
        return None


def _are_names(cells: Sequence[str]) -> bool:
    """Return whether different cells would be the same number, as the versions 1.1 and 1.10 would; 2 and 2.0 are."""
    different = {_ZEROS.sub("", cell) for cell in cells if _NUMBER.match(cell)} - {"-0"}
    return len(set(map(float, different))) < len(different)


def _decimal(cell: Any) -> Any:
    return plain_cell(float(cell)) if isinstance(cell, str) and _is_decimal(cell) else cell


def _is_decimal(cell: str) -> bool:
    """Return whether a cell is a number that a float keeps with all of its digits."""
    return _NUMBER.match(cell) is not None and (len(cell) <= _SURE_MOST or Decimal(repr(float(cell))) == Decimal(cell))


def _is_whole(cell: str) -> bool:
    return _WHOLE.match(cell) is not None and (len(cell) < 16 or abs(int(cell)) <= EXACT_MOST)
