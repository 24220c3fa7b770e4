"""Shared by all of GitHub's answers: errors, pagination, rate-limit headers, times."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from demo.call import Handler, StandInCall, StandInReply
from demo.service import Refused
from demo.store import Store

DOCUMENTATION_URL = "https://docs.github.com/rest"
HOURLY_LIMIT = 5000
# Undocumented limits; the messages of real refusals name them.
LABEL_LENGTH = 50
BODY_LENGTH = 65_536


def error_body(status: int, message: str) -> dict[str, Any]:
    """Return GitHub's error object."""
    return {
        "message": message,
        "documentation_url": DOCUMENTATION_URL,
        "status": str(status),
    }


def not_found() -> Refused:
    """Return the 404 that GitHub sends for anything missing or inaccessible."""
    return Refused(404, "Not Found")


def invalid(resource: str, field: str, code: str, message: str | None = None) -> Refused:
    """Return 422 "Validation Failed" with one entry in `errors`."""
    error = {"resource": resource, "field": field, "code": code}
    if message is not None:
        error["message"] = message
    return Refused(422, "Validation Failed", errors=[error])


def now() -> str:
    """Return the current time as GitHub writes it: UTC, whole seconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def login(store: Store) -> str:
    """Return the account that the token belongs to; a reset changes it."""
    return f"demo-{store.generation}"


def text(call: StandInCall, resource: str, field: str, *, longest: int, needed: bool = True) -> str | None:
    """Return a string from the body; raises Refused 422 in GitHub's words."""
    value = call.body.get(field)
    if value is None:
        if needed:
            raise Refused(422, f'Invalid request.\n\n"{field}" wasn\'t supplied.')
        return None
    if not isinstance(value, str):
        raise Refused(422, f"Invalid request.\n\nFor 'properties/{field}', {value!r} is not a string.")
    if needed and not value.strip():
        raise invalid(resource, field, "missing_field")
    if len(value) > longest:
        problem = f"{field} is too long (maximum is {longest} characters)"
        raise invalid(resource, field, "custom", problem)
    return value


def names(call: StandInCall, field: str) -> list[str] | None:
    """Return a list of names from the body, or None; labels may also be objects with a name, or a bare array."""
    value = call.body.get(field) if call.array is None else call.array
    if value is None:
        return None
    items = value if isinstance(value, list) else [value]
    found = [each.get("name") if isinstance(each, dict) else each for each in items]
    kept = [each for each in found if isinstance(each, str) and each]
    if not isinstance(value, list) or len(kept) != len(found):
        raise Refused(422, f"Invalid request.\n\nFor 'properties/{field}', {value!r} is not an array of strings.")
    if field == "labels" and any(len(each) > LABEL_LENGTH for each in kept):
        raise invalid("Label", "name", "custom", f"name is too long (maximum is {LABEL_LENGTH} characters)")
    return list(dict.fromkeys(kept))


def number(call: StandInCall, name: str, default: int, highest: int) -> int:
    """Return a pagination parameter; GitHub uses the default for invalid values, and caps large ones."""
    given = call.query(name)
    return min(int(given), highest) if given.isdigit() and int(given) > 0 else default


def since(call: StandInCall, name: str = "since") -> str:
    """Return a time from the query in the form of `now`, or ""; raises Refused 422."""
    given = call.query(name)
    if not given:
        return ""
    try:
        # A "+" that the client did not encode arrives as a space.
        moment = datetime.fromisoformat(given.replace(" ", "+"))
    except ValueError as error:
        raise Refused(422, f"Invalid request.\n\n{given!r} is not a date-time.") from error
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def page(
    call: StandInCall, items: list[Any], render: Callable[[Any], Any], wrap: Callable[[list[Any]], Any] = list
) -> StandInReply:
    """Return one page of a list with its Link header; only that page's items are rendered."""
    size = number(call, "per_page", 30, 100)
    here = number(call, "page", 1, 10_000)
    last = max(1, -(-len(items) // size))
    around = {"prev": here - 1, "next": here + 1, "last": last, "first": 1}
    shown = {
        relation: target
        for relation, target in around.items()
        if (relation in {"prev", "first"} and here > 1) or (relation in {"next", "last"} and here < last)
    }
    links = ", ".join(f'<{_address(call, target)}>; rel="{relation}"' for relation, target in shown.items())
    document = wrap([render(each) for each in items[(here - 1) * size : here * size]])
    return StandInReply(document, headers={"link": links} if links else None)


def _address(call: StandInCall, target: int) -> str:
    query = dict(call.request.query_params) | {"page": str(target)}
    return f"{call.base}{call.request.url.path}?{urlencode(query)}"


def conditional(handler: Handler, limit: HourlyLimit) -> Handler:
    """Add an ETag to a GET's answer, and reply 304 if the client already has it, which is not counted."""

    def answer(call: StandInCall) -> StandInReply:
        reply = handler(call)
        if reply.status == 200:
            # With the headers: the same page of a list may get another Link header.
            digest = hashlib.sha256(json.dumps([reply.document, reply.headers]).encode()).hexdigest()
            headers = {
                **(reply.headers or {}),
                "etag": f'W/"{digest}"',
                "cache-control": "private, max-age=60, s-maxage=60",
            }
            known = [each.strip() for each in call.request.headers.get("if-none-match", "").split(",")]
            reply = (
                StandInReply(None, 304, headers)
                if headers["etag"] in known
                else StandInReply(reply.document, 200, headers)
            )
        if reply.status == 304:
            limit.give_back()
        return reply

    return answer


class HourlyLimit:
    """Counts requests per hour as GitHub does; it never refuses one (use fault injection for that)."""

    def __init__(self) -> None:
        self.used = 0
        self.resets_at = 0

    def resource(self, limit: int = HOURLY_LIMIT) -> dict[str, int]:
        """Return the state in the form of `GET /rate_limit`."""
        # Starts over at the limit, too: a stand-in that ran out in a long test would seem broken.
        if self.resets_at <= time.time() or self.used >= HOURLY_LIMIT:
            self.used, self.resets_at = 0, int(time.time()) + 3600
        used = min(self.used, limit)
        return {"limit": limit, "remaining": limit - used, "reset": self.resets_at, "used": used}

    def give_back(self) -> None:
        """Do not count the request that is being answered."""
        self.used -= 1

    def headers(self) -> dict[str, str]:
        """Return the headers of the next answer."""
        self.used += 1
        state = self.resource()
        return {
            "x-github-media-type": "github.v3; format=json",
            "x-ratelimit-resource": "core",
            **{f"x-ratelimit-{name}": str(value) for name, value in state.items()},
        }
