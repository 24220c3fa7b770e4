"""A spreadsheet of the stand-in: sheets of cells, changes that are made together, and what Google refuses."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from demo.service import Refused

Book = dict[str, Any]
Sheet = dict[str, Any]
Json = dict[str, Any]

_CELL_MOST = 50_000


def sheet_of(title: str, number: int, rows: list[list[Any]], row_count: int = 100) -> Sheet:
    """Return a sheet with these values, as if they had been typed as text or numbers."""
    cells = [[entered(value) for value in row] for row in rows]
    cells += [[] for _ in range(row_count - len(cells))]
    return {"sheetId": number, "title": title, "rows": cells, "columns": 26, "metadata": []}


def entered(value: Any) -> Json:
    """Return a value as ExtendedValue; {} for an empty cell."""
    if value in (None, ""):
        return {}
    if isinstance(value, bool):
        # Before numbers: in Python, True is an int.
        return {"boolValue": value}
    return {"numberValue": value} if isinstance(value, int | float) else {"stringValue": str(value)}


def effective(cell: Mapping[str, Any]) -> Any:
    """Return what a cell shows: a formula is computed, everything else is itself."""
    if "formulaValue" in cell:
        return "#COMPUTED!"
    return next(iter(cell.values()), "")


def changed(book: Book, requests: list[Json]) -> tuple[Book, list[Json]]:
    """Return a spreadsheet after all the changes, and their replies; raises Refused and changes nothing."""
    # Google makes all changes of a request or none, so a failure must leave the original.
    book, replies = copy.deepcopy(book), []
    if not requests:
        raise Refused(400, "Must specify at least one request.")
    for index, request in enumerate(requests):
        ((kind, given),) = request.items()
        if kind not in _CHANGES:
            raise Refused(400, f"Invalid JSON payload received. Unknown name \"{kind}\" at 'requests[{index}]'.")
        try:
            replies.append(_CHANGES[kind](book, given) or {})
        except Refused as refused:
            raise Refused(400, f"Invalid requests[{index}].{kind}: {refused.message}") from None
    return book, replies


def _sheet(book: Book, number: Any) -> Sheet:
    found = next((one for one in book["sheets"] if one["sheetId"] == number), None)
    if found is None:
        raise Refused(400, f"No grid with id: {number}")
    mine: Sheet = found
    return mine


def _rows_in(book: Book, given: Mapping[str, Any], most: int) -> tuple[Sheet, int, int]:
    sheet = _sheet(book, given.get("sheetId", 0))
    first, last = given.get("startIndex", 0), given.get("endIndex", len(sheet["rows"]))
    if given.get("dimension") != "ROWS":
        raise Refused(400, "The stand-in has rows only.")
    if not 0 <= first < last or first >= len(sheet["rows"]) + most or (not most and last > len(sheet["rows"])):
        raise Refused(400, f"range.startIndex[{first}] is too large or range is empty.")
    return sheet, first, last


def _append(book: Book, given: Json) -> None:
    sheet = _sheet(book, given.get("sheetId", 0))
    sheet["rows"] += [[] for _ in range(given["length"])]


def _insert(book: Book, given: Json) -> None:
    sheet, first, last = _rows_in(book, given["range"], 0 if not given.get("inheritFromBefore") else 1)
    if given.get("inheritFromBefore") and first == 0:
        raise Refused(400, "Cannot inherit from before the first row.")
    sheet["rows"][first:first] = [[] for _ in range(last - first)]
    for one in sheet["metadata"]:
        # Metadata moves with its row, which is why a step can find a row by it later.
        one["row"] += (last - first) * (one["row"] >= first)


def _delete(book: Book, given: Json) -> None:
    sheet, first, last = _rows_in(book, given["range"], 0)
    del sheet["rows"][first:last]
    sheet["metadata"] = [one for one in sheet["metadata"] if not first <= one["row"] < last]
    for one in sheet["metadata"]:
        one["row"] -= (last - first) * (one["row"] >= last)


def _cells(book: Book, given: Json) -> None:
    start = given["start"]
    sheet, column = _sheet(book, start.get("sheetId", 0)), start.get("columnIndex", 0)
    if given.get("fields") != "userEnteredValue":
        raise Refused(400, "At least one field must be listed in 'fields'.")
    for offset, row in enumerate(given["rows"]):
        number = start.get("rowIndex", 0) + offset
        if number >= len(sheet["rows"]):
            raise Refused(400, f"Attempting to write row: {number}, beyond the last requested row.")
        cells = sheet["rows"][number]
        for index, cell in enumerate(row["values"], column):
            text = cell.get("userEnteredValue", {}).get("stringValue", "")
            # In UTF-16 units, where an emoji counts twice.
            if len(text.encode("utf-16-le")) // 2 > _CELL_MOST:
                said = f"Your input contains more than the maximum of {_CELL_MOST} characters in a single cell."
                raise Refused(400, said)
            cells += [{} for _ in range(index + 1 - len(cells))]
            cells[index] = cell.get("userEnteredValue", {})


def _metadata(book: Book, given: Json) -> Json:
    made = given["developerMetadata"]
    place = made["location"]["dimensionRange"]
    sheet, first, last = _rows_in(book, place, 0)
    if last - first != 1:
        raise Refused(400, "Developer metadata can only be associated with a single row.")
    book["next"] = number = book.get("next", 0) + 1
    kept = {"id": number, "key": made["metadataKey"], "value": made.get("metadataValue", ""), "row": first}
    sheet["metadata"].append({**kept, "visibility": made["visibility"]})
    return {"createDeveloperMetadata": {"developerMetadata": {**made, "metadataId": number}}}


_CHANGES: Mapping[str, Callable[[Book, Json], Json | None]] = {
    "appendDimension": _append,
    "insertDimension": _insert,
    "deleteDimension": _delete,
    "updateCells": _cells,
    "createDeveloperMetadata": _metadata,
}


def searched(book: Book, filters: list[Json]) -> list[Json]:
    """Return the developer metadata that filters match."""
    wanted = [one["developerMetadataLookup"] for one in filters]
    return [
        {"developerMetadata": _shown(sheet, one)}
        for sheet in book["sheets"]
        for one in sheet["metadata"]
        if any(
            each.get("metadataKey", one["key"]) == one["key"]
            and each.get("metadataValue", one["value"]) == one["value"]
            and _is_at(sheet, one, each.get("metadataLocation"))
            for each in wanted
        )
    ]


def _is_at(sheet: Sheet, one: Json, location: Json | None) -> bool:
    """Return whether metadata is at the only row of a location (`EXACT_LOCATION`)."""
    if location is None:
        return True
    place = location["dimensionRange"]
    if place["endIndex"] - place["startIndex"] != 1:
        raise Refused(400, "A location must be a single row.")
    return (place["sheetId"], place["startIndex"]) == (sheet["sheetId"], one["row"])


def _shown(sheet: Sheet, one: Json) -> Json:
    where = {"sheetId": sheet["sheetId"], "dimension": "ROWS", "startIndex": one["row"], "endIndex": one["row"] + 1}
    return {
        "metadataId": one["id"],
        "metadataKey": one["key"],
        "metadataValue": one["value"],
        "visibility": one["visibility"],
        "location": {"locationType": "ROW", "dimensionRange": where},
    }
