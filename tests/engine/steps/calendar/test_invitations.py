"""The steps that read, make and answer calendar files, and how such a file travels in a mail."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email import message_from_bytes, policy
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import pytest
from pydantic import ValidationError

from clients.errors import InvalidRequest
from clients.mail.outgoing import File, OutgoingMail, as_bytes, build
from clients.mail_formats.calendar import read_calendar
from engine.base.run_file import FileContent, RunFile
from engine.plugins.registry import step_type
from engine.plugins.step import Call
from tests.clients.test_calendar_writing import INVITED

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
MEETING = {"title": "Kick-off", "starts": "2026-11-25T10:00", "time_zone": "Europe/Berlin",
           "organizer": "Me <me@example.com>", "attendees": ["ann@a.example"]}  # fmt: skip


def made(name: str, fields: dict[str, Any], content: bytes = b"") -> tuple[Any, list[str]]:
    """Make a call; give its output and notes. A file in the fields has this content."""
    kind = step_type(name)

    @contextmanager
    def path(_: RunFile) -> Iterator[Path]:
        with NamedTemporaryFile() as file:
            file.write(content)
            file.flush()
            yield Path(file.name)

    call = Call(kind.fields.model_validate(fields), started_at=NOW, path=path)
    return kind.call(call), call.notes


def given_file(content: bytes) -> dict[str, Any]:
    file = RunFile(**{"$file": "20261120T120000Z-abcdefgh.files/" + "0" * 64}, name="invite.ics", bytes=len(content),
                   media_type="text/calendar")  # fmt: skip
    return {"file": file}


def answered(content: bytes = INVITED, **fields: Any) -> tuple[Any, list[str]]:
    told = {"attendee": "me@example.com", "answer": "decline", **fields}
    return made("calendar.answer_invitation", {**given_file(content), **told}, content)


def events(file: FileContent) -> list[dict[str, Any]]:
    return read_calendar(file.content.decode()).events


def test_an_invitation_is_made_and_read_as_mails_have_it() -> None:
    output, notes = made("calendar.make_invitation", MEETING)
    file = output["file"]
    assert (file.name, file.media_type, notes) == ("invitation.ics", "text/calendar", [])
    read, _ = made("calendar.read_invitation", given_file(file.content), file.content)
    [event] = read["invitations"]
    assert (event["starts_at"], event["ends_at"]) == ("2026-11-25T10:00:00+01:00", "2026-11-25T11:00:00+01:00")
    assert (event["organizer"], event["uid"], read["left_out"]) == ("Me <me@example.com>", output["uid"], 0)


@pytest.mark.parametrize(
    ("times", "starts", "ends"),
    [
        ({"starts": "2026-10-25T01:30", "minutes": 120}, "2026-10-24T23:30:00Z", "2026-10-25T01:30:00Z"),
        ({"starts": "2026-10-25T02:30"}, "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"),
        ({"starts": "2026-10-25T02:30", "minutes": 30}, "2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z"),
        ({"starts": "2026-10-25T02:30+01:00"}, "2026-10-25T01:30:00Z", "2026-10-25T02:30:00Z"),
        (
            {"starts": "2026-10-25T02:30+02:00", "ends": "2026-10-25T02:15+01:00"},
            *("2026-10-25T00:30:00Z", "2026-10-25T01:15:00Z"),
        ),
        (
            {"starts": "2026-10-24T12:00", "minutes": 1440},
            *("2026-10-24T12:00:00+02:00", "2026-10-25T11:00:00+01:00"),
        ),
        ({"starts": "2027-03-28T02:30", "minutes": 30}, "2027-03-28T01:30:00Z", "2027-03-28T02:00:00Z"),
        (
            {"starts": "2027-03-28T01:30", "minutes": 60},
            *("2027-03-28T01:30:00+01:00", "2027-03-28T03:30:00+02:00"),
        ),
    ],
    ids=[
        "into the second hour",
        "first hour",
        "in it",
        "second hour",
        "both",
        "over it",
        "no such time",
        "over the gap",
    ],
)
def test_events_when_the_clocks_are_set_take_as_long_as_they_should(
    times: dict[str, Any], starts: str, ends: str
) -> None:
    output, _ = made("calendar.make_invitation", {**MEETING, **times})
    [event] = events(output["file"])
    assert (event["starts_at"], event["ends_at"]) == (starts, ends)


def test_the_same_event_has_the_same_id_and_another_has_another() -> None:
    first, again, cancelled, other = (
        made("calendar.make_invitation", {**MEETING, **more})[0]
        for more in ({}, {"location": "Room 7"}, {"method": "CANCEL", "sequence": 1}, {"title": "Wrap-up"})
    )
    assert first["uid"] == again["uid"] == cancelled["uid"] != other["uid"]
    assert (cancelled["file"].name, events(cancelled["file"])[0]["method"]) == ("cancellation.ics", "CANCEL")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        pytest.param({"starts": "tomorrow"}, "'tomorrow' is not a time", id="no time"),
        pytest.param({"ends": "2026-11-25"}, "begins with a day|ends with a time", id="a day and a time"),
        pytest.param({"starts": "9999-12-31"}, "starts: the year of '9999-12-31'", id="the last day"),
        pytest.param({"starts": "9999-12-31T23:59"}, "starts: the year of", id="the last minute, without an end"),
        pytest.param({"starts": "0001-01-01T00:00", "time_zone": "Asia/Tokyo"}, "between 1900 and 2200", id="year 1"),
        pytest.param({"starts": "0001-01-01T00:00+09:00"}, "starts: the year of", id="year 1, with an offset"),
        pytest.param({"starts": "0999-01-02"}, "starts: the year of '0999-01-02'", id="year 999"),
        pytest.param({"ends": "9999-12-31T10:00"}, "ends: the year of '9999", id="an end that is far away"),
        pytest.param(
            {"ends": "2031-11-26T10:01"}, "more than five years, from 2026-11-25T10:00 to 2031", id="too long"
        ),
        pytest.param({"starts": "2026-11-25", "ends": "2031-11-27"}, "more than five years", id="too many days"),
        pytest.param({"time_zone": "Berlin"}, "There is no time zone 'Berlin'", id="no zone"),
        *(
            pytest.param({"time_zone": name}, f"There is no time zone {name!r}", id=f"no zone: {name}")
            for name in ("localtime", "posixrules", "Factory")
        ),
        pytest.param(
            {"starts": "2026-10-25T02:30+01:00", "ends": "2026-10-25T02:45+02:00"},
            "ends at 2026-10-25T02:45",
            id="an end before the clocks are put back",
        ),
        pytest.param({"organizer": "Me"}, "organizer: ", id="no address"),
        pytest.param({"organizer": "a@a.example, b@b.example"}, "more than one address", id="two organizers"),
        pytest.param({"attendees": ["ann@a.example\nX: y"]}, "attendees: ", id="a line end"),
    ],
)
def test_what_is_wrong_is_named(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidRequest, match=words):
        made("calendar.make_invitation", {**MEETING, **wrong})


@pytest.mark.parametrize("url", ["javascript:alert(1)", "https://a.example/ b", "meet.example"])
def test_a_link_is_the_address_of_a_page(url: str) -> None:
    with pytest.raises(ValidationError):
        made("calendar.make_invitation", {**MEETING, "url": url})


@pytest.mark.parametrize(
    ("answer", "status"), [("accept", "accepted"), ("decline", "declined"), ("tentative", "tentative")]
)
def test_an_answer_is_a_file_and_tells_whose_invitation_it_is(answer: str, status: str) -> None:
    output, notes = answered(answer=answer, comment="Sorry")
    assert (output["organizer"], output["title"], output["uid"], notes) == (
        "ann@a.example", "Weekly, with tea", "1@a", [])  # fmt: skip
    assert {(one["method"], one["attendees"][0]["status"]) for one in events(output["file"])} == {("REPLY", status)}


def test_nobody_answers_who_is_not_invited() -> None:
    with pytest.raises(InvalidRequest, match=r"'invite\.ics' does not invite other@example\.com") as refused:
        answered(attendee="Me <other@example.com>")
    assert "the address that was invited" in refused.value.remedy
    output, _ = answered(
        INVITED.replace(b"me@example.com", b"ME@b\xc3\xbccher.example"), attendee="me@xn--bcher-kva.example"
    )
    assert output["uid"] == "1@a"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"Hello", "has no event", id="no calendar"),
        pytest.param(INVITED.replace(b"METHOD:REQUEST", b"METHOD:CANCEL"), "is a cancellation", id="cancelled"),
        pytest.param(INVITED.replace(b"METHOD:REQUEST", b"METHOD:REPLY"), "is an answer itself", id="an answer"),
        pytest.param(INVITED.replace(b"METHOD:REQUEST", b"METHOD:COUNTER"), "proposes another time", id="a proposal"),
        pytest.param(INVITED.replace(b"METHOD:REQUEST", b"METHOD:PUBLISH"), "invites nobody", id="published"),
        pytest.param(INVITED.replace(b"UID:1@a", b"UID:2@a", 1), "has several events", id="two events"),
        pytest.param(INVITED.replace(b"DTSTART", b"X-START"), "without a time that can be read", id="no time"),
        pytest.param(
            INVITED.replace(b"20261125T100000", b"20269999T100000"), "without a time that can be read", id="no date"
        ),
        pytest.param(INVITED.replace(b"ORGANIZER", b"X-ORGANIZER"), "names no organizer", id="no organizer"),
        pytest.param(INVITED.replace(b"UID:1@a", b"X-UID:1"), r"has no id \(UID\)", id="no id"),
        pytest.param(
            INVITED.replace(b"Berlin:20261125T100000", b"Berlin:00010101T000000"), "says DTSTART 0001-", id="year 1"
        ),
        pytest.param(
            INVITED.replace(b"RECURRENCE-ID;TZID=Europe/Berlin:2026", b"RECURRENCE-ID;TZID=Asia/Tokyo:0001")
            .replace(b":00011202", b":00010101")
            .replace(b"0101T100000", b"0101T000000"),
            "says RECURRENCE-ID 0001-",
            id="year 1 in a series",
        ),
    ],
)
def test_what_cannot_be_answered_is_refused(content: bytes, words: str) -> None:
    with pytest.raises(InvalidRequest, match=words):
        answered(content)


def test_a_file_without_events_is_noted_and_one_that_is_too_large_refused() -> None:
    output, notes = made("calendar.read_invitation", given_file(b"Hello"), b"Hello")
    assert (output, notes) == ({"invitations": [], "left_out": 0}, ["There is no event in 'invite.ics'."])
    with pytest.raises(InvalidRequest, match="too large"):
        made("calendar.read_invitation", given_file(b"x" * 3_000_000), b"x" * 3_000_000)


def test_a_mail_says_of_an_attached_answer_that_it_is_one() -> None:
    output, _ = answered()
    file = output["file"]
    mail = OutgoingMail(["ann@a.example"], subject="Re", files=[File(file.name, file.content, file.media_type)])
    sent = message_from_bytes(as_bytes(build(mail, "me@example.com", "m" * 32, None, NOW)), policy=policy.default)
    [part] = sent.iter_attachments()
    assert (part.get_content_type(), part.get_filename()) == ("text/calendar", "answer.ics")
    assert dict(part["Content-Type"].params) | {"name": ""} == {"method": "REPLY", "charset": "utf-8", "name": ""}
    assert part.get_payload(decode=True) == file.content
