"""What the steps of Google Sheets have in common: which sheet, and the shape of a row."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from clients.google_sheets.service import GOOGLE_SHEETS
from engine.plugins.step import Effect, Fields, Output, StepType, address, destination, outside

Value = str | int | float | bool | None
"""What a cell can be given."""


class SheetFields(Fields):
    """The sheet; its first row names the columns."""

    spreadsheet: str = destination("Spreadsheet (its address, or its id)", min_length=1, max_length=500)
    sheet: str = destination("Sheet (its name; empty: the first)", "", max_length=100)


class Row(Output):
    """A row, and its values by the names of the columns."""

    row: int = Field(title="Its number, counted from 1")
    values: dict[str, Any] = outside("Values by column name")


class WrittenRow(Output):
    """The row that was written."""

    id: str
    row: int
    url: str = address("Address")


class SheetRead(StepType):
    """A step that reads from Google Sheets."""

    service = GOOGLE_SHEETS.name
    effect = Effect.READS
