"""How each step type of Google Calendar and Google Sheets is run in the fault matrix."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from demo.google_sheets.stand_in import SAMPLE
from tests.operations.world import Operation, World

_TALK = {"title": "Talk", "starts": "2026-12-01T10:00", "time_zone": "Europe/Berlin"}
_SHEET = {"spreadsheet": SAMPLE, "sheet": "Customers"}


def _event(world: World) -> str:
    return str(world.shown()["events"][0]["id"])


def _changed(world: World) -> Mapping[str, Any]:
    return {"event": _event(world), "title": "Another", "starts": "2026-12-02", "time_zone": "UTC"}


def _invitation(world: World) -> Mapping[str, Any]:
    account = world.shown()["calendars"][0]["id"]
    times = {name: {"dateTime": f"2026-12-0{day}T10:00:00Z"} for name, day in (("start", 1), ("end", 2))}
    event: dict[str, Any] = {**times, "summary": "Talk", "iCalUID": "talk@conference.example"}
    event |= {
        "organizer": {"email": "eve@conference.example"},
        "attendees": [{"email": account}, {"email": "bob@b.example"}],
    }
    httpx.post(f"{world.endpoint.origin}/_demo/event", json=event, trust_env=False).raise_for_status()
    return {"event": "talk@conference.example", "answer": "accept", "comment": "With pleasure."}


OPERATIONS = {
    "google_calendar.list_events": Operation(lambda _: {"time_zone": "UTC"}),
    "google_calendar.get_event": Operation(lambda world: {"event": _event(world)}),
    "google_calendar.find_free_time": Operation(lambda _: {"time_zone": "UTC"}),
    "google_calendar.create_event": Operation(lambda _: _TALK),
    "google_calendar.update_event": Operation(_changed),
    "google_calendar.respond": Operation(_invitation, match="PATCH "),
    "google_calendar.delete_event": Operation(lambda world: {"event": _event(world)}, differs={"empty": None}),
    "google_sheets.read_rows": Operation(lambda _: _SHEET),
    "google_sheets.find_rows": Operation(lambda _: {**_SHEET, "column": "Plan", "value": "Free"}),
    "google_sheets.append_row": Operation(lambda _: {**_SHEET, "values": {"Name": "=1+1"}}),
    "google_sheets.update_row": Operation(lambda _: {**_SHEET, "row": 2, "values": {"Plan": "Free"}}),
}
