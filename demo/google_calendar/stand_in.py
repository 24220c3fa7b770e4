"""The stand-in for the Google Calendar API: calendars, events, free times, and Google's sign-in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from demo.call import StandInCall, StandInReply, api_routes, page_routes
from demo.gmail import grants, oauth
from demo.gmail.stand_in import ERROR as GOOGLE_ERROR
from demo.google_calendar.events import Event, checked, instances, later, patched, span
from demo.page import escaped, frame
from demo.service import Refused, json_object, origin
from demo.store import Store

TOKEN = "demo-google-calendar-token"  # noqa: S105 - the stand-in's, no secret
ZONE = "Europe/Berlin"
_SCOPE = "https://www.googleapis.com/auth/calendar"
# Google says only "too far in the past" (410, https://developers.google.com/workspace/calendar/api/guides/errors).
_LONGEST_AGO = timedelta(days=28)
ERROR = GOOGLE_ERROR


def refusal(store: Store, token: str, method: str) -> tuple[int, str] | None:
    """Return why a token from the sign-in is insufficient, or None if it is sufficient."""
    full = {_SCOPE, f"{_SCOPE}.events"}
    return grants.refusal(store, token, method, full, full | {f"{_SCOPE}.readonly"})


def seed(store: Store) -> None:
    """Create two calendars, and events on the next working days."""
    account = _account(store)
    for calendar, name in ((account, account), ("team@group.calendar.google.com", "Team")):
        store.put("gcal/calendars", calendar, {"id": calendar, "summary": name, "primary": calendar == account})
    now = datetime.now(UTC)
    for number, (days, hour, hours, title) in enumerate(
        [
            (1, 9, 1, "Standup with the whole team"),
            (1, 13, 2, "Release planning"),
            (2, 8, 6, "Training"),
            (3, 10, 1, "1:1"),
        ]
    ):
        starts = later(now, days, hour)
        times = {"start": _time(starts), "end": _time(starts + timedelta(hours=hours))}
        put(store, account, {"id": f"sample{number}", "summary": title, **times}, now - timedelta(days=1))
    weekly: Event = {
        "start": _time(later(now, 1, 7)),
        "end": _time(later(now, 1, 8)),
        "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=20"],
    }
    put(store, account, {"id": "sampleweekly", "summary": "Weekly report", **weekly}, now - timedelta(days=1))


def _time(moment: datetime) -> dict[str, str]:
    return {"dateTime": moment.isoformat(timespec="seconds"), "timeZone": ZONE}


def _account(store: Store) -> str:
    return f"demo-{store.generation}@example.com"


def put(store: Store, calendar: str, event: Event, now: datetime | None = None) -> Event:
    """Keep an event of a calendar with a new version."""
    at = _stamp(now or datetime.now(UTC))
    etag = f'"{store.next_number("gcal/versions")}"'
    link = f"{origin(store, 'google_calendar')}/event/{event['id']}"
    made: Event = {
        "kind": "calendar#event",
        "status": "confirmed",
        "created": at,
        "htmlLink": link,
        "eventType": "default",
    }
    made |= {"organizer": {"email": calendar, "self": True}, "iCalUID": f"{event['id']}@google.com", "sequence": 0}
    kept = {**made, **event, "etag": etag, "updated": at}
    store.put("gcal/events", f"{calendar}/{event['id']}", {**kept, "_calendar": calendar})
    return kept


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def show(store: Store) -> dict[str, Any]:
    """Return calendars, events, and the mails that Google sent about them."""
    events = [_shown(one) for one in store.all("gcal/events") if one["status"] != "cancelled"]
    return {"calendars": store.all("gcal/calendars"), "events": events, "mails": store.all("gcal/mails")}


def _shown(kept: Mapping[str, Any]) -> Event:
    return {name: value for name, value in kept.items() if not name.startswith("_")}


def routes(store: Store) -> list[Route]:
    """Return the API, the sign-in, a way to add an event by hand, and a page."""

    async def by_hand(request: Request) -> Response:
        body = await json_object(request)
        with store.transaction():
            event = {"id": f"hand{store.next_number('gcal/hand')}", **body}
            made = put(store, _account(store), _answering(event, _account(store)))
        return JSONResponse(made, 201)

    events = "/calendar/v3/calendars/{calendar}/events"
    table = [
        ("GET", "/calendar/v3/users/me/calendarList", _calendars),
        (
            "GET",
            "/calendar/v3/users/me/calendarList/{calendar}",
            lambda call: StandInReply(_entry(call.store, _calendar(call))),
        ),
        ("POST", "/calendar/v3/freeBusy", _free_busy),
        ("GET", events, _list),
        ("POST", events, _insert),
        ("GET", f"{events}/{{event}}", lambda call: StandInReply(_shown(_found(call)))),
        ("PATCH", f"{events}/{{event}}", _patch),
        ("DELETE", f"{events}/{{event}}", _delete),
    ]
    return [
        *api_routes(store, table, dict),
        *oauth.routes(store),
        Route("/_demo/event", by_hand, methods=["POST"]),
        *page_routes(store, [("/", _page), ("/event/{id}", _page)]),
    ]


def _entry(store: Store, calendar: str) -> dict[str, Any]:
    kept = store.get("gcal/calendars", calendar) or {}
    entry = {"kind": "calendar#calendarListEntry", "id": calendar, "summary": kept["summary"], "timeZone": ZONE}
    entry |= {"etag": '"1"', "accessRole": "owner"}
    return {**entry, "primary": True} if kept["primary"] else entry


def _calendars(call: StandInCall) -> StandInReply:
    items = [_entry(call.store, one["id"]) for one in call.store.all("gcal/calendars")]
    return StandInReply({"kind": "calendar#calendarList", "etag": '"1"', "items": items})


def _calendar(call: StandInCall) -> str:
    wanted = call.part("calendar")
    found = _account(call.store) if wanted == "primary" else wanted
    if call.store.get("gcal/calendars", found) is None:
        raise Refused(404, "Not Found")
    return found


def _found(call: StandInCall) -> Event:
    found = call.store.get("gcal/events", f"{_calendar(call)}/{call.part('event')}")
    if found is None:
        raise Refused(404, "Not Found")
    wanted = call.request.headers.get("if-match")
    # A cancelled event gets a refusal of its own from the caller, not a 412.
    if wanted not in (None, "*", found["etag"]) and found["status"] != "cancelled":
        raise Refused(412, "Precondition Failed")
    return found


def _moment(text: str, name: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(400, f"Invalid value for: {name}") from None
    if moment.tzinfo is None:
        raise Refused(400, "Bad Request")
    return moment


def _list(call: StandInCall) -> StandInReply:
    calendar, order, is_single = _calendar(call), call.query("orderBy"), call.query("singleEvents") == "true"
    if order == "startTime" and not is_single:
        raise Refused(400, "The requested ordering is not available for the particular query.")
    earliest = _moment(call.query("timeMin", "1970-01-01T00:00:00Z"), "timeMin")
    latest = _moment(call.query("timeMax", "2100-01-01T00:00:00Z"), "timeMax")
    changed = _moment(call.query("updatedMin", _stamp(datetime.now(UTC) - _LONGEST_AGO / 2)), "updatedMin")
    if changed < datetime.now(UTC) - _LONGEST_AGO:
        raise Refused(410, "The requested minimum modification time lies too far in the past.")
    mine = [_shown(one) for one in call.store.all("gcal/events") if one["_calendar"] == calendar]
    # A deleted event stays as a cancelled one; lists of changes include it, so that clients learn of it.
    if not call.query("updatedMin"):
        mine = [one for one in mine if one["status"] != "cancelled"]
        changed = datetime.fromtimestamp(0, UTC)
    found = [one for each in mine for one in (instances(each, latest) if is_single else [each])]
    if uid := call.query("iCalUID"):
        found = [one for one in found if one["iCalUID"] == uid]
    words = call.query("q").lower()
    found = [
        one
        for one in found
        if span(one)[1] > earliest
        and span(one)[0] < latest
        and datetime.fromisoformat(one["updated"]) >= changed
        and words in f"{one.get('summary', '')} {one.get('description', '')} {one.get('location', '')}".lower()
    ]
    found.sort(key=lambda one: span(one)[0] if order == "startTime" else datetime.fromisoformat(one["updated"]))
    return StandInReply(_paged(call, calendar, found))


def _paged(call: StandInCall, calendar: str, found: list[Event]) -> dict[str, Any]:
    first, most = int(call.query("pageToken", "0")), min(int(call.query("maxResults", "250")), 2500)
    head = {"kind": "calendar#events", "etag": '"1"', "summary": calendar, "timeZone": ZONE, "accessRole": "owner"}
    more = {"nextPageToken": str(first + most)} if len(found) > first + most else {}
    return {**head, **more, "items": found[first : first + most]}


def _insert(call: StandInCall) -> StandInReply:
    calendar, body = _calendar(call), dict(call.body)
    checked(body)
    event = {"id": f"made{call.store.next_number('gcal/made')}", **body}
    if call.store.get("gcal/events", f"{calendar}/{event['id']}") is not None:
        raise Refused(409, "The requested identifier already exists.")
    made = put(call.store, calendar, _answering(event, _account(call.store)))
    _tell(call, made)
    return StandInReply(made)


def _answering(event: Event, account: str) -> Event:
    # Google adds the answer that is still missing, so an event read back differs from what was sent.
    people = [
        {"responseStatus": "needsAction", **one, **({"self": True} if one["email"] == account else {})}
        for one in event.get("attendees") or []
    ]
    return {**event, "attendees": people} if people else event


def _own_answer(event: Event, body: Mapping[str, Any], account: str) -> dict[str, Any]:
    """Return a patch with `attendeesOmitted` as one of all attendees: only the own answer may be in it."""
    given = body.get("attendees") or []
    if [one.get("email") for one in given] != [account]:
        raise Refused(400, "Only the response of the participant may be updated.")
    people = [{**one, **given[0]} if one["email"] == account else one for one in event.get("attendees") or []]
    return {**{name: value for name, value in body.items() if name != "attendeesOmitted"}, "attendees": people}


def _patch(call: StandInCall) -> StandInReply:
    found = _found(call)
    if found["status"] == "cancelled":
        raise Refused(403, "Forbidden")
    account, body = _account(call.store), dict(call.body)
    if body.get("attendeesOmitted"):
        body = _own_answer(found, body, account)
    changed = patched(_shown(found), body)
    checked(changed)
    made = put(call.store, _calendar(call), _answering(changed, account))
    _tell(call, made)
    return StandInReply(made)


def _delete(call: StandInCall) -> StandInReply:
    found = _found(call)
    if found["status"] == "cancelled":
        raise Refused(410, "Resource has been deleted")
    gone = put(call.store, _calendar(call), {**_shown(found), "status": "cancelled"})
    _tell(call, gone)
    return StandInReply(None, 204)


def _tell(call: StandInCall, event: Event) -> None:
    if call.query("sendUpdates", "none") not in {"all", "externalOnly", "none"}:
        raise Refused(400, "Invalid value for: sendUpdates")
    if call.query("sendUpdates", "none") != "none":
        for one in event.get("attendees") or []:
            mail = {"to": one["email"], "event": event["id"], "status": event["status"]}
            call.store.put("gcal/mails", str(call.store.next_number("gcal/mails")), mail)


def _free_busy(call: StandInCall) -> StandInReply:
    earliest, latest = _moment(call.body["timeMin"], "timeMin"), _moment(call.body["timeMax"], "timeMax")
    if latest <= earliest:
        raise Refused(400, "The specified time range is empty.")
    found = {one["id"]: _busy(call.store, one["id"], earliest, latest) for one in call.body.get("items", [])}
    return StandInReply(
        {"kind": "calendar#freeBusy", "timeMin": _stamp(earliest), "timeMax": _stamp(latest), "calendars": found}
    )


def _busy(store: Store, wanted: str, earliest: datetime, latest: datetime) -> dict[str, Any]:
    calendar = _account(store) if wanted == "primary" else wanted
    if store.get("gcal/calendars", calendar) is None:
        return {"errors": [{"domain": "global", "reason": "notFound"}], "busy": []}
    mine = [one for one in store.all("gcal/events") if one["_calendar"] == calendar and one["status"] != "cancelled"]
    times = [span(one) for each in mine if each.get("transparency") != "transparent" for one in instances(each, latest)]
    within = sorted(one for one in times if one[1] > earliest and one[0] < latest)
    return {"busy": [{"start": _stamp(max(a, earliest)), "end": _stamp(min(b, latest))} for a, b in within]}


def _page(call: StandInCall) -> str:
    """Return a page with the events by their beginnings."""
    kept = [one for one in call.store.all("gcal/events") if one["status"] != "cancelled"]
    wanted = call.part("id")
    lines = [
        f"<p>{escaped(span(one)[0].isoformat(' ', 'minutes'))} <b>{escaped(one.get('summary', ''))}</b></p>"
        for one in sorted(kept, key=lambda one: span(one)[0])
        if wanted in {"", one["id"]}
    ]
    return frame("Calendar", f"<h1>Calendar</h1>{''.join(lines) or '<p class=faint>No events.</p>'}", "Google Calendar")
