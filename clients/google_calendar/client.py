"""The Google Calendar client (google-api-python-client): the calendars of one account."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import httpx

from clients.check_line import CheckLine, failed
from clients.client import Client, Opening
from clients.error_mapping import reading
from clients.errors import Conflict, InvalidRequest, NotFound, ServiceError
from clients.google.sign_in import GoogleSignIn
from clients.google.transport import answered, done
from clients.google_calendar.app import CALENDAR_APP, PRIMARY, sdk
from clients.google_calendar.events import KEY, EventDraft, as_event, event_id, kept, new_body, restored
from clients.google_calendar.service import GOOGLE_CALENDAR, CalendarSettings
from clients.google_calendar.times import rfc3339
from clients.listing import Json
from clients.oauth.tokens import tokens_of
from clients.sign_in import Seal
from clients.wording import counted, guess_first, listed

_PAGE = 250
"""The most that a page of calendars may have (CalendarList: list)."""
_NO_EVENT = "Check the ids of the event and of the calendar; a deleted event no longer has one."


class GoogleCalendarClient(Client):
    """The calendars of one account. A calendar is named by its id, by its name, or `primary`."""

    service = GOOGLE_CALENDAR
    http: httpx.Client
    sign_in_way = GoogleSignIn(CALENDAR_APP)

    def __init__(self, settings: CalendarSettings, http: httpx.Client, seal: Seal | None = None) -> None:
        self.http = http
        self._tokens = tokens_of(CALENDAR_APP, settings, http, seal)
        self._sdk = sdk(http, self._tokens, settings.base_url)
        self._known: list[Json] = []
        self._lock = threading.Lock()

    @classmethod
    def open(cls, settings: CalendarSettings, opening: Opening) -> GoogleCalendarClient:
        """Return a client for these settings."""
        return cls(settings, opening.http(GOOGLE_CALENDAR, settings.base_url), opening.seal(settings.token_file))

    def account(self) -> str:
        """Return the account's address: as noted at sign-in, or the id of its own calendar."""
        return self._tokens.owner() or str(self._calendar(PRIMARY)["id"])

    def sign_in_version(self) -> str | None:
        """Return a value that changes with each sign-in; None for a bare token."""
        return self._tokens.version()

    def check(self) -> list[CheckLine]:
        """Try to sign in, and list the calendars."""
        try:
            count = len(self.calendars())
            return [
                CheckLine("sign-in", ok=True, text=f"Signed in as {self.account()}."),
                CheckLine("calendars", ok=True, text=f"It can read {counted(count, 'calendar')}."),
            ]
        except ServiceError as error:
            return [failed(self.service, "sign-in", error)]

    def calendars(self) -> list[Json]:
        """List the calendars: [{id, name, time_zone, is_primary}]."""
        found: list[Json] = []
        token = None
        while True:
            answer = answered(self._sdk.calendarList().list(maxResults=_PAGE, pageToken=token))
            with reading(CALENDAR_APP.service):
                found += [_as_calendar(one) for one in answer.get("items", [])]
            token = answer.get("nextPageToken")
            if not token:
                break
        with self._lock:
            self._known = found
        return found

    def calendar_names(self) -> list[Json]:
        """List the calendars for a picker: [{id, name, url}]."""
        return [{"id": one["id"], "name": one["name"], "url": ""} for one in self.calendars()]

    def zone_of(self, calendar: str) -> str:
        """Return the time zone of a calendar."""
        return str(self._calendar(calendar)["time_zone"])

    def events(
        self, calendar: str, earliest: datetime, latest: datetime | None, query: str, limit: int
    ) -> tuple[list[Json], bool]:
        """List events by their beginnings, each time of a recurring one; return them, and whether there are more."""
        found: list[Json] = []
        token, where = None, self._id(calendar)
        asked = {"timeMin": rfc3339(earliest), "timeMax": latest and rfc3339(latest), "q": query or None}
        while True:
            # One more than wanted tells whether there are more.
            most = min(_PAGE, limit + 1 - len(found))
            request = self._sdk.events().list(
                calendarId=where, singleEvents=True, orderBy="startTime", maxResults=most, pageToken=token, **asked
            )
            answer = answered(request)
            with reading(CALENDAR_APP.service):
                found += [as_event(one, where) for one in answer.get("items", []) if one["status"] != "cancelled"]
            token = answer.get("nextPageToken")
            if not token or len(found) > limit:
                return found[:limit], bool(token) or len(found) > limit

    def changed_since(self, calendar: str, since: datetime) -> list[Json]:
        """List the events that were changed since then, longest ago first; a recurring one once."""
        found: list[Json] = []
        token, where = None, self._id(calendar)
        while True:
            answer = answered(
                self._sdk.events().list(
                    calendarId=where, updatedMin=rfc3339(since), orderBy="updated", maxResults=_PAGE, pageToken=token
                )
            )
            with reading(CALENDAR_APP.service):
                found += [as_event(one, where) for one in answer.get("items", []) if one["status"] != "cancelled"]
            token = answer.get("nextPageToken")
            if not token:
                return found

    def event(self, calendar: str, event: str) -> Json:
        """Return an event. Raises NotFound."""
        where = self._id(calendar)
        found = self._got(where, event)
        with reading(CALENDAR_APP.service):
            return as_event(found, where)

    def busy(self, calendars: Sequence[str], earliest: datetime, latest: datetime) -> list[tuple[datetime, datetime]]:
        """Return when somebody is busy in any of the calendars. Raises NotFound for one that cannot be seen."""
        ids = [self._id(one) for one in calendars]
        body = {"timeMin": rfc3339(earliest), "timeMax": rfc3339(latest), "items": [{"id": one} for one in ids]}
        answer = answered(self._sdk.freebusy().query(body=body), "calendars")
        with reading(CALENDAR_APP.service):
            for one in ids:
                if answer["calendars"][one].get("errors"):
                    raise self._no_calendar(one)
            times = [each for one in ids for each in answer["calendars"][one].get("busy", [])]
            return sorted((datetime.fromisoformat(one["start"]), datetime.fromisoformat(one["end"])) for one in times)

    def create(self, calendar: str, draft: EventDraft, invitations: str, marker: str) -> Json:
        """Create an event whose id is made of the marker: sent twice, the second is refused (409) and it is found."""
        where, body = self._id(calendar), {**new_body(draft), "id": event_id(marker)}
        try:
            found = answered(self._sdk.events().insert(calendarId=where, body=body, sendUpdates=invitations))
        except Conflict:
            made = self.created(where, marker)
            if made is None:
                raise
            return made
        return _as_made(found, where)

    def created(self, calendar: str, marker: str) -> Json | None:
        """Return the event that `create` made with this marker, even if it has been deleted, or None."""
        where = self._id(calendar)
        try:
            request = self._sdk.events().get(calendarId=where, eventId=event_id(marker))
            return _as_made(answered(request, "id"), where)
        except NotFound:
            return None

    def update(self, calendar: str, event: str, draft: EventDraft, invitations: str, marker: str) -> Json:
        """Change the given members of an event; return {id, calendar, url, etag, before}."""
        where = self._id(calendar)
        found = self._got(where, event)
        body = draft.body()
        with reading(CALENDAR_APP.service):
            private = {**(found.get("extendedProperties") or {}).get("private", {}), KEY: marker}
            before = kept(found, body)
        request = self._sdk.events().patch(
            calendarId=where,
            eventId=event,
            body={**body, "extendedProperties": {"private": private}},
            sendUpdates=invitations,
        )
        # Google then refuses the change (412) if somebody else was faster.
        request.headers["If-Match"] = found["etag"]
        return {**_as_made(answered(request), where), "before": before}

    def updated(self, calendar: str, event: str, marker: str) -> Json | None:
        """Return what `update` returned if that write arrived last, without `before`; otherwise None."""
        where = self._id(calendar)
        found = self._got(where, event)
        with reading(CALENDAR_APP.service):
            private = (found.get("extendedProperties") or {}).get("private", {})
        return {**_as_made(found, where), "before": None} if private.get(KEY) == marker else None

    def answer(self, calendar: str, event: str, response: str, comment: str, invitations: str) -> Json:
        """Answer an invitation with a `responseStatus` of the API; return {id, calendar, url, etag, title, organizer}.

        `event` is the id of the event or the UID of the invitation. An answer that is there already is not sent again.
        Raises NotFound; InvalidRequest if the account is not invited.
        """
        where = self._id(calendar)
        found = self._invited_to(where, event) if "@" in event else self._got(where, event)
        with reading(CALENDAR_APP.service):
            own = next((one for one in found.get("attendees") or [] if one.get("self")), None)
            about = {"title": str(found.get("summary", "")), "organizer": str((found.get("organizer") or {})["email"])}
        if own is None:
            raise InvalidRequest(
                f"This account is not invited to the event {event!r}.",
                service=self.service.name,
                remedy="Use the calendar that the invitation was sent to.",
            )
        if (own.get("responseStatus"), own.get("comment", "")) != (response, comment):
            mine = {"email": own["email"], "responseStatus": response, "comment": comment}
            # With `attendeesOmitted`, a change concerns the own answer alone (Events, in the reference).
            body = {"attendeesOmitted": True, "attendees": [mine]}
            request = self._sdk.events().patch(
                calendarId=where, eventId=found["id"], body=body, sendUpdates=invitations
            )
            found = answered(request)
        return {**_as_made(found, where), **about}

    def _invited_to(self, calendar: str, uid: str) -> dict[str, Any]:
        """Return the event of an invitation, whose UID every calendar has (RFC 5545 3.8.4.7). Raises NotFound."""
        answer = answered(self._sdk.events().list(calendarId=calendar, iCalUID=uid, maxResults=_PAGE))
        with reading(CALENDAR_APP.service):
            found = [one for one in answer.get("items", []) if one["status"] != "cancelled"]
        if not found:
            raise self._no_event(uid, None)
        series = [one for one in found if "recurringEventId" not in one]  # all times rather than one
        return dict((series or found)[0])

    def restore(self, made: Mapping[str, Any]) -> None:
        """Give an updated event its former members back, without invitations. Raises Conflict if it was changed since.

        Done twice, the second finds the former content, and changes nothing.
        """
        found = self._got(made["calendar"], made["id"])
        if kept(found, made["before"]) == dict(made["before"]):
            return
        self._require_unchanged(found, made)
        request = self._sdk.events().patch(
            calendarId=made["calendar"], eventId=made["id"], body=restored(made["before"]), sendUpdates="none"
        )
        request.headers["If-Match"] = made["etag"]
        answered(request)

    def delete(self, calendar: str, event: str, invitations: str, *, may_be_gone: bool) -> Json:
        """Delete an event; return {id, calendar}. Raises NotFound if it does not exist, unless it may be gone."""
        where = self._id(calendar)
        if not event.strip():
            raise InvalidRequest("The id of the event is empty.", service=self.service.name)
        try:
            done(self._sdk.events().delete(calendarId=where, eventId=event, sendUpdates=invitations))
        except NotFound as error:
            if not may_be_gone:
                raise self._no_event(event, error) from error
        return {"id": event, "calendar": where}

    def take_back(self, made: Mapping[str, Any]) -> None:
        """Delete a created event, without telling anybody; nothing if it is gone. Raises Conflict if it was changed."""
        try:
            found = self._got(made["calendar"], made["id"])
        except NotFound:
            return
        self._require_unchanged(found, made)
        request = self._sdk.events().delete(calendarId=made["calendar"], eventId=made["id"], sendUpdates="none")
        request.headers["If-Match"] = made["etag"]
        done(request)

    def _require_unchanged(self, found: Mapping[str, Any], made: Mapping[str, Any]) -> None:
        if found.get("etag") != made["etag"]:
            raise Conflict("The event has been changed since.", service=self.service.name)

    def _got(self, calendar: str, event: str) -> dict[str, Any]:
        if not event.strip():
            raise InvalidRequest("The id of the event is empty.", service=self.service.name)
        try:
            found = answered(self._sdk.events().get(calendarId=calendar, eventId=event), "id", "etag")
        except NotFound as error:
            raise self._no_event(event, error) from error
        if found.get("status") == "cancelled":
            raise self._no_event(event, None)
        return found

    def _no_event(self, event: str, error: NotFound | None) -> NotFound:
        status = error.http_status if error is not None else None
        said = f" (Google Calendar answered {status})" if status else ""
        return NotFound(
            f"There is no event {event!r} in this calendar{said}.",
            service=self.service.name,
            http_status=status,
            remedy=_NO_EVENT,
        )

    def _calendar(self, wanted: str) -> Json:
        """Return a calendar by id, name or `primary`. Raises NotFound, InvalidRequest (several have the name)."""
        known = self._known or self.calendars()
        found = [one for one in known if wanted == one["id"] or (wanted == PRIMARY and one["is_primary"])]
        found = found or [one for one in known if wanted.casefold() == one["name"].casefold()]
        if len(found) > 1:
            ids = ", ".join(one["id"] for one in found)
            raise InvalidRequest(
                f"{len(found)} calendars are called {wanted!r}.",
                service=self.service.name,
                remedy=f"Give an id: {ids}.",
            )
        if not found:
            raise self._no_calendar(wanted)
        return found[0]

    def _no_calendar(self, wanted: str) -> NotFound:
        names = [str(one["name"]) for one in self._known]
        where = "Check its id in Google Calendar, Settings, Integrate calendar."
        return NotFound(
            f"There is no calendar {wanted!r} that this account can see.",
            service=self.service.name,
            remedy=guess_first(wanted, names, f"It sees: {listed(names)}." if names else where),
        )

    def _id(self, calendar: str) -> str:
        """Return the id of a calendar; `primary` and addresses are ids already."""
        if calendar == PRIMARY or "@" in calendar:
            return calendar
        return str(self._calendar(calendar)["id"])


def _as_calendar(one: Mapping[str, Any]) -> Json:
    # The name that this account has given to a calendar of others.
    name = str(one.get("summaryOverride") or one.get("summary", ""))
    return {
        "id": str(one["id"]),
        "name": name,
        "time_zone": str(one.get("timeZone", "UTC")),
        "is_primary": bool(one.get("primary")),
    }


def _as_made(found: Mapping[str, Any], calendar: str) -> Json:
    with reading(CALENDAR_APP.service):
        return {
            "id": str(found["id"]),
            "calendar": calendar,
            "url": str(found.get("htmlLink", "")),
            "etag": str(found.get("etag", "")),
        }
