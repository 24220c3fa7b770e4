"""New rows in a sheet of Google."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from clients.google_sheets.service import GOOGLE_SHEETS
from engine.plugins.trigger import Found, Item, Look, OwnWrite, TriggerType
from engine.steps.google_sheets.fields import Row, SheetFields

_MOST = 10_000
_KEPT_DAYS = 30


class NewRow(TriggerType):
    """Starts a run for each row below the last one that was seen.

    A row inserted between others starts no run. A row counts as soon as it has a value, so fill it in at once.
    """

    name = "google_sheets.new_row"
    title = "A new row"
    happens = "a sheet has a new row"
    watches = "a row of a sheet"
    service = GOOGLE_SHEETS.name
    fields = SheetFields
    item = Row
    start_from = ("now", "last")
    remembered_days = _KEPT_DAYS
    made_by = ("google_sheets.append_row",)

    def source(self, fields: SheetFields) -> str:
        """Return the sheet."""
        return f"{fields.spreadsheet}/{fields.sheet}"

    def look(self, look: Look) -> Found:
        """List the rows after the last one seen; if rows were deleted, the last one that is left counts as seen."""
        sheet = look.client.sheet(look.fields.spreadsheet, look.fields.sheet)
        if look.cursor is None:
            numbers = [row["row"] for row in look.client.rows(sheet, 2, 10 * _MOST)[0]]
            keep = look.start.last or 0
            seen = numbers[-keep - 1] if len(numbers) > keep else 1
            return Found([], {"row": seen}, has_more=keep > 0)
        seen = int(look.cursor["row"])
        rows, has_more = look.client.rows(sheet, seen + 1, look.limit)
        if not rows:
            last = max((row["row"] for row in look.client.rows(sheet, 2, 10 * _MOST)[0]), default=1)
            return Found([], {"row": min(seen, last)})
        items = [_item(row, look.now) for row in rows]
        return Found(items, {"row": rows[-1]["row"]}, has_more=has_more)

    def is_made(self, look: Look, item: Item, made: Sequence[OwnWrite]) -> bool:
        """Look whether the row has the mark of a write, which moves with it if rows are added above."""
        sheet = look.client.sheet(look.fields.spreadsheet, look.fields.sheet)
        marks = look.client.marks(sheet, int(item.id.partition("-")[0]))
        return any(one.marker in marks for one in made)


def _item(row: Mapping[str, Any], now: datetime) -> Item:
    """Return a row as an item; its content is part of the id, since another row gets the number of a deleted one."""
    text = json.dumps(row["values"], sort_keys=True, ensure_ascii=False)
    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]
    title = ", ".join(str(one) for one in row["values"].values() if one not in ("", None))
    return Item(f"{row['row']}-{digest}", row, title[:80], now)
