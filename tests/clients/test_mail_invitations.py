"""Invitations are read as Outlook, Google, Apple and others write them: as data, and in words."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from clients.mail_formats.calendar import read_calendar
from clients.mail_formats.recurrence import in_words
from tests.mail.raw_mails import read_raw

BERLIN = (
    "BEGIN:VTIMEZONE\nTZID:{name}\nBEGIN:STANDARD\nDTSTART:16010101T030000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\n"
    "RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10\nEND:STANDARD\nBEGIN:DAYLIGHT\nDTSTART:16010101T020000\n"
    "TZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nRRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=3\nEND:DAYLIGHT\n"
    "END:VTIMEZONE\n"
)
WITHOUT_RULES = (
    "BEGIN:VTIMEZONE\nTZID:{name}\nBEGIN:STANDARD\nDTSTART:20000101T000000\nTZOFFSETFROM:+0530\nTZOFFSETTO:+0530\n"
    "END:STANDARD\nEND:VTIMEZONE\n"
)
NEW_YORK_BY_NUMBER = (
    "BEGIN:VTIMEZONE\nTZID:{name}\nX-LIC-LOCATION:America/New_York\nBEGIN:STANDARD\nDTSTART:19671029T020000\n"
    "TZOFFSETFROM:-0400\nTZOFFSETTO:-0500\nEND:STANDARD\nEND:VTIMEZONE\n"
)


def calendar(event: str, method: str = "REQUEST", zone: str = "", kind: str = "VEVENT") -> str:
    said = f"METHOD:{method}\n" if method else ""
    return f"BEGIN:VCALENDAR\nVERSION:2.0\n{said}{zone}BEGIN:{kind}\nUID:1@a\n{event}\nEND:{kind}\nEND:VCALENDAR\n"


def only(source: str) -> dict[str, Any]:
    [event] = read_calendar(source).events
    return event


@pytest.mark.parametrize(
    ("lines", "zone", "starts", "ends", "named"),
    [
        pytest.param(
            "DTSTART;TZID=W. Europe Standard Time:20261203T143000\nDTEND;TZID=W. Europe Standard Time:20261203T153000",
            BERLIN.format(name="W. Europe Standard Time"),
            *("2026-12-03T14:30:00+01:00", "2026-12-03T15:30:00+01:00", "Europe/Berlin"),
            id="Outlook, winter",
        ),
        pytest.param(
            'DTSTART;TZID="W. Europe Standard Time":20260703T143000\nDURATION:PT1H30M',
            "",
            *("2026-07-03T14:30:00+02:00", "2026-07-03T16:00:00+02:00", "Europe/Berlin"),
            id="Outlook, summer, quoted, a duration, no definition",
        ),
        pytest.param(
            "DTSTART;TZID=Customized Time Zone:20260703T143000\nDTEND;TZID=Customized Time Zone:20260703T153000",
            BERLIN.format(name="Customized Time Zone"),
            *("2026-07-03T14:30:00+02:00", "2026-07-03T15:30:00+02:00", "Customized Time Zone"),
            id="a zone that the calendar defines, summer",
        ),
        pytest.param(
            "DTSTART;TZID=Customized Time Zone:20261025T023000",
            BERLIN.format(name="Customized Time Zone"),
            *("2026-10-25T02:30:00+02:00", "", "Customized Time Zone"),
            id="before the clocks are put back",
        ),
        pytest.param(
            "DTSTART;TZID=Customized Time Zone:20261025T033000",
            BERLIN.format(name="Customized Time Zone"),
            *("2026-10-25T03:30:00+01:00", "", "Customized Time Zone"),
            id="after the clocks are put back",
        ),
        pytest.param(
            "DTSTART;TZID=Own:20260703T090000",
            WITHOUT_RULES.format(name="Own"),
            *("2026-07-03T09:00:00+05:30", "", "Own"),
            id="a zone without rules",
        ),
        pytest.param(
            "DTSTART;TZID=/a.example/Zone5:20260703T090000",
            NEW_YORK_BY_NUMBER.format(name="/a.example/Zone5"),
            *("2026-07-03T09:00:00-04:00", "", "America/New_York"),
            id="a location",
        ),
        pytest.param(
            "DTSTART;TZID=/freeassociation.sourceforge.net/Europe/Rome:20260703T090000",
            "",
            *("2026-07-03T09:00:00+02:00", "", "Europe/Rome"),
            id="Evolution",
        ),
        pytest.param(
            'DTSTART;TZID="(UTC+01:00) Amsterdam, Berlin":20261203T090000',
            "",
            *("2026-12-03T09:00:00+01:00", "", "Europe/Berlin"),
            id="as Windows shows it, winter",
        ),
        *(
            pytest.param(
                f"DTSTART;TZID={written}:20260703T090000", "", f"2026-07-03T09:00:00{offset}", "", named, id=said
            )
            for written, offset, named, said in [
                ('"(UTC+01:00) Amsterdam, Berlin, Bern, Rom, Stockholm, Wien"', "+02:00", "Europe/Berlin", "in summer"),
                ("(UTC+01:00) Brussels\\, Copenhagen\\, Paris", "+02:00", "Europe/Paris", "not quoted, escaped"),
                ('"(UTC) Dublin, Edinburgh, Lisbon, London"', "+01:00", "Europe/London", "without hours"),
                ('"(UTC-08:00) Pacific Time (US & Canada)"', "-07:00", "America/Los_Angeles", "a region"),
                ('"(UTC+10:30) Lord Howe Island"', "+10:30", "Australia/Lord_Howe", "an island"),
                (
                    '"(UTC+08:00) Beijing, Chongqing, Hong Kong"',
                    "+08:00",
                    "Asia/Chongqing",
                    "not in the list of Windows",
                ),
                (
                    '"(UTC-11:00) Coordinated Universal Time-11"',
                    "-11:00",
                    "(UTC-11:00) Coordinated Universal Time-11",
                    "fixed",
                ),
                ('"(UTC+01:00) Atlantis"', "", "(UTC+01:00) Atlantis", "an unknown place, whose summer nobody knows"),
                ('"(UTC+05:00) Berlin"', "", "(UTC+05:00) Berlin", "a place elsewhere"),
                (
                    "GMT -0500 (Standard) / GMT -0400 (Daylight)",
                    "",
                    "GMT -0500 (Standard) / GMT -0400 (Daylight)",
                    "two",
                ),
                ("GMT+0100", "+01:00", "GMT+0100", "an offset alone"),
                ("tzone://Microsoft/Custom", "", "tzone://Microsoft/Custom", "one that Outlook does not name"),
                ("W. Europe Daylight Time", "+02:00", "Europe/Berlin", "daylight"),
            ]
        ),
        pytest.param(
            "DTSTART:20261203T133000Z\nDTEND:20261203T143000Z",
            "",
            *("2026-12-03T13:30:00Z", "2026-12-03T14:30:00Z", "UTC"),
            id="UTC",
        ),
        pytest.param(
            "DTSTART:20261203T133000",
            "X-WR-TIMEZONE:Asia/Tokyo\n",
            *("2026-12-03T13:30:00+09:00", "", "Asia/Tokyo"),
            id="the calendar's",
        ),
        pytest.param(
            'DTSTART;TZID="(UTC+01:00) Amsterdam, Berlin":20260703T090000',
            BERLIN.format(name="(UTC+01:00) Amsterdam, Berlin").replace("+0200", "+0300"),
            *("2026-07-03T09:00:00+03:00", "", "(UTC+01:00) Amsterdam, Berlin"),
            id="what the calendar defines goes before what Windows shows",
        ),
        pytest.param("DTSTART:20261203T133000", "", *("2026-12-03T13:30:00", "", ""), id="no zone"),
        pytest.param(
            "DTSTART;TZID=Nowhere:20261203T133000", "", *("2026-12-03T13:30:00", "", "Nowhere"), id="an unknown zone"
        ),
        pytest.param(
            "DTSTART;VALUE=DATE:20261224\nDTEND;VALUE=DATE:20261227",
            "",
            *("2026-12-24", "2026-12-26", ""),
            id="three days",
        ),
        pytest.param(
            "DTSTART;VALUE=DATE:20261224\nDTEND;VALUE=DATE:20261225",
            "",
            *("2026-12-24", "2026-12-24", ""),
            id="one day",
        ),
        pytest.param(
            "DTSTART;VALUE=DATE:20261224\nDURATION:P2D",
            "",
            *("2026-12-24", "2026-12-25", ""),
            id="two days, as a duration",
        ),
        pytest.param("DTSTART;VALUE=DATE:20261224", "", *("2026-12-24", "2026-12-24", ""), id="a day without an end"),
        pytest.param(
            "DTSTART;TZID=Romance Standard Time:20261224T000000\nDTEND;TZID=Romance Standard Time:20261225T000000\n"
            "X-MICROSOFT-CDO-ALLDAYEVENT:TRUE",
            "",
            *("2026-12-24", "2026-12-24", ""),
            id="Outlook's whole day",
        ),
        pytest.param(
            "DTSTART:20260328T120000Z\nDURATION:P1W",
            "",
            *("2026-03-28T12:00:00Z", "2026-04-04T12:00:00Z", "UTC"),
            id="a week",
        ),
        pytest.param(
            "DTSTART;TZID=Europe/Berlin:20260328T120000\nDURATION:P1DT1H",
            "",
            *("2026-03-28T12:00:00+01:00", "2026-03-29T13:00:00+02:00", "Europe/Berlin"),
            id="a day over the change of clocks",
        ),
        pytest.param(
            "DTSTART:20260328T120000Z\nDURATION:-PT1H",
            "",
            *("2026-03-28T12:00:00Z", "", "UTC"),
            id="a negative duration",
        ),
        *(
            pytest.param(
                f"DTSTART;TZID={name}:20260703T090000", "", *("2026-07-03T09:00:00", "", name), id=f"no zone: {name}"
            )
            for name in ("localtime", "posixrules", "Factory", "right/Europe/Berlin")
        ),
        pytest.param("DTSTART:20269999T120000", "", *("", "", ""), id="no date"),
        pytest.param("SUMMARY:Some day", "", *("", "", ""), id="none"),
    ],
)
def test_times_are_those_of_their_zone(lines: str, zone: str, starts: str, ends: str, named: str) -> None:
    event = only(calendar(lines, zone=zone))
    assert (event["starts_at"], event["ends_at"], event["zone"]) == (starts, ends, named)
    assert event["all_day"] is (len(starts) == len("2026-12-24"))


GOOGLE = (
    'ORGANIZER;CN="Hill, Bob: Sales":mailto:bob@example.net\n'
    "ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=ACCEPTED;CN=ann@example.org;X-NUM-GUESTS=0:mailt\n"
    " o:ann@example.org\n"
    "ATTENDEE;PARTSTAT=TENTATIVE;CN=Zoë:MAILTO:zoe@example.org\n"
    "ATTENDEE;CUTYPE=ROOM;CN=Room 4;EMAIL=room4@example.org:urn:uuid:1\n"
    "SUMMARY:Budget\\, round 2\nLOCATION:Room 4\\; first floor\nDESCRIPTION:One\\nTwo\\\\n\\Nthree\n"
    "DTSTART:20261203T133000Z\nSTATUS:CONFIRMED\nX-GOOGLE-CONFERENCE:https://meet.example/abc\n"
    "BEGIN:VALARM\nACTION:EMAIL\nSUMMARY:Alarm\nDESCRIPTION:Alarm\nATTENDEE:mailto:alarm@example.org\nEND:VALARM"
)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_people_and_texts_are_read_as_they_are_written(end: str) -> None:
    event = only(calendar(GOOGLE).replace("\n", end))
    assert (event["title"], event["location"]) == ("Budget, round 2", "Room 4; first floor")
    assert event["description"] == "One\nTwo\\n\nthree"
    assert (event["organizer"], event["url"]) == ("Hill, Bob: Sales <bob@example.net>", "https://meet.example/abc")
    assert event["attendees"] == [
        {"name": "ann@example.org", "address": "ann@example.org", "status": "accepted"},
        {"name": "Zoë", "address": "zoe@example.org", "status": "tentative"},
        {"name": "Room 4", "address": "room4@example.org", "status": "needs action"},
    ]


@pytest.mark.parametrize("sign", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_nothing_within_a_line_begins_another(sign: str, end: str) -> None:
    title = f"Hi{sign}ORGANIZER:mailto:evil@x.example"
    event = f"DTSTART:20261203T133000Z\nSUMMARY:{title}\nORGANIZER:mailto:ann@example.org"
    told = only(calendar(event).replace("\n", end))
    assert (told["organizer"], told["title"]) == ("ann@example.org", title)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("FREQ=DAILY", "every day"),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE;COUNT=10", "every 2 weeks on Monday and Wednesday, 10 times"),
        (
            "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;UNTIL=20261224T080000Z",
            "every week from Monday to Friday, until 24 December 2026",
        ),
        ("FREQ=MONTHLY;BYDAY=1FR", "every month on the first Friday"),
        ("FREQ=MONTHLY;BYDAY=TU;BYSETPOS=-1", "every month on the last Tuesday"),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "every month on the last workday"),
        ("FREQ=MONTHLY;BYMONTHDAY=15,-1", "every month on day 15 and the last day"),
        ("FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=24", "every year on day 24 in December"),
        ("FREQ=YEARLY;BYMONTH=5;BYDAY=SU;BYSETPOS=2", "every year on the second Sunday in May"),
        ("freq=weekly;interval=2;byday=tu;wkst=su", "every 2 weeks on Tuesday"),
        ("FREQ=DAILY;COUNT=2;", "every day, 2 times"),
        *(
            (rule, f"by the rule {rule}")
            for rule in (
                "FREQ=SOMETIMES",
                "FREQ=SECONDLY;COUNT=9999999999",
                "FREQ=DAILY;INTERVAL=0",
                "FREQ=DAILY;UNTIL=tomorrow",
                "FREQ=DAILY;BYHOUR=9,15",
                "FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=2",
                "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=1,2",
                "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1",
                "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=-4",
                "FREQ=MONTHLY;BYMONTHDAY=1,2;BYSETPOS=1",
                "FREQ=MONTHLY;BYMONTHDAY=13;BYDAY=FR",
                "FREQ=MONTHLY;BYMONTHDAY=-2",
                "FREQ=WEEKLY;BYDAY=MO,XX",
                "FREQ=YEARLY;BYMONTH=13",
                "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO",
                "FREQ=YEARLY;BYYEARDAY=100",
                "RSCALE=CHINESE;FREQ=YEARLY",
                "FREQ=DAILY;FREQ=WEEKLY",
            )
        ),
    ],
)
def test_rules_are_said_in_words(rule: str, words: str) -> None:
    assert in_words(rule) == words
    assert only(calendar(f"DTSTART:20261203T133000Z\nRRULE:{rule}"))["recurrence"] == words


@pytest.mark.parametrize(
    ("zone", "start", "utc", "day"),
    [
        pytest.param("Asia/Tokyo", "20261201T080000", "20261231T230000Z", "1 January 2027", id="east"),
        pytest.param("America/Los_Angeles", "20261201T200000", "20270101T040000Z", "31 December 2026", id="west"),
    ],
)
def test_days_in_utc_are_told_in_the_zone_of_the_event(zone: str, start: str, utc: str, day: str) -> None:
    begins = f"DTSTART;TZID={zone}:{start}"
    assert only(calendar(f"{begins}\nRRULE:FREQ=DAILY;UNTIL={utc}"))["recurrence"] == f"every day, until {day}"
    left_out = only(calendar(f"{begins}\nRRULE:FREQ=DAILY\nEXDATE:{utc}"))["recurrence"]
    assert left_out == f"every day, except on {day}"
    assert only(calendar(f"{begins}\nRDATE:{utc}"))["recurrence"] == f"also on {day}"
    assert only(calendar(f"{begins}\nRECURRENCE-ID:{utc}"))["recurrence"] == f"only the one of {day} in a series"


def test_a_last_day_of_whole_days_or_without_a_zone_is_told_as_it_is_written() -> None:
    whole = "DTSTART;VALUE=DATE:20261201\nRRULE:FREQ=DAILY;UNTIL=20261205T230000Z"
    assert only(calendar(whole))["recurrence"] == "every day, until 5 December 2026"
    local = "DTSTART;TZID=Asia/Tokyo:20261201T080000\nRRULE:FREQ=DAILY;UNTIL=20261205T230000"
    assert only(calendar(local))["recurrence"] == "every day, until 5 December 2026"
    early = "DTSTART;TZID=America/Lima:00010101T000000\nRRULE:FREQ=DAILY;UNTIL=00010101T000000Z"
    assert only(calendar(early))["recurrence"] == "every day, until 1 January 1"


def test_series_say_their_exceptions() -> None:
    lines = "DTSTART:20261203T133000Z\nRRULE:FREQ=DAILY\nEXDATE:20261224T133000Z,20261225T133000Z"
    assert only(calendar(lines))["recurrence"] == "every day, except on 24 December 2026 and 25 December 2026"
    one = "RECURRENCE-ID:20261203T133000Z\nDTSTART:20261204T133000Z"
    assert only(calendar(one))["recurrence"] == "only the one of 3 December 2026 in a series"


def test_long_texts_are_cut_and_say_so() -> None:
    event = only(calendar(f"SUMMARY:{'a' * 2000}\nDESCRIPTION:{'b' * 30_000}"))
    assert event["title"].endswith("a [Cut here: 1,000 of 2,000 characters are shown.]")
    assert event["description"].endswith("b [Cut here: 20,000 of 30,000 characters are shown.]")
    many = only(calendar("\n".join(f"ATTENDEE:mailto:a{number}@a.example" for number in range(500))))
    assert len(many["attendees"]) == 500


@pytest.mark.parametrize("charset", ["utf-8", "euc-jp", "utf-16"])
@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_a_letter_that_is_folded_in_two_is_read_whole(charset: str, end: str) -> None:
    source = calendar("SUMMARY:請求書 für Zoë" if charset != "euc-jp" else "SUMMARY:請求書").replace("\n", end)
    content = source.encode(charset)
    if charset != "utf-16":
        letter = "求".encode(charset)
        content = content.replace(letter, letter[:1] + f"{end} ".encode() + letter[1:])
    encoded = base64.encodebytes(content).decode()
    head = f"Content-Type: text/calendar; charset={charset}; method=REQUEST\nContent-Transfer-Encoding: base64"
    [event] = read_raw(f"Subject: s\n{head}\n\n{encoded}".encode())["invitations"]
    assert event["title"].startswith("請求書")
    assert "\ufffd" not in event["title"]


def mailed(source: str, *beside: str, head: str = "text/calendar; charset=utf-8; method=REQUEST") -> dict[str, Any]:
    encoded = base64.encodebytes(source.encode()).decode()
    part = f"Content-Type: {head}\nContent-Transfer-Encoding: base64\n\n{encoded}"
    parts = "".join(f"--XX\n{one}\n" for one in (*beside, part))
    return read_raw(f"Subject: s\nContent-Type: multipart/alternative; boundary=XX\n\n{parts}--XX--".encode())


EVENT = (
    "DTSTART;TZID=Europe/Berlin:20261203T143000\nDTEND;TZID=Europe/Berlin:20261203T153000\nSUMMARY:Lunch\n"
    "ORGANIZER;CN=Ann:mailto:ann@example.org\nATTENDEE;PARTSTAT=DECLINED:mailto:bob@example.net\n"
    "DESCRIPTION:Bring cake."
)
WHEN = (
    "When: Thursday, 3 December 2026, 14:30 to 15:30 (Europe/Berlin, UTC+01:00)\nOrganizer: Ann <ann@example.org>\n"
    "Attendees: bob@example.net (declined)"
)


@pytest.mark.parametrize(
    ("method", "title"),
    [
        ("REQUEST", "Invitation (REQUEST): Lunch"),
        ("CANCEL", "Cancelled (CANCEL): Lunch"),
        ("REPLY", "Answer to an invitation (REPLY): Lunch"),
        ("COUNTER", "Another time is proposed (COUNTER): Lunch"),
        ("PUBLISH", "Event (PUBLISH): Lunch"),
    ],
)
def test_an_invitation_is_the_text_of_a_mail_that_has_no_other(method: str, title: str) -> None:
    read = mailed(calendar(EVENT, method), "Content-Type: text/plain\n\n \n")
    assert read["text"] == f"{title}\n{WHEN}\n\nBring cake."
    assert [(event["method"], event["title"]) for event in read["invitations"]] == [(method, "Lunch")]
    assert (read["text_missing"], read["attachments"][0]["name"]) == ("", "invite.ics")


def test_beside_a_text_an_invitation_is_short_and_one_that_is_written_twice_counts_once() -> None:
    source = calendar(EVENT)
    attached = f"Content-Type: application/ics; name=invite.ics\n\n{source}"
    read = mailed(source, "\nPlease come.", attached)
    assert read["text"] == f"Please come.\n\nInvitation (REQUEST): Lunch\n{WHEN}"
    assert len(read["invitations"]) == 1
    assert mailed(calendar(EVENT, ""), "\nPlease come.")["invitations"][0]["method"] == "REQUEST"  # the type says so
    cancelled = mailed(calendar(f"{EVENT}\nSTATUS:CANCELLED"))
    assert cancelled["text"].startswith("Cancelled (REQUEST): Lunch")


def test_all_events_of_a_mail_are_read_up_to_twenty_and_the_rest_is_told() -> None:
    events = "".join(
        f"BEGIN:VEVENT\nUID:{number}@a\nSUMMARY:No. {number}\nDTSTART;VALUE=DATE:20261224\nEND:VEVENT\n"
        for number in range(30)
    )
    read = mailed(f"BEGIN:VCALENDAR\n{events}END:VCALENDAR\n")
    assert [event["title"] for event in read["invitations"]] == [f"No. {number}" for number in range(20)]
    assert read["text"].startswith(
        "Invitation (REQUEST): No. 0\nWhen: Thursday, 24 December 2026, all day\n\nInvitation"
    )
    assert read["left_out"] == ["The file 'invite.ics' has 10 more events."]


@pytest.mark.parametrize(
    "source",
    [
        "",
        "BEGIN:VCALENDAR",
        "BEGIN:VCALENDAR\n" * 50_000,
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\n" + "ATTENDEE:mailto:a@a\n" * 100_000,
        calendar("DTSTART:" + "9" * 100_000),
        calendar("DTSTART:99991231T235959Z\nDURATION:P9999W"),
        calendar("SUMMARY" + ';A="b"' * 100_000 + ":x"),
        calendar("SUMMARY" + ";A=b" * 100_000),
        calendar("DTSTART;TZID=../../etc/passwd:20261203T133000"),
        calendar("RRULE:FREQ=SECONDLY;INTERVAL=0;BYDAY=" + "MO," * 50_000),
        calendar("DTSTART;TZID=Z:20261203T133000", zone=BERLIN.format(name="Z").replace("-1SU", "-99999SU")),
        calendar("DTSTART;TZID=Z:99991203T133000", zone=BERLIN.format(name="Z").replace("BYMONTH=10", "BYMONTH=12")),
        calendar("DTSTART;TZID=Z:20261203T133000", zone=BERLIN.format(name="Z").replace("+0100", "+9999")),
        "\x00\r\n \r\n" * 10_000,
        calendar(
            "DTSTART;TZID=Z:20261203T133000\nRRULE:FREQ=DAILY" + f"\nEXDATE;TZID=Z:{'20261224T133000,' * 5000}" * 40,
            zone=BERLIN.format(name="Z").replace("END:VTIMEZONE\n", "") * 4000,
        ),
    ],
    ids=range(15),
)
def test_odd_calendars_do_no_harm(source: str) -> None:
    assert len(read_calendar(source).events) <= 1
    assert mailed(source, "\nHello")["text"].startswith("Hello")


def test_escapes_of_a_parameter_are_read_in_order() -> None:
    event = only(calendar("DTSTART:20261203T143000Z\nORGANIZER;CN=a^^n^'b^':mailto:ann@example.org"))
    assert 'a^n"b"' in str(event["organizer"])
