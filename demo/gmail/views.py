"""Shared by Gmail's handlers: the mailbox in the path, a mail in one of four formats, a page of results."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from demo.call import StandInCall
from demo.gmail import mime as gmail_mime
from demo.gmail import search as gmail_search
from demo.gmail.mailbox import Record, StandInMailbox
from demo.gmail.search import MailQuery
from demo.service import Refused

FORMATS = ("full", "metadata", "minimal", "raw")
MAX_RESULTS = 500


def mailbox_of(call: StandInCall) -> StandInMailbox:
    """Return the mailbox of the path's user: "me" or the account's own address."""
    box = StandInMailbox(call.store)
    user = call.part("user")
    if user.lower() not in {"me", box.account}:
        raise Refused(403, f"Delegation denied for {user}")
    return box


def shown(box: StandInMailbox, record: Record, call: StandInCall) -> dict[str, Any]:
    """Return a mail in the format of the query."""
    form = call.query("format", "full").lower()
    if form not in FORMATS:
        raise Refused(400, f"Invalid value at 'format': {form}")
    view = brief(record) | {
        name: record[name] for name in ("snippet", "sizeEstimate", "historyId", "internalDate") if name in record
    }
    if form == "raw":
        view["raw"] = gmail_mime.base64url(box.mail(record["id"]).raw)
    elif form == "full":
        view["payload"] = gmail_mime.payload(box.mail(record["id"]), record["id"])
    elif form == "metadata":
        only = call.request.query_params.getlist("metadataHeaders")
        view["payload"] = gmail_mime.metadata(box.mail(record["id"]), only)
    return view


def brief(record: Record) -> dict[str, Any]:
    """Return id, thread and labels, as in the answer to a write; without labels the field is omitted."""
    view = {"id": record["id"], "threadId": record["threadId"]}
    return {**view, "labelIds": record["labelIds"]} if record["labelIds"] else view


def searched(box: StandInMailbox, text: str) -> MailQuery:
    """Return a parsed search; raises Refused 400."""
    now = datetime.fromtimestamp(box.now() / 1000, UTC)
    try:
        return gmail_search.parse(text, labels=box.labels.names(), account=box.account, now=now)
    except ValueError as error:
        raise Refused(400, f"Invalid query: {error}") from error


def matches(query: MailQuery, record: Record, *, reaches_hidden: bool) -> bool:
    """Return whether a search matches a mail; spam and trash only if included."""
    if not reaches_hidden and gmail_search.HIDDEN & set(record["labelIds"]):
        return False
    return query.test({**record["fields"], "labels": record["labelIds"], "date_ms": int(record["internalDate"])})


def found(box: StandInMailbox, call: StandInCall) -> list[Record]:
    """Return the mails for `q`, `labelIds` and `includeSpamTrash`, newest first; raises Refused 400."""
    query = searched(box, call.query("q"))
    wanted = set(call.request.query_params.getlist("labelIds"))
    if missing := wanted - box.labels.names().keys():
        raise Refused(400, f"Invalid label: {min(missing)}")
    hidden = bool(query.reaches_hidden or is_true(call, "includeSpamTrash") or wanted & gmail_search.HIDDEN)
    records = [each for each in box.newest_first() if wanted <= set(each["labelIds"])]
    return [each for each in records if matches(query, each, reaches_hidden=hidden)]


def page(call: StandInCall, items: Sequence[dict[str, Any]], name: str, default: int = 100) -> dict[str, Any]:
    """Return one page of `items`, which have an `id`: {name, nextPageToken, resultSizeEstimate}; empty fields omitted.

    The page token names the last item returned, so that new arrivals do not shift pages.
    """
    size = number(call, "maxResults", default)
    start = 0
    if given := call.query("pageToken"):
        ids = [str(each["id"]) for each in items]
        last = _read_token(given)
        if last not in ids:
            raise Refused(400, "Invalid pageToken")
        start = ids.index(last) + 1
    chosen = list(items[start : start + size])
    answer: dict[str, Any] = {name: chosen} if chosen else {}
    if chosen and start + size < len(items):
        answer["nextPageToken"] = gmail_mime.base64url(str(chosen[-1]["id"]).encode())
    return answer | {"resultSizeEstimate": len(items)}


def number(call: StandInCall, name: str, default: int) -> int:
    """Return a count from the query, from 1 to 500; larger ones are capped, as by Gmail."""
    text = call.query(name, str(default))
    if not text.isdecimal() or int(text) == 0:
        raise Refused(400, f"Invalid value at '{name}': {text}")
    # https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.messages/list
    return min(int(text), MAX_RESULTS)


def is_true(call: StandInCall, name: str) -> bool:
    """Return a boolean from the query."""
    return call.query(name).lower() in {"true", "1"}


def id_list(call: StandInCall, name: str) -> list[str]:
    """Return a list of ids from the body; raises Refused 400."""
    given = call.body.get(name) or []
    if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
        raise Refused(400, f"Invalid value at '{name}': a list of texts is expected")
    return given


def raw_mail(given: Any) -> bytes:
    """Return the mail in a message's `raw`; raises Refused 400."""
    raw = given.get("raw") if isinstance(given, dict) else None
    if not isinstance(raw, str) or not raw:
        raise Refused(400, "'raw' RFC822 payload message string or uploading message via /upload/* URL required")
    try:
        return gmail_mime.from_base64url(raw)
    except ValueError as error:
        raise Refused(400, "Invalid value at 'message.raw' (TYPE_BYTES), Base64 decoding failed") from error


def _read_token(text: str) -> str:
    try:
        return gmail_mime.from_base64url(text).decode()
    except ValueError as error:
        raise Refused(400, "Invalid pageToken") from error
