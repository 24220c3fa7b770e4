"""Slack's Web API, as far as steps use it; errors are answers with `ok: false`, as there."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from demo.call import StandInCall, page_routes
from demo.page import messages_page
from demo.service import base_url, json_object
from demo.store import Store

TOKEN = "demo-slack-token"  # noqa: S105 - the same for everybody, good for loopback only
TEAM, BOT = "T0DEMO0001", "U0DEMOBOT1"
CHANNELS = {"C0GENERAL1": "general", "C0SUPPORT1": "support", "C0RANDOM01": "random"}
# https://docs.slack.dev/reference/methods/chat.postMessage (truncating content)
_TEXT_MOST = 40_000
_WELCOME = "Mails that people must see at once arrive here."


def ERROR(status: int, message: str) -> dict[str, Any]:  # noqa: N802 - the name the stand-ins share
    """Return an error as Slack writes it."""
    code = {401: "invalid_auth", 429: "ratelimited"}.get(status, "internal_error" if status >= 500 else message)
    return {"ok": False, "error": code}


def seed(store: Store) -> None:
    """Create three channels, and a message in one."""
    for key, name in CHANNELS.items():
        channel = {"id": key, "name": name, "is_channel": True, "is_private": False, "is_member": name != "random"}
        store.put("slack/channels", key, {**channel, "is_archived": False})
    post(store, "C0SUPPORT1", {"user": "U0ADA00001", "text": _WELCOME})


def show(store: Store) -> dict[str, Any]:
    """Return channels and messages."""
    return {"channels": store.all("slack/channels"), "messages": store.all("slack/messages")}


def post(store: Store, channel: str, message: dict[str, Any]) -> dict[str, Any]:
    """Store a message under a timestamp that no other has."""
    number = store.next_number("slack/messages")
    kept = {"type": "message", "ts": f"{int(time.time())}.{number:06d}", "channel": channel, **message}
    store.put("slack/messages", f"{channel} {kept['ts']}", kept)
    return kept


def routes(store: Store) -> list[Route]:
    """Return the methods, and a page with the messages."""
    methods: dict[str, Callable[[Request, dict[str, Any]], dict[str, Any]]] = {
        "auth.test": lambda request, _: _whoami(request),
        "conversations.list": lambda request, _: _channels(store, request),
        "conversations.history": lambda request, _: _history(store, request),
        "conversations.replies": lambda request, _: _history(store, request),
        "chat.postMessage": lambda _, body: _post(store, body),
        "chat.delete": lambda _, body: _delete(store, body),
        "reactions.add": lambda _, body: _react(store, body, is_added=True),
        "reactions.remove": lambda _, body: _react(store, body, is_added=False),
    }

    async def method(request: Request) -> Response:
        handler = methods.get(request.path_params["method"])
        if handler is None:
            # With status 200: Slack reports nearly all errors in the body (https://docs.slack.dev/apis/web-api).
            return JSONResponse({"ok": False, "error": "unknown_method"})
        body = await json_object(request) if request.method == "POST" else {}
        with store.transaction():
            return JSONResponse(handler(request, body))

    async def by_hand(request: Request) -> Response:
        body = await json_object(request)
        return JSONResponse(post(store, body["channel"], {"user": "U0ADA00001", "text": body["text"]}))

    return [
        Route("/_demo/message", by_hand, methods=["POST"]),
        *page_routes(store, [("/", _page), ("/archives/{channel}", _page), ("/archives/{channel}/{message}", _page)]),
        Route("/{method}", method, methods=["GET", "POST"]),
    ]


def _whoami(request: Request) -> dict[str, Any]:
    names = {"team": "Demo", "user": "orchestra", "team_id": TEAM, "user_id": BOT, "bot_id": "B0DEMO0001"}
    return {"ok": True, "url": f"{base_url(request)}/", **names}


def _paged(found: list[dict[str, Any]], request: Request, member: str) -> dict[str, Any]:
    """Answer with one page; the cursor is where the next one begins."""
    begin, size = int(request.query_params.get("cursor") or 0), int(request.query_params.get("limit") or 100)
    following = str(begin + size) if begin + size < len(found) else ""
    page = {member: found[begin : begin + size], "has_more": bool(following)}
    return {"ok": True, **page, "response_metadata": {"next_cursor": following}}


def _channels(store: Store, request: Request) -> dict[str, Any]:
    return _paged(store.all("slack/channels"), request, "channels")


def _history(store: Store, request: Request) -> dict[str, Any]:
    asked = request.query_params
    if store.get("slack/channels", asked.get("channel", "")) is None:
        return {"ok": False, "error": "channel_not_found"}
    oldest, thread = float(asked.get("oldest") or 0), asked.get("ts", "")
    found = [one for one in store.all("slack/messages") if one["channel"] == asked["channel"]]
    found = [one for one in found if float(one["ts"]) > oldest]
    if thread:
        found = [one for one in found if thread in {one["ts"], one.get("thread_ts")}]
    else:
        # A history has no answers in threads, newest first; a thread is oldest first.
        found = [one for one in reversed(found) if one.get("thread_ts", one["ts"]) == one["ts"]]
    # Slack leaves metadata out unless it is asked for.
    if asked.get("include_all_metadata") != "true":
        found = [{name: value for name, value in one.items() if name != "metadata"} for one in found]
    return _paged(found, request, "messages")


def _post(store: Store, body: dict[str, Any]) -> dict[str, Any]:
    channel = store.get("slack/channels", str(body.get("channel")))
    if channel is None:
        return {"ok": False, "error": "channel_not_found"}
    if not channel["is_member"]:
        return {"ok": False, "error": "not_in_channel"}
    if not body.get("text"):
        return {"ok": False, "error": "no_text"}
    if len(body["text"]) > _TEXT_MOST:
        return {"ok": False, "error": "msg_too_long"}
    more: dict[str, Any] = {name: body[name] for name in ("thread_ts", "metadata") if name in body}
    kept = post(store, channel["id"], {"user": BOT, "bot_id": "B0DEMO0001", "text": body["text"], **more})
    return {"ok": True, "channel": channel["id"], "ts": kept["ts"], "message": kept}


def _delete(store: Store, body: dict[str, Any]) -> dict[str, Any]:
    key = f"{body.get('channel')} {body.get('ts')}"
    if store.get("slack/messages", key) is None:
        return {"ok": False, "error": "message_not_found"}
    store.delete("slack/messages", key)
    return {"ok": True, "channel": body["channel"], "ts": body["ts"]}


def _react(store: Store, body: dict[str, Any], *, is_added: bool) -> dict[str, Any]:
    key = f"{body.get('channel')} {body.get('timestamp')}"
    message = store.get("slack/messages", key)
    if message is None:
        return {"ok": False, "error": "message_not_found"}
    names = {one["name"] for one in message.get("reactions", [])}
    if (body["name"] in names) == is_added:
        return {"ok": False, "error": "already_reacted" if is_added else "no_reaction"}
    names ^= {body["name"]}
    reactions = [{"name": name, "count": 1, "users": [BOT]} for name in sorted(names)]
    store.put("slack/messages", key, {**message, "reactions": reactions})
    return {"ok": True}


def _page(call: StandInCall) -> str:
    """Return a page with the messages of one channel, or of all."""
    only, every = call.part("channel"), call.store.all("slack/messages")
    rows = []
    for channel in call.store.all("slack/channels"):
        here = (one for one in every if one["channel"] == channel["id"])
        if only in {"", channel["id"]}:
            rows.append((f"#{channel['name']}", [(one["user"], one["text"]) for one in here]))
    return messages_page("Slack", rows)
