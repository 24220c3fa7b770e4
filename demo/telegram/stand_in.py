"""Telegram's Bot API, as far as steps and triggers use it; the token is part of the address."""

from __future__ import annotations

import html
import re
import time
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from demo.call import StandInCall, page_routes
from demo.page import messages_page
from demo.service import PublicRoute, json_object
from demo.store import Store

TOKEN = "100200300:demo-telegram-token"  # noqa: S105 - the same for everybody, good for loopback only
_TEXT_MOST = 4096
"""In UTF-16 units, after entities are parsed (https://core.telegram.org/bots/api#sendmessage)."""
_TAG = re.compile(r"<[^<>]*>")
_ADA = {"id": 4001, "is_bot": False, "first_name": "Ada", "last_name": "Lind", "username": "ada"}
_CHATS = {"4001": {"id": 4001, "type": "private", **{k: _ADA[k] for k in ("first_name", "last_name", "username")}}}
_GROUP = {"id": -1005001, "type": "supergroup", "title": "Support"}


def ERROR(status: int, message: str) -> dict[str, Any]:  # noqa: N802 - the name the stand-ins share
    """Return an error as Telegram writes it."""
    return {"ok": False, "error_code": status, "description": message}


def seed(store: Store) -> None:
    """Let one person and one group know the bot."""
    for chat in (*_CHATS.values(), _GROUP):
        store.put("telegram/chats", str(chat["id"]), chat)
    write(store, "4001", "Is anybody there?")


def show(store: Store) -> dict[str, Any]:
    """Return chats and messages."""
    return {"chats": store.all("telegram/chats"), "messages": store.all("telegram/messages")}


def write(store: Store, chat: str, text: str) -> dict[str, Any]:
    """Let a person write to the bot."""
    message = _kept(store, chat, {"from": _ADA, "text": text})
    update = {"update_id": 70_000 + store.next_number("telegram/updates"), "message": message}
    store.put("telegram/updates", str(update["update_id"]), update)
    return message


def _kept(store: Store, chat: str, facts: dict[str, Any]) -> dict[str, Any]:
    number = store.next_number(f"telegram/{chat}")
    message = {"message_id": number, "date": int(time.time()), "chat": store.get("telegram/chats", chat), **facts}
    store.put("telegram/messages", f"{chat}:{number}", message)
    return message


def routes(store: Store) -> list[Route]:
    """Return the methods, and a page with the messages."""
    methods = {"getMe": _whoami, "getWebhookInfo": _no_hook, "getUpdates": _updates, "sendMessage": _send}
    methods["deleteMessage"] = _delete

    async def method(request: Request) -> Response:
        handler = methods.get(request.path_params["method"])
        if request.path_params["token"] != TOKEN or handler is None:
            status = 401 if handler is not None else 404
            return JSONResponse(ERROR(status, "Unauthorized" if status == 401 else "Not Found"), status)
        body = dict(request.query_params) if request.method == "GET" else await json_object(request)
        with store.transaction():
            status, result = handler(store, body)
        return JSONResponse({"ok": True, "result": result} if status == 200 else ERROR(status, result), status)

    async def by_hand(request: Request) -> Response:
        body = await json_object(request)
        return JSONResponse(write(store, body["chat"], body["text"]))

    return [
        Route("/_demo/message", by_hand, methods=["POST"]),
        PublicRoute("/bot{token}/{method}", method, methods=["GET", "POST"]),
        *page_routes(store, [("/", _page)]),
    ]


def _whoami(_: Store, __: dict[str, Any]) -> tuple[int, Any]:
    return 200, {"id": 100200300, "is_bot": True, "first_name": "Orchestra", "username": "orchestra_demo_bot"}


def _no_hook(_: Store, __: dict[str, Any]) -> tuple[int, Any]:
    return 200, {"url": "", "has_custom_certificate": False, "pending_update_count": 0}


def _updates(store: Store, body: dict[str, Any]) -> tuple[int, Any]:
    """Return the waiting updates, and forget the ones before `offset`."""
    offset = int(body.get("offset") or 0)
    # An offset confirms all earlier updates: https://core.telegram.org/bots/api#getupdates
    for one in store.all("telegram/updates"):
        if one["update_id"] < offset:
            store.delete("telegram/updates", str(one["update_id"]))
    return 200, store.all("telegram/updates")[: min(int(body.get("limit") or 100), 100)]


def _send(store: Store, body: dict[str, Any]) -> tuple[int, Any]:
    chat, text = str(body.get("chat_id")), str(body.get("text") or "")
    if store.get("telegram/chats", chat) is None:
        return 400, "Bad Request: chat not found"
    seen = html.unescape(_TAG.sub("", text)) if body.get("parse_mode") == "HTML" else text
    if not seen.strip() or len(seen.encode("utf-16-le")) // 2 > _TEXT_MOST:
        return 400, f"Bad Request: message {'is too long' if seen.strip() else 'text is empty'}"
    me = _whoami(store, {})[1]
    return 200, _kept(store, chat, {"from": me, "text": text})


def _delete(store: Store, body: dict[str, Any]) -> tuple[int, Any]:
    key = f"{body.get('chat_id')}:{body.get('message_id')}"
    if store.get("telegram/messages", key) is None:
        return 400, "Bad Request: message to delete not found"
    store.delete("telegram/messages", key)
    return 200, True


def _page(call: StandInCall) -> str:
    """Return a page with the messages of each chat."""
    every = call.store.all("telegram/messages")
    rows = []
    for chat in call.store.all("telegram/chats"):
        here = (one for one in every if one["chat"]["id"] == chat["id"])
        rows.append(
            (chat.get("title") or chat["first_name"], [(one["from"]["first_name"], one["text"]) for one in here])
        )
    return messages_page("Telegram", rows)
