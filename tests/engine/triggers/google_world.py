"""A calendar and a spreadsheet of Google, for the contract suite: a person adds an event, or types a row."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pydantic import SecretStr

from clients.errors import Unavailable
from clients.google_calendar.client import GoogleCalendarClient
from clients.google_calendar.service import CalendarSettings
from clients.google_sheets.client import GoogleSheetsClient
from clients.google_sheets.service import SheetsSettings
from demo.google_sheets.stand_in import SAMPLE
from tests.engine.triggers.worlds import Scene, World


def add_event(scene: Scene, title: str) -> None:
    """Let a person add an event."""
    starts = datetime.now(UTC) + timedelta(days=1)
    times = {"start": {"dateTime": starts.isoformat()}, "end": {"dateTime": (starts + timedelta(hours=1)).isoformat()}}
    address = f"{scene.standins['google_calendar'].origin}/_demo/event"
    scene.standins.controls.post(address, json={"summary": title, **times}).raise_for_status()


def type_row(scene: Scene, *values: object) -> None:
    """Let a person type a row below the last one."""
    address = f"{scene.standins['google_sheets'].origin}/_demo/row"
    scene.standins.controls.post(address, json={"sheet": "Customers", "values": values}).raise_for_status()


def _new_event(scene: Scene) -> World:
    where = scene.standins["google_calendar"]
    settings = CalendarSettings(token=SecretStr(where.token), base_url=where.base_url)
    return World(
        fields={},
        happen=lambda number: add_event(scene, f"Event {number}"),
        shown=lambda: scene.standins.show("google_calendar"),
        client=GoogleCalendarClient(settings, scene.http),
        fail=lambda: scene.standins.faults("google_calendar", match="/events", times=1, status=503),
        fails_with=Unavailable,
        now=lambda number: datetime.now(UTC),
    )


def _new_row(scene: Scene) -> World:
    where = scene.standins["google_sheets"]
    settings = SheetsSettings(token=SecretStr(where.token), base_url=where.base_url)
    return World(
        fields={"spreadsheet": SAMPLE, "sheet": "Customers"},
        happen=lambda number: type_row(scene, f"Person {number}", "", "Free"),
        shown=lambda: scene.standins.show("google_sheets"),
        client=GoogleSheetsClient(settings, scene.http),
        fail=lambda: scene.standins.faults("google_sheets", match="values:batchGet", times=1, status=503),
        fails_with=Unavailable,
        now=lambda number: datetime.now(UTC),
    )


WORLDS = {"google_calendar.new_event": _new_event, "google_sheets.new_row": _new_row}
