"""Invitations and answers to them are written by the rules, and read back the same: by us, and by another library."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from clients.mail_formats.calendar import read_calendar, read_request
from clients.mail_formats.calendar_writing import CalendarPerson, InvitationDraft, answer_file, invitation_file

NOW = datetime(2026, 11, 20, 12, 0, 30, tzinfo=UTC)
BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
EVENT = InvitationDraft(
    "REQUEST", "1@a.example", 0, "Kick-off",
    datetime(2026, 11, 25, 10, tzinfo=BERLIN), datetime(2026, 11, 25, 11, 30, tzinfo=BERLIN),
    CalendarPerson("me@example.com", "Me, Myself"),
    [CalendarPerson("ann@a.example", 'Ann "A" ^ B'), CalendarPerson("bob@b.example")],
    location="Room 7; first floor", url="https://meet.example/1?a=1,2", description="Bring:\n- pens\n- C:\\paper",
)  # fmt: skip


def only(content: bytes) -> dict[str, Any]:
    [event] = read_calendar(content.decode()).events
    return event


def test_an_invitation_says_what_was_put_in() -> None:
    assert only(invitation_file(EVENT, NOW)) == {
        "method": "REQUEST",
        "title": "Kick-off",
        "starts_at": "2026-11-25T10:00:00+01:00",
        "ends_at": "2026-11-25T11:30:00+01:00",
        "all_day": False,
        "zone": "Europe/Berlin",
        "location": "Room 7; first floor",
        "organizer": "Me, Myself <me@example.com>",
        "attendees": [
            {"name": 'Ann "A" ^ B', "address": "ann@a.example", "status": "needs action"},
            {"name": "", "address": "bob@b.example", "status": "needs action"},
        ],
        "recurrence": "",
        "status": "confirmed",
        "description": "Bring:\n- pens\n- C:\\paper",
        "comment": "",
        "url": "https://meet.example/1?a=1,2",
        "uid": "1@a.example",
    }


def test_whole_days_and_cancellations() -> None:
    days = replace(EVENT, method="CANCEL", sequence=3, starts=date(2026, 12, 24), ends=date(2026, 12, 27))
    content = invitation_file(days, NOW)
    told = only(content)
    assert (told["starts_at"], told["ends_at"], told["all_day"]) == ("2026-12-24", "2026-12-26", True)
    assert (told["method"], told["status"]) == ("CANCEL", "cancelled")
    assert b"SEQUENCE:3\r\n" in content
    assert b"RSVP" not in content


def test_lines_have_at_most_75_octets_and_letters_are_whole() -> None:
    long = replace(EVENT, title="Größe 請求書 👩‍🚀 " * 40)
    content = invitation_file(long, NOW)
    lines = content.split(b"\r\n")
    assert max(map(len, lines)) <= 75
    assert all(line.decode() or True for line in lines)
    assert only(content)["title"].startswith("Größe 請求書 👩‍🚀 Größe")


def test_nothing_that_somebody_writes_adds_a_line() -> None:
    evil = "x\r\nATTENDEE:mailto:eve@evil.example\r\nEND:VEVENT"
    person = CalendarPerson("me@example.com\r\nX-A:1", evil)
    written = invitation_file(
        replace(EVENT, title=evil, location=evil, description=evil, url=f"https://a.example/{evil}", uid=evil,
                organizer=person, attendees=[person]), NOW)  # fmt: skip
    names = [line.split(b":")[0].split(b";")[0] for line in written.replace(b"\r\n ", b"").split(b"\r\n")]
    assert names.count(b"ATTENDEE") == 1
    assert names.count(b"END") == 5  # of the zone, its two parts, the event, the calendar
    assert b"X-A" not in names


INVITED = (
    b"BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:1@a\r\nSEQUENCE:2\r\nSUMMARY:Weekly\\, with tea\r\n"
    b"ORGANIZER;CN=Ann:MAILTO:ann@a.example\r\nATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:me@example.com\r\n"
    b"ATTENDEE:mailto:bob@b.example\r\nDTSTART;TZID=Europe/Berlin:20261125T100000\r\nDURATION:PT1H\r\n"
    b"RRULE:FREQ=WEEKLY\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:1@a\r\nSEQUENCE:2\r\nSUMMARY:Weekly\r\n"
    b"ORGANIZER:mailto:ann@a.example\r\nRECURRENCE-ID;TZID=Europe/Berlin:20261202T100000\r\n"
    b"DTSTART;TZID=Europe/Berlin:20261202T120000\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


def test_an_answer_repeats_what_it_answers_and_names_one_attendee() -> None:
    request = read_request(INVITED.decode())
    assert (request.method, [one.uid for one in request.events]) == ("REQUEST", ["1@a", "1@a"])
    answer = answer_file(request.events, CalendarPerson("me@example.com", "Me"), "decline", "Sorry, busy.", NOW)
    told, exception = read_calendar(answer.decode()).events
    assert (told["method"], told["uid"], told["title"]) == ("REPLY", "1@a", "Weekly, with tea")
    assert told["attendees"] == [{"name": "Me", "address": "me@example.com", "status": "declined"}]
    assert (told["starts_at"], told["ends_at"]) == ("2026-11-25T09:00:00Z", "2026-11-25T10:00:00Z")
    assert (told["organizer"], told["comment"]) == ("Ann <ann@a.example>", "Sorry, busy.")
    assert exception["recurrence"] == "only the one of 2 December 2026 in a series"
    assert answer.count(b"SEQUENCE:2\r\n") == 2
    assert b"RECURRENCE-ID:20261202T090000Z\r\n" in answer


@pytest.mark.parametrize(
    ("source", "method", "count"),
    [
        pytest.param("", "", 0, id="nothing"),
        pytest.param("BEGIN:VCALENDAR\nMETHOD:REQUEST\nEND:VCALENDAR", "REQUEST", 0, id="no event"),
        pytest.param("BEGIN:VCALENDAR\nBEGIN:VEVENT\nSEQUENCE:x\nEND:VEVENT\nEND:VCALENDAR", "", 1, id="hardly a line"),
        pytest.param("BEGIN:VCALENDAR\nBEGIN:VTODO\nUID:1\nEND:VTODO\nEND:VCALENDAR", "", 0, id="a task"),
    ],
)
def test_calendars_that_ask_for_nothing(source: str, method: str, count: int) -> None:
    found = read_request(source)
    assert (found.method, len(found.events)) == (method, count)


def test_years_have_four_digits() -> None:
    event = INVITED.replace(b";TZID=Europe/Berlin:20261125T100000", b":09990102T100000Z")
    answer = answer_file(read_request(event.decode()).events, CalendarPerson("me@example.com"), "accept", "", NOW)
    assert b"DTSTART:09990102T100000Z\r\nDTEND:09990102T110000Z\r\n" in answer
    days = invitation_file(replace(EVENT, starts=date(999, 1, 2), ends=date(999, 1, 3)), NOW)
    assert b"DTSTART;VALUE=DATE:09990102\r\nDTEND;VALUE=DATE:09990103\r\n" in days


WORDS = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=120)


@given(
    title=WORDS, location=WORDS, description=WORDS, zone=st.sampled_from(["Europe/Berlin", "America/New_York",
    "Asia/Kathmandu", "Australia/Lord_Howe", "UTC", "America/St_Johns", "Asia/Tokyo"]),
    minutes=st.integers(0, 60 * 24 * 365 * 5), length=st.integers(1, 60 * 24 * 3),
)  # fmt: skip
def test_another_library_reads_the_same(
    title: str, location: str, description: str, zone: str, minutes: int, length: int
) -> None:
    icalendar = pytest.importorskip("icalendar", reason="`pip install icalendar` has another library read the files")
    begin = (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)).astimezone(ZoneInfo(zone))
    end = (begin.astimezone(UTC) + timedelta(minutes=length)).astimezone(ZoneInfo(zone))
    event = replace(EVENT, title=title, location=location, description=description, starts=begin, ends=end)
    calendar = icalendar.Calendar.from_ical(invitation_file(event, NOW))
    [told] = calendar.walk("VEVENT")
    assert calendar["METHOD"] == "REQUEST"
    assert (str(told["SUMMARY"]), str(told.get("LOCATION", ""))) == (title, location)
    assert str(told.get("DESCRIPTION", "")) == description
    assert (told["DTSTART"].dt, told["DTEND"].dt) == (begin, end)
    assert told["DTSTART"].dt.utcoffset() == begin.utcoffset()
    assert [str(one) for one in told["ATTENDEE"]] == ["mailto:ann@a.example", "mailto:bob@b.example"]
    for defined in calendar.walk("VTIMEZONE"):  # what it says of the clocks is right, too
        assert defined.to_tz(lookup_tzid=False).utcoffset(begin.replace(tzinfo=None)) == begin.utcoffset()
