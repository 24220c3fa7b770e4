"""Cells: values of workflows as the API's, and back; nothing that is written becomes a formula."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from clients.errors import InvalidRequest
from clients.google_sheets.service import GOOGLE_SHEETS
from clients.listing import Json

_ADDRESS = re.compile(r"^https://docs\.google\.com/(?:a/[^/]+/)?spreadsheets/(?:u/\d+/)?d/([A-Za-z0-9_-]{10,})")
_ID = re.compile(r"[A-Za-z0-9_-]{10,200}")
_TEXT_MOST = 50_000
"""Characters in a cell, by Google's limit."""


def spreadsheet_id(text: str) -> str:
    """Return the id in the address of a spreadsheet, or the id itself. Raises InvalidRequest."""
    text = text.strip()
    found = _ADDRESS.match(text)
    if found:
        return found.group(1)
    if _ID.fullmatch(text):
        return text
    raise InvalidRequest(
        f"{text[:80]!r} is not the address of a spreadsheet.",
        service=GOOGLE_SHEETS.name,
        remedy="Open it, and copy the address: https://docs.google.com/spreadsheets/d/…",
    )


def cell(value: Any) -> Json:
    """Return a value as the API's CellData: text stays text, also if it begins with `=`.

    `userEnteredValue.stringValue` is never parsed; only `formulaValue` is, which nothing here sets. Raises
    InvalidRequest.
    """
    if value is None or value == "":
        return {}
    if isinstance(value, bool):
        return {"userEnteredValue": {"boolValue": value}}
    if isinstance(value, int | float):
        return {"userEnteredValue": {"numberValue": value}}
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if len(text) > _TEXT_MOST:
        raise InvalidRequest(
            f"A value has {len(text)} characters; a cell holds {_TEXT_MOST}.", service=GOOGLE_SHEETS.name
        )
    return {"userEnteredValue": {"stringValue": text}}


def columns_of(header: Sequence[Any]) -> list[str]:
    """Return the names of the columns; those without a heading are called by their letters. Raises InvalidRequest."""
    names = [str(one).strip() or letters(index) for index, one in enumerate(header)]
    twice = sorted({one for one in names if names.count(one) > 1})
    if twice:
        raise InvalidRequest(
            f"Two columns have the heading {twice[0]!r}.",
            service=GOOGLE_SHEETS.name,
            remedy="Give each column of the first row another heading.",
        )
    return names


def letters(index: int) -> str:
    """Return the letters of a column, counted from 0: A, B, …, Z, AA."""
    found = ""
    index += 1
    while index:
        # The letters count without a zero: Z is followed by AA.
        index, rest = divmod(index - 1, 26)
        found = chr(ord("A") + rest) + found
    return found


def as_row(number: int, columns: Sequence[str], values: Sequence[Any]) -> Json:
    """Return a row as workflows see it: {row, values}; a missing cell is an empty text."""
    padded = [*values, *([""] * (len(columns) - len(values)))]
    return {"row": number, "values": dict(zip(columns, padded, strict=False))}


def placed(columns: Sequence[str], values: Mapping[str, Any], sheet: str) -> dict[int, Json]:
    """Return the cells for values by the names of columns: {index: CellData}. Raises InvalidRequest."""
    unknown = [name for name in values if name not in columns]
    if unknown:
        raise InvalidRequest(
            f"The sheet {sheet!r} has no column {unknown[0]!r}.",
            service=GOOGLE_SHEETS.name,
            remedy=f"Its first row names: {', '.join(columns)}.",
        )
    return {columns.index(name): cell(value) for name, value in values.items()}
