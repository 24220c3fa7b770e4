"""What has changed in a folder since a link (https://learn.microsoft.com/graph/delta-query-messages).

`POST /_demo/delta` takes `forget: true`: the links issued so far have expired, and are answered with 410.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from demo.microsoft import graph_refused
from demo.outlook import query
from demo.outlook.mailbox import DemoOutlook, Record, not_found
from demo.service import Refused

_FILTERED_MOST = 5000
"""Messages that a delta query with a filter gives."""


def forget(box: DemoOutlook) -> None:
    """Let the links issued so far expire."""
    box.store.put(box.kept("state"), "forgotten", {"number": box.last_change()})


def page(box: DemoOutlook, folder: str, asked: dict[str, str], size: int) -> tuple[list[Any], str, str]:
    """Return one page: the messages, each a record or {id, @removed}; the name of the next token, and the token.

    Raises Refused: 410 if a token has expired, 400 for other options than a delta query has.
    """
    given = asked.get("$deltatoken") or asked.get("$skiptoken")
    state = _state(box, given) if given else _begun(box, asked)
    if state["folder"] != (folder if not given else state["folder"]):
        raise not_found()
    found = _changed(box, state)
    at = state["at"]
    if at + size < len(found):
        return found[at : at + size], "$skiptoken", _token({**state, "at": at + size})
    following = {**state, "since": state["upto"], "upto": None, "at": 0, "begun": True}
    return found[at:], "$deltatoken", _token(following)


def select_of(asked: dict[str, str]) -> str:
    """Return the `$select` that a round began with."""
    given = asked.get("$deltatoken") or asked.get("$skiptoken")
    return str(_read(given)["select"]) if given else asked.get("$select", "")


def _begun(box: DemoOutlook, asked: dict[str, str]) -> dict[str, Any]:
    if unknown := {name for name in asked if name.startswith("$")} - {"$select", "$filter", "$orderby", "$top"}:
        raise graph_refused(400, "ErrorInvalidUrlQuery", f"The delta query does not support {min(unknown)}.")
    terms = query.terms_of(asked.get("$filter", ""))
    if len(terms) > 1 or any(not one.startswith(("receivedDateTime ge ", "receivedDateTime gt ")) for one in terms):
        raise graph_refused(400, "ErrorInvalidUrlQuery", "A delta query can only filter by receivedDateTime ge or gt.")
    return {
        "folder": box.folder(asked["folder"])["id"],
        "generation": box.store.generation,
        "select": asked.get("$select", ""),
        "filter": asked.get("$filter", ""),
        "kind": asked.get("changeType", ""),
        "since": 0,
        "upto": box.last_change(),
        "at": 0,
        "begun": False,
    }


def _state(box: DemoOutlook, token: str) -> dict[str, Any]:
    state = _read(token)
    forgotten = int((box.store.get(box.kept("state"), "forgotten") or {"number": -1})["number"])
    known = state["since"] or state["upto"] or 0
    if state["generation"] != box.store.generation or known <= forgotten:
        message = f"The sync state generation is not found; generation={known};[highest={box.last_change()}]."
        raise graph_refused(410, "SyncStateNotFound", message)
    return {**state, "upto": box.last_change() if state["upto"] is None else state["upto"]}


def _changed(box: DemoOutlook, state: dict[str, Any]) -> list[Any]:
    """Return each message that was changed, once, as it is now."""
    here = state["folder"]
    if not state["begun"]:
        there = [one for one in box.all() if one["folder"] == here]
        found: list[Any] = query.found(there, {"$filter": state["filter"]})
        return found[:_FILTERED_MOST] if state["filter"] else found
    entries = [one for one in box.log() if state["since"] < one["number"] <= state["upto"] and one["folder"] == here]
    known: dict[str, Record] = {one["id"]: one for one in box.all()}
    latest = {one["id"]: one for one in entries}
    created = {one["id"] for one in entries if one["kind"] == "created"}
    found = []
    for message_id in latest:
        record = known.get(message_id)
        is_here = record is not None and record["folder"] == here
        kind = ("created" if message_id in created else "updated") if is_here else "deleted"
        if state["kind"] not in {"", kind}:
            continue
        if record is None or not is_here:
            found.append({"id": message_id, "@removed": {"reason": "deleted"}})
        elif query.found([record], {"$filter": state["filter"]}):
            found.append(record)
    return found


def _token(state: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(state).encode()).decode().rstrip("=")


def _read(token: str) -> dict[str, Any]:
    try:
        return dict(json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))))
    except ValueError as error:
        raise _bad_token() from error


def _bad_token() -> Refused:
    return graph_refused(400, "BadRequest", "Badly formed token.")
