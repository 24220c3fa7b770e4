"""The Google Sheets client (google-api-python-client): rows of sheets whose first row names the columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import httpx
from msgspec import Struct
from msgspec.structs import replace

from clients.check_line import CheckLine, failed
from clients.client import Client, Opening
from clients.error_mapping import reading
from clients.errors import Conflict, InvalidRequest, NotFound, ServiceError
from clients.google.sign_in import GoogleSignIn
from clients.google.transport import answered
from clients.google_sheets.app import SHEETS_APP, account_of, sdk
from clients.google_sheets.cells import as_row, columns_of, letters, placed, spreadsheet_id
from clients.google_sheets.service import GOOGLE_SHEETS, SheetsSettings
from clients.listing import Json
from clients.oauth.tokens import tokens_of
from clients.sign_in import Seal

KEY = "orchestraWrite"
"""The developer metadata of a row that tells which write made it: only this program's OAuth client sees it."""
_PAGE = 1000


class Sheet(Struct, frozen=True):
    """A sheet of a spreadsheet."""

    spreadsheet: str
    id: int
    title: str
    rows: int
    """How many rows its grid has, also empty ones."""
    columns: Sequence[str]
    """The names in its first row."""
    address: str
    """The web address of the spreadsheet, as Google gives it."""

    def span(self, first: int, last: int) -> str:
        """Return the range of some rows, counted from 1."""
        quoted = self.title.replace("'", "''")
        return f"'{quoted}'!{first}:{last}"

    def url(self, row: int) -> str:
        """Return the web address of a row."""
        return f"{self.address}#gid={self.id}&range={row}:{row}"


class GoogleSheetsClient(Client):
    """The spreadsheets of one account. A sheet is named by its title; "" is the first."""

    service = GOOGLE_SHEETS
    http: httpx.Client
    sign_in_way = GoogleSignIn(SHEETS_APP)

    def __init__(self, settings: SheetsSettings, http: httpx.Client, seal: Seal | None = None) -> None:
        self.http = http
        self._tokens = tokens_of(SHEETS_APP, settings, http, seal)
        self._sdk, self._base_url = sdk(http, self._tokens, settings.base_url), settings.base_url
        self._account = ""

    @classmethod
    def open(cls, settings: SheetsSettings, opening: Opening) -> GoogleSheetsClient:
        """Return a client for these settings."""
        return cls(settings, opening.http(GOOGLE_SHEETS, settings.base_url), opening.seal(settings.token_file))

    def account(self) -> str:
        """Return the account's address: as noted at sign-in, or asked once."""
        noted = self._tokens.owner()
        self._account = noted or self._account or account_of(self.http, self._tokens, self._base_url)
        return self._account

    def sign_in_version(self) -> str | None:
        """Return a value that changes with each sign-in; None for a bare token."""
        return self._tokens.version()

    def check(self) -> list[CheckLine]:
        """Try to sign in."""
        try:
            return [CheckLine("sign-in", ok=True, text=f"Signed in as {self.account()}.")]
        except ServiceError as error:
            return [failed(self.service, "sign-in", error)]

    def sheet(self, spreadsheet: str, title: str) -> Sheet:
        """Return a sheet with the names of its columns. Raises NotFound, InvalidRequest."""
        where = spreadsheet_id(spreadsheet)
        try:
            found = answered(self._sdk.get(spreadsheetId=where, fields="spreadsheetUrl,sheets.properties"), "sheets")
        except NotFound as error:
            said = f"There is no spreadsheet {where!r} that this account can open. {error.message}"
            gone = self._missing(said)
            gone.http_status = error.http_status
            raise gone from error
        with reading(SHEETS_APP.service):
            # A sheet of type OBJECT is a chart, without cells.
            known = [one["properties"] for one in found["sheets"] if one["properties"].get("sheetType") != "OBJECT"]
            mine = next((one for one in known if title in ("", one["title"])), None)
            if mine is None:
                names = ", ".join(one["title"] for one in known)
                raise self._missing(f"The spreadsheet has no sheet {title!r}.", f"It has: {names}.")
            rows = int(mine["gridProperties"]["rowCount"])
            at = str(found["spreadsheetUrl"])
            bare = Sheet(where, int(mine.get("sheetId", 0)), str(mine["title"]), rows, [], at)  # the API omits a 0
        header = next(iter(self._values(bare, 1, 1)), [])
        return replace(bare, columns=columns_of(header))

    def rows(self, sheet: Sheet, first: int, limit: int) -> tuple[list[Json], bool]:
        """Read rows from a number on: [{row, values}], without empty ones; and whether there are more."""
        found: list[Json] = []
        for row in self._each(sheet, first):
            if len(found) == limit:
                return found, True
            found.append(row)
        return found, False

    def matching(self, sheet: Sheet, column: str, value: str, limit: int) -> tuple[list[Json], bool]:
        """Find the rows whose cell in a column holds this value, as text; and whether there are more."""
        if column not in sheet.columns:
            placed(sheet.columns, {column: value}, sheet.title)
        found: list[Json] = []
        for row in self._each(sheet, 2):
            if as_text(row["values"][column]) == value:
                if len(found) == limit:
                    return found, True
                found.append(row)
        return found, False

    def append(self, sheet: Sheet, values: Mapping[str, Any], marker: str) -> Json:
        """Write a new row below the last one, and its marker, in one request; return {id, row, url}."""
        if not sheet.columns:
            raise InvalidRequest(
                f"The sheet {sheet.title!r} has no columns.",
                service=self.service.name,
                remedy="Write their names into its first row.",
            )
        cells = placed(sheet.columns, values, sheet.title)
        last = max((row["row"] for row in self._each(sheet, 1)), default=1)
        # A row that is put in between moves what somebody else writes there meanwhile, instead of overwriting it.
        grows = {"appendDimension": {"sheetId": sheet.id, "dimension": "ROWS", "length": 1}}
        # The first row below the header does not take over the header's format.
        opened = {"insertDimension": {"range": _rows(sheet, last + 1), "inheritFromBefore": last > 1}}
        requests = [grows] if last >= sheet.rows else []
        self._batch(sheet, [*requests, opened, *_written(sheet, last + 1, cells), _mark(sheet, last + 1, marker)])
        return _made(sheet, last + 1)

    def written(self, sheet: Sheet, marker: str) -> Json | None:
        """Return {id, row, url} of the row that a write with this marker has written, or None."""
        for one in self._metadata(sheet, {"metadataValue": marker, "locationType": "ROW"}):
            place = one["location"]["dimensionRange"]
            if int(place.get("sheetId", 0)) == sheet.id:
                return _made(sheet, int(place.get("startIndex", 0)) + 1)
        return None

    def marks(self, sheet: Sheet, row: int) -> set[str]:
        """Return the markers of the writes that have written a row."""
        where = {
            "metadataLocation": {"dimensionRange": _rows(sheet, row)},
            "locationMatchingStrategy": "EXACT_LOCATION",
        }
        return {str(one.get("metadataValue", "")) for one in self._metadata(sheet, where)}

    def _metadata(self, sheet: Sheet, lookup: Json) -> list[Json]:
        """Return the marks of this program that a lookup of Google's finds."""
        body = {"dataFilters": [{"developerMetadataLookup": {"metadataKey": KEY, **lookup}}]}
        answer = answered(self._sdk.developerMetadata().search(spreadsheetId=sheet.spreadsheet, body=body))
        with reading(SHEETS_APP.service):
            return [one["developerMetadata"] for one in answer.get("matchedDeveloperMetadata", [])]

    def update(self, sheet: Sheet, row: int, values: Mapping[str, Any], marker: str) -> Json:
        """Write some cells of a row; return {id, row, url, before}, with the cells as they were."""
        cells = placed(sheet.columns, values, sheet.title)
        before = self._cells(sheet, row, sorted(cells))
        self._batch(sheet, [*_written(sheet, row, cells), _mark(sheet, row, marker)])
        return {**_made(sheet, row), "before": before}

    def restore(self, sheet: Sheet, marker: str, values: Mapping[str, Any], before: Mapping[str, Json]) -> None:
        """Give a row that `update` wrote its former cells back. Raises Conflict if they were changed since."""
        made = self.written(sheet, marker)
        if made is None:
            raise Conflict("The row has been deleted since.", service=self.service.name)
        cells = placed(sheet.columns, values, sheet.title)
        now = self._cells(sheet, made["row"], sorted(cells))
        if now == dict(before):
            return
        if now != {letters(index): one.get("userEnteredValue", {}) for index, one in cells.items()}:
            raise Conflict("The row has been changed since.", service=self.service.name)
        former = {index: {"userEnteredValue": one} if (one := before[letters(index)]) else {} for index in cells}
        self._batch(sheet, _written(sheet, made["row"], former))

    def take_back(self, sheet: Sheet, marker: str, values: Mapping[str, Any]) -> None:
        """Delete the row that `append` wrote; nothing if it is gone. Raises Conflict if it was changed since."""
        made = self.written(sheet, marker)
        if made is None:
            return
        cells = placed(sheet.columns, values, sheet.title)
        wanted = {
            letters(index): cells.get(index, {}).get("userEnteredValue", {}) for index in range(len(sheet.columns))
        }
        if self._cells(sheet, made["row"], range(len(sheet.columns))) != wanted:
            raise Conflict("The row has been changed since.", service=self.service.name)
        self._batch(sheet, [{"deleteDimension": {"range": _rows(sheet, made["row"])}}])

    def _each(self, sheet: Sheet, first: int) -> Iterator[Json]:
        """Yield the rows from a number on that are not empty."""
        for start in range(first, sheet.rows + 1, _PAGE):
            for number, values in enumerate(self._values(sheet, start, min(start + _PAGE - 1, sheet.rows)), start):
                if any(one not in ("", None) for one in values):
                    yield as_row(number, sheet.columns, values)

    def _values(self, sheet: Sheet, first: int, last: int) -> list[list[Any]]:
        """Return the values of some rows; Google leaves out empty cells at the end of a row, and empty rows."""
        request = self._sdk.values().batchGet(
            spreadsheetId=sheet.spreadsheet,
            ranges=[sheet.span(first, last)],
            valueRenderOption="UNFORMATTED_VALUE",
            dateTimeRenderOption="FORMATTED_STRING",
        )
        answer = answered(request, "valueRanges")
        with reading(SHEETS_APP.service):
            found = answer["valueRanges"][0].get("values", [])
            return [list(row) for row in found]

    def _cells(self, sheet: Sheet, row: int, indexes: Sequence[int]) -> dict[str, Json]:
        """Return the entered values of a row's cells, by the letters of the columns; {} for an empty cell."""
        request = self._sdk.get(
            spreadsheetId=sheet.spreadsheet,
            ranges=[sheet.span(row, row)],
            fields="sheets.data.rowData.values.userEnteredValue",
        )
        answer = answered(request)
        with reading(SHEETS_APP.service):
            data = [one for each in answer.get("sheets", []) for one in each.get("data", [])]
            read = [one for each in data for one in each.get("rowData", [])][:1]
            values = [one.get("userEnteredValue", {}) for each in read for one in each.get("values", [])]
        return {letters(index): values[index] if index < len(values) else {} for index in indexes}

    def _batch(self, sheet: Sheet, requests: Sequence[Json]) -> None:
        """Send changes of a spreadsheet: Google makes all of them or none (spreadsheets.batchUpdate)."""
        answered(self._sdk.batchUpdate(spreadsheetId=sheet.spreadsheet, body={"requests": list(requests)}))

    def _missing(self, message: str, remedy: str = "Check its address, and share it with the account.") -> NotFound:
        return NotFound(message, service=self.service.name, remedy=remedy)


def as_text(value: Any) -> str:
    """Return a cell's value as people compare it: 7.0 is 7."""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _rows(sheet: Sheet, row: int) -> Json:
    return {"sheetId": sheet.id, "dimension": "ROWS", "startIndex": row - 1, "endIndex": row}


def _written(sheet: Sheet, row: int, cells: Mapping[int, Json]) -> list[Json]:
    """Return the requests that write the cells of a row, by the indexes of their columns."""
    return [
        {
            "updateCells": {
                "start": {"sheetId": sheet.id, "rowIndex": row - 1, "columnIndex": index},
                "rows": [{"values": [one]}],
                "fields": "userEnteredValue",
            }
        }
        for index, one in sorted(cells.items())
    ]


def _mark(sheet: Sheet, row: int, marker: str) -> Json:
    """Return the request that gives a row its marker, which moves with the row, and which no page of Google shows."""
    where = {"dimensionRange": _rows(sheet, row)}
    metadata = {"metadataKey": KEY, "metadataValue": marker, "location": where, "visibility": "PROJECT"}
    return {"createDeveloperMetadata": {"developerMetadata": metadata}}


def _made(sheet: Sheet, row: int) -> Json:
    return {"id": f"{sheet.spreadsheet}/{sheet.id}/{row}", "row": row, "url": sheet.url(row)}
