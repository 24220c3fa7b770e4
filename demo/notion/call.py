"""Shared by all of Notion's answers: errors, ids, times, lists, version and rate checks."""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from demo.call import Handler, StandInCall, StandInReply
from demo.service import Refused
from demo.store import Store

Record = dict[str, Any]
VERSIONS = {"2025-09-03", "2026-03-11"}
# https://developers.notion.com/reference/request-limits
PAYLOAD_BYTES = 500_000
# Undocumented: Notion says only that "some bursts beyond the average rate are allowed".
BURST = 6
SPACE = uuid.UUID("5a1d6f0e-0b1c-4b61-9a36-0f6f2f3c7d11")
CODES = {
    400: "validation_error",
    401: "unauthorized",
    403: "restricted_resource",
    404: "object_not_found",
    409: "conflict_error",
    429: "rate_limited",
    500: "internal_server_error",
    502: "bad_gateway",
    503: "service_unavailable",
    504: "gateway_timeout",
}


def error_body(status: int, message: str) -> Record:
    """Return Notion's error object."""
    code = CODES.get(status, "internal_server_error" if status >= 500 else "validation_error")
    if message == "Problems parsing JSON":
        code, message = "invalid_json", "Error parsing JSON body."
    if status == 401:
        message = "API token is invalid."
    return {
        "object": "error",
        "status": status,
        "code": code,
        "message": message,
        "request_id": str(uuid.uuid4()),
    }


def invalid(message: str) -> Refused:
    """Return 400 validation_error."""
    return Refused(400, message)


def not_found(kind: str, some_id: str) -> Refused:
    """Return 404 in Notion's words; `kind` is page, block, database or data source."""
    return Refused(
        404,
        f"Could not find {kind} with ID: {some_id}. Make sure the relevant pages and databases are shared with "
        'your integration "Demo".',
    )


def new_id() -> str:
    """Return a new object id."""
    return str(uuid.uuid4())


def own_id(store: Store, what: str) -> str:
    """Return the id of the integration ("bot") or its workspace; a reset changes it."""
    return str(uuid.uuid5(SPACE, f"{what} {store.generation}"))


def as_id(text: object, where: str) -> str:
    """Return an id, given with or without dashes, in its usual form; raises Refused 400."""
    try:
        return str(uuid.UUID(str(text)))
    except ValueError as error:
        problem = f"{where} should be a valid uuid, instead was `{text!r}`."
        raise invalid(f"{where.partition('.')[0]} failed validation: {problem}") from error


def now() -> str:
    """Return the current time with microseconds, for storage."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def shown_time(kept: str) -> str:
    """Return a stored time as Notion shows it: rounded down to the minute."""
    # Times of the same minute are equal, so a client cannot order changes by them alone.
    return f"{kept[:16]}:00.000Z"


def person_id(store: Store, name: str) -> str:
    """Return a person's id by name."""
    return own_id(store, f"person {name}")


def author(store: Store, person: str | None = None) -> Record:
    """Return an author in the form of `created_by`: a person by id, or the integration."""
    return {"object": "user", "id": person or own_id(store, "bot")}


def too_long(where: str, limit: int, seen: int) -> Refused:
    """Return 400 for a value over a documented limit."""
    return invalid(f"body failed validation: {where}.length should be ≤ `{limit}`, instead was `{seen}`.")


def page_of(
    items: list[Record], parameters: dict[str, Any], kind: str, render: Callable[[Record], Any]
) -> StandInReply:
    """Return one page of a list; `parameters` has start_cursor and page_size, the cursor is the next item's id."""
    size = parameters.get("page_size") or 100
    if not str(size).isdigit() or not 1 <= int(size) <= 100:
        raise invalid(f"body failed validation: body.page_size should be ≤ `100`, instead was `{size}`.")
    cursor, start = parameters.get("start_cursor"), 0
    if cursor:
        ids = [each["id"] for each in items]
        if cursor not in ids:
            raise invalid(f"The start_cursor provided is invalid: {cursor}")
        start = ids.index(cursor)
    end = start + int(size)
    following = items[end]["id"] if end < len(items) else None
    return StandInReply(
        {
            "object": "list",
            "results": [render(each) for each in items[start:end]],
            "next_cursor": following,
            "has_more": following is not None,
            "type": kind,
            kind: {},
        }
    )


class BurstLimit:
    """Three requests a second on average with a small burst, if the store's setting enables it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._left = float(BURST)
        self._seen_at = clock()

    def check(self, store: Store) -> None:
        """Count a request; raises Refused 429 with Retry-After in whole seconds."""
        rate = (store.get("_settings", "notion") or {}).get("requests_per_second")
        if not rate:
            return
        moment = self._clock()
        self._left = min(BURST, self._left + (moment - self._seen_at) * rate)
        self._seen_at = moment
        if self._left < 1:
            wait = math.ceil((1 - self._left) / rate)
            message = "You have been rate limited. Please try again in a few minutes."
            raise Refused(429, message, headers={"retry-after": str(max(1, wait))})
        self._left -= 1


def guarded(handler: Handler, limit: BurstLimit) -> Handler:
    """Wrap a handler with Notion's checks of every request; its answer has a request_id."""

    def handle(call: StandInCall) -> StandInReply:
        limit.check(call.store)
        _check_request(call)
        reply = handler(call)
        return StandInReply({**reply.document, "request_id": str(uuid.uuid4())}, reply.status, reply.headers)

    return handle


def _check_request(call: StandInCall) -> None:
    version = call.request.headers.get("notion-version")
    if version not in VERSIONS:
        message = "Notion-Version header failed validation: Notion-Version header should be "
        if version is None:
            # https://developers.notion.com/reference/versioning
            raise Refused(400, f"{message}defined, instead was `undefined`.", code="missing_version")
        raise invalid(f"{message}`{'` or `'.join(sorted(VERSIONS))}`, instead was `{version!r}`.")
    if int(call.request.headers.get("content-length", 0)) > PAYLOAD_BYTES:
        raise invalid("body failed validation: the payload is larger than 500KB.")
