"""The stand-in for the Google Sheets API: spreadsheets with rows, and Google's sign-in."""

from __future__ import annotations

import re
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from demo.call import StandInCall, StandInReply, api_routes, page_routes
from demo.gmail import grants, oauth
from demo.gmail.stand_in import ERROR as GOOGLE_ERROR
from demo.google_sheets.book import Book, Json, Sheet, changed, effective, entered, searched, sheet_of
from demo.page import escaped, frame
from demo.service import Refused, json_object, origin
from demo.store import Store

TOKEN = "demo-google-sheets-token"  # noqa: S105 - the stand-in's, no secret
SAMPLE = "demo-invoices-2026"
_SCOPE = "https://www.googleapis.com/auth/spreadsheets"
_RANGE = re.compile(r"'((?:[^']|'')+)'!(\d+):(\d+)")
ERROR = GOOGLE_ERROR


def refusal(store: Store, token: str, method: str) -> tuple[int, str] | None:
    """Return why a token from the sign-in is insufficient, or None if it is sufficient."""
    return grants.refusal(store, token, method, {_SCOPE}, {_SCOPE, f"{_SCOPE}.readonly"})


def seed(store: Store) -> None:
    """Create a spreadsheet with invoices and customers."""
    invoices: list[list[Any]] = [
        ["Number", "Supplier", "Date", "Due", "Total", "Currency", "Mail"],
        ["2026-118", "Northwind Hosting", "2026-10-02", "2026-10-16", 118.0, "EUR", ""],
        ["R-5521", "Papier & Druck GmbH", "2026-10-20", "2026-11-03", 264.18, "EUR", ""],
    ]
    customers: list[list[Any]] = [
        ["Name", "Address", "Plan"],
        ["Ada Lind", "ada@example.org", "Team"],
        ["Jo Park", "jo@example.org", "Free"],
    ]
    sheets = [sheet_of("Invoices", 0, invoices), sheet_of("Customers", 7, customers, 3)]
    store.put("gsheets/books", SAMPLE, {"id": SAMPLE, "title": "Accounting", "sheets": sheets})


def show(store: Store) -> dict[str, Any]:
    """Return what each sheet shows, by spreadsheet."""
    return {
        "spreadsheets": {
            book["id"]: {one["title"]: [_values(row) for row in one["rows"] if any(row)] for one in book["sheets"]}
            for book in store.all("gsheets/books")
        }
    }


def _values(row: list[Json]) -> list[Any]:
    """Return the values of a row without the empty cells at its end."""
    values = [effective(cell) for cell in row]
    while values and values[-1] == "":
        # https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets.values#ValueRange
        values.pop()
    return values


def routes(store: Store) -> list[Route]:
    """Return the API, the sign-in, a way to type a row by hand, and a page."""

    async def by_hand(request: Request) -> Response:
        body = await json_object(request)
        with store.transaction():
            book = _kept(store, str(body.get("spreadsheet", SAMPLE)))
            rows = next(one for one in book["sheets"] if one["title"] == body["sheet"])["rows"]
            number = max((index for index, row in enumerate(rows, 1) if any(row)), default=0)
            if number == len(rows):
                rows.append([])
            rows[number] = [entered(value) for value in body["values"]]
            store.put("gsheets/books", book["id"], book)
        return JSONResponse({"row": number + 1}, 201)

    one = "/v4/spreadsheets/{id}"
    table = [
        ("GET", "/oauth2/v2/userinfo", _user),
        ("GET", f"{one}/values:batchGet", _batch_get),
        ("POST", f"{one}/developerMetadata:search", _search),
        ("POST", f"{one}:batchUpdate", _batch_update),
        ("GET", one, _get),
    ]
    return [
        *api_routes(store, table, dict),
        *oauth.routes(store),
        Route("/_demo/row", by_hand, methods=["POST"]),
        *page_routes(store, [("/", _page)]),
    ]


def _user(call: StandInCall) -> StandInReply:
    return StandInReply({"id": "1001", "email": f"demo-{call.store.generation}@example.com", "verified_email": True})


def _kept(store: Store, wanted: str) -> Book:
    found = store.get("gsheets/books", wanted)
    if found is None:
        raise Refused(404, "Requested entity was not found.")
    return found


def _ranges(call: StandInCall, book: Book) -> list[tuple[Sheet, int, int]]:
    """Return sheet, first row and last row (from 1) of each range."""
    found = []
    for text in call.request.query_params.getlist("ranges"):
        match = _RANGE.fullmatch(text)
        title = match.group(1).replace("''", "'") if match else ""
        sheet = next((one for one in book["sheets"] if one["title"] == title), None)
        if match is None or sheet is None:
            raise Refused(400, f"Unable to parse range: {text}")
        if int(match.group(3)) > len(sheet["rows"]) or int(match.group(2)) < 1:
            raise Refused(400, f"Range ({text}) exceeds grid limits. Max rows: {len(sheet['rows'])}, max columns: 26")
        found.append((sheet, int(match.group(2)), int(match.group(3))))
    return found


def _get(call: StandInCall) -> StandInReply:
    book = _kept(call.store, call.part("id"))
    ranges = _ranges(call, book)
    sheets = [_with_data(*one) for one in ranges] or [{"properties": _properties(one)} for one in book["sheets"]]
    where = f"{origin(call.store, 'google_sheets')}/"
    whole = {
        "spreadsheetId": book["id"],
        "properties": {"title": book["title"]},
        "sheets": sheets,
        "spreadsheetUrl": where,
    }
    return StandInReply(_masked(whole, call.query("fields").split(",")) if call.query("fields") else whole)


def _properties(sheet: Sheet) -> Json:
    grid = {"rowCount": len(sheet["rows"]), "columnCount": sheet["columns"]}
    return {"sheetId": sheet["sheetId"], "title": sheet["title"], "sheetType": "GRID", "gridProperties": grid}


def _with_data(sheet: Sheet, first: int, last: int) -> Json:
    rows = [
        {"values": [{"userEnteredValue": cell} if cell else {} for cell in row]}
        for row in sheet["rows"][first - 1 : last]
    ]
    return {"properties": _properties(sheet), "data": [{"startRow": first - 1, "rowData": rows}]}


def _masked(value: Any, paths: list[str]) -> Any:
    """Return what a field mask names (https://developers.google.com/workspace/sheets/api/guides/field-masks)."""
    if isinstance(value, list):
        return [_masked(one, paths) for one in value]
    inner: dict[str, list[str]] = {}
    for path in paths:
        name, _, rest = path.partition(".")
        inner.setdefault(name, []).extend([rest] if rest else [])
    return {name: _masked(value[name], rest) if rest else value[name] for name, rest in inner.items() if name in value}


def _batch_get(call: StandInCall) -> StandInReply:
    book, found = _kept(call.store, call.part("id")), []
    if call.query("valueRenderOption") not in {"UNFORMATTED_VALUE", "FORMULA", "FORMATTED_VALUE", ""}:
        raise Refused(400, "Invalid value at 'value_render_option'")
    for text, (sheet, first, last) in zip(
        call.request.query_params.getlist("ranges"), _ranges(call, book), strict=True
    ):
        rows = [_values(row) for row in sheet["rows"][first - 1 : last]]
        while rows and not rows[-1]:
            rows.pop()
        found.append({"range": text, "majorDimension": "ROWS", **({"values": rows} if rows else {})})
    return StandInReply({"spreadsheetId": book["id"], "valueRanges": found})


def _search(call: StandInCall) -> StandInReply:
    found = searched(_kept(call.store, call.part("id")), call.body.get("dataFilters", []))
    return StandInReply({"matchedDeveloperMetadata": found} if found else {})


def _batch_update(call: StandInCall) -> StandInReply:
    book, replies = changed(_kept(call.store, call.part("id")), call.body.get("requests", []))
    call.store.put("gsheets/books", book["id"], book)
    return StandInReply({"spreadsheetId": book["id"], "replies": replies})


def _page(call: StandInCall) -> str:
    """Return a page with the sheets as tables."""
    parts = []
    for book in call.store.all("gsheets/books"):
        for sheet in book["sheets"]:
            rows = [_values(row) for row in sheet["rows"] if any(row)]
            lines = "".join(f"<tr>{''.join(f'<td>{escaped(str(one))}</td>' for one in row)}</tr>" for row in rows)
            parts.append(f"<h2>{escaped(book['title'])}: {escaped(sheet['title'])}</h2><table>{lines}</table>")
    return frame("Spreadsheets", "<h1>Spreadsheets</h1>" + "".join(parts), "Google Sheets")
