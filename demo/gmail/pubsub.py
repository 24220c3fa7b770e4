"""Cloud Pub/Sub as Gmail uses it: one topic that a watched mailbox publishes to, and one subscription to pull from.

Sources: https://developers.google.com/workspace/gmail/api/guides/push, and the reference of
https://cloud.google.com/pubsub/docs/reference/rest/v1/projects.subscriptions.
"""

from __future__ import annotations

import asyncio
import base64
import json
import time
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from demo.call import StandInCall, StandInReply, api_routes
from demo.gmail.grants import TOKENS, GrantRules
from demo.service import Refused, json_object
from demo.store import Store

PROJECT = "projects/demo-project"
TOPIC = f"{PROJECT}/topics/mail"
SUBSCRIPTION = f"{PROJECT}/subscriptions/mail"
_SCOPES = {"https://www.googleapis.com/auth/pubsub", "https://www.googleapis.com/auth/cloud-platform"}
_STATE, _MESSAGES = "gmail_pubsub", "gmail_pubsub_messages"
_WATCH_SECONDS = 7 * 24 * 3600
_ACK_SECONDS = 10.0
_WAIT_SECONDS = 20.0
"""How long a pull waits for a message; Google does not say how long."""
_LOOK_SECONDS = 0.02


def routes(store: Store) -> list[Route]:
    """Return the API of the subscription, and the control for tests.

    `POST /_demo/pubsub` takes `publish` (texts that somebody else publishes to the topic), `publisher` (whether Gmail
    may publish there), `consumer` (whether the account may pull), `topics` (others that exist) and `subscription`
    (members that it gets).
    """

    async def pull(request: Request) -> Response:
        call = StandInCall(request, store, await json_object(request))
        _require_consumer(call)
        most = call.body.get("maxMessages", 0)
        if not isinstance(most, int) or most < 1:
            raise Refused(400, "maxMessages must be positive.")
        found: list[dict[str, Any]] = []
        ends_at = time.monotonic() + _WAIT_SECONDS
        while time.monotonic() < ends_at and not await request.is_disconnected():
            found = _leased(store, most)
            if found:
                break
            await asyncio.sleep(_LOOK_SECONDS)
        return JSONResponse({"receivedMessages": found} if found else {})

    async def control(request: Request) -> Response:
        given = await json_object(request)
        with store.transaction():
            for text in given.pop("publish", []):
                _publish(store, text)
            store.put(_STATE, "rules", {**_rules(store), **given})
        return JSONResponse({"ok": True})

    here = "/v1/projects/{project}/subscriptions/{name}"
    table = [
        ("POST", f"{here}:acknowledge", _acknowledge),
        ("POST", f"{here}:testIamPermissions", _test_permissions),
        ("GET", here, _get),
    ]
    return [
        Route(f"{here}:pull", pull, methods=["POST"]),
        *api_routes(store, table, dict),
        Route("/_demo/pubsub", control, methods=["POST"]),
    ]


def watch(store: Store, account: str, history_id: int, topic: str) -> dict[str, Any]:
    """Let the mailbox publish its changes; raises Refused as Gmail does."""
    known = store.get(_STATE, "watch")
    now = GrantRules.of(store).now()
    if not topic.startswith(f"{PROJECT}/topics/"):
        raise Refused(400, f"Invalid topicName does not match {PROJECT}/topics/*")
    if known and known["topic"] != topic and known["ends_at"] > now:
        raise Refused(400, "Only one user push notification client allowed per developer (call /stop then try again)")
    failed = f"Error sending test message to Cloud PubSub {topic} :"
    if topic != TOPIC and topic not in _rules(store).get("topics", []):
        raise Refused(404, f"{failed} Resource not found (resource={topic.rpartition('/')[2]}).")
    if not _rules(store).get("publisher", True):
        raise Refused(403, f"{failed} User not authorized to perform this action.")
    store.put(_STATE, "watch", {"topic": topic, "ends_at": now + _WATCH_SECONDS})
    changed(store, account, history_id)
    return {"historyId": str(history_id), "expiration": str(int((now + _WATCH_SECONDS) * 1000))}


def stop(store: Store) -> None:
    """End the watch, if there is one."""
    store.delete(_STATE, "watch")


def changed(store: Store, account: str, history_id: int) -> None:
    """Publish a change of the mailbox, if it is watched."""
    known = store.get(_STATE, "watch")
    if known and known["topic"] == TOPIC and known["ends_at"] > GrantRules.of(store).now():
        _publish(store, json.dumps({"emailAddress": account, "historyId": history_id}))


def _publish(store: Store, text: str) -> None:
    number = str(store.next_number(_MESSAGES))
    data = base64.b64encode(text.encode()).decode()
    at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    message = {"data": data, "messageId": number, "publishTime": at}
    store.put(_MESSAGES, number, {"message": message, "number": number, "leased_until": 0.0, "attempt": 0})


def _leased(store: Store, most: int) -> list[dict[str, Any]]:
    """Return messages that nobody has received lately; they come again if they are not acknowledged in time."""
    now = time.time()
    if not any(each["leased_until"] < now for each in store.all(_MESSAGES)):
        return []
    found = []
    with store.transaction():
        for each in [one for one in store.all(_MESSAGES) if one["leased_until"] < now][:most]:
            attempt = each["attempt"] + 1
            store.put(_MESSAGES, each["number"], {**each, "leased_until": now + _ACK_SECONDS, "attempt": attempt})
            found.append({"ackId": f"{each['number']}/{attempt}", "message": each["message"]})
    return found


def _rules(store: Store) -> dict[str, Any]:
    return store.get(_STATE, "rules") or {}


def _get(call: StandInCall) -> StandInReply:
    _require(call)
    known = {"name": SUBSCRIPTION, "topic": TOPIC, "ackDeadlineSeconds": 10, "state": "ACTIVE", "pushConfig": {}}
    return StandInReply({**known, **_rules(call.store).get("subscription", {})})


def _acknowledge(call: StandInCall) -> StandInReply:
    _require_consumer(call)
    wanted = call.body.get("ackIds") or []
    if not wanted:
        raise Refused(400, "No ack ids specified.")
    for one in wanted:
        call.store.delete(_MESSAGES, str(one).partition("/")[0])
    return StandInReply({})


def _test_permissions(call: StandInCall) -> StandInReply:
    _require(call)
    has_all = _rules(call.store).get("consumer", True)
    return StandInReply({"permissions": call.body.get("permissions") or []} if has_all else {})


def _require(call: StandInCall) -> None:
    """Raise Refused if the token does not reach Pub/Sub, or the subscription does not exist."""
    token = call.request.headers.get("authorization", "").partition(" ")[2].strip()
    granted = call.store.get(TOKENS, token)
    if granted is not None and not _SCOPES & set(granted["scope"].split()):
        raise Refused(403, "Request had insufficient authentication scopes.", error=_insufficient())
    if f"projects/{call.part('project')}/subscriptions/{call.part('name')}" != SUBSCRIPTION:
        raise Refused(404, f"Resource not found (resource={call.part('name')}).")


def _require_consumer(call: StandInCall) -> None:
    _require(call)
    if not _rules(call.store).get("consumer", True):
        raise Refused(403, "User not authorized to perform this action.")


def _insufficient() -> dict[str, Any]:
    """Return the error of a token without the scope, with its reason (google.rpc.ErrorInfo)."""
    reason = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
        "domain": "googleapis.com",
    }
    message = "Request had insufficient authentication scopes."
    return {"code": 403, "message": message, "status": "PERMISSION_DENIED", "details": [reason]}
