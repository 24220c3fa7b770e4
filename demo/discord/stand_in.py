"""Discord's HTTP API, as far as steps use it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from demo.call import StandInCall, StandInReply, api_routes, page_routes
from demo.page import messages_page
from demo.service import PublicRoute, Refused, json_object
from demo.store import Store

TOKEN = "demo-discord-token"  # noqa: S105 - the same for everybody, good for loopback only
GUILD = {"id": "100000000000000001", "name": "Demo"}
CHANNELS = {"100000000000000011": "general", "100000000000000012": "support"}
HOOK = "100000000000000031"
HOOK_TOKEN = "demo-webhook"  # noqa: S105 - the same
_BOT = {"id": "100000000000000021", "username": "orchestra", "global_name": None, "bot": True}
_ADA = {"id": "100000000000000022", "username": "ada", "global_name": "Ada", "bot": False}
_CHANNEL_PAGE = "/channels/{guild:int}/{channel:int}"
# Discord's ids count milliseconds from 2015 on (https://discord.com/developers/docs/reference#snowflakes).
_EPOCH_MS = 1_420_070_400_000
_HOOK_PLACE = {"channel_id": next(iter(CHANNELS)), "guild_id": GUILD["id"]}
# The last two: https://discord.com/developers/docs/topics/opcodes-and-status-codes#json.
_TEXT_MOST, _NOT_FOUND, _INVALID = 2000, 10003, 50035


def ERROR(status: int, message: str) -> dict[str, Any]:  # noqa: N802 - the name the stand-ins share
    """Return an error as Discord writes it."""
    return {"message": message, "code": _INVALID if status == 400 else 0}


def refusal(_: Store, token: str, __: str) -> tuple[int, str] | None:
    """Refuse a request with a wrong token (a bot's follows the word `Bot`)."""
    return None if token == TOKEN else (401, "401: Unauthorized")


def seed(store: Store) -> None:
    """Create two channels, and a message in one."""
    for key, name in CHANNELS.items():
        store.put("discord/channels", key, {"id": key, "type": 0, "name": name, "guild_id": GUILD["id"]})
    write(store, "100000000000000012", _ADA, "The search is slow today.")


def show(store: Store) -> dict[str, Any]:
    """Return channels and messages."""
    return {"channels": store.all("discord/channels"), "messages": store.all("discord/messages")}


def write(store: Store, channel: str, author: dict[str, Any], text: str, **more: Any) -> dict[str, Any]:
    """Store a message; its id holds its time, as Discord's ids do."""
    now = datetime.now(UTC)
    milliseconds = int(now.timestamp() * 1000) - _EPOCH_MS
    number = store.next_number("discord/messages")
    # Discord strips messages, so a client that compares what it sent must do so as well.
    facts = {"channel_id": channel, "author": author, "content": text.strip(), "timestamp": now.isoformat()}
    # The low 22 bits are a counter, which makes ids of the same millisecond differ.
    message = {"id": str((milliseconds << 22) + number), "type": 0, **facts, **more}
    store.put("discord/messages", message["id"], message)
    return message


def routes(store: Store) -> list[Route]:
    """Return the API's routes, the webhook, and a page with the messages."""
    table = [
        ("GET", "/users/@me", lambda _: StandInReply(_BOT)),
        ("GET", "/users/@me/guilds", lambda _: StandInReply([GUILD])),
        ("GET", "/guilds/{guild}/channels", lambda call: StandInReply(call.store.all("discord/channels"))),
        ("GET", "/channels/{channel}", lambda call: StandInReply(call.store.get("discord/channels", _channel(call)))),
        ("GET", "/channels/{channel}/messages", _messages),
        ("POST", "/channels/{channel}/messages", _post),
        ("DELETE", "/channels/{channel}/messages/{message}", _delete),
    ]

    async def hook(request: Request) -> Response:
        if (request.path_params["hook"], request.path_params["token"]) != (HOOK, HOOK_TOKEN):
            raise Refused(404, "Unknown Webhook", code=10015)
        if request.method == "GET":
            return JSONResponse({"id": HOOK, "type": 1, "name": "Alerts", **_HOOK_PLACE})
        body = await json_object(request)
        author = {"id": HOOK, "username": "Alerts", "global_name": None, "bot": True}
        return JSONResponse(write(store, next(iter(CHANNELS)), author, _text(body)))

    async def by_hand(request: Request) -> Response:
        body = await json_object(request)
        return JSONResponse(write(store, body["channel"], _ADA, body["text"]))

    return [
        Route("/_demo/message", by_hand, methods=["POST"]),
        PublicRoute("/webhooks/{hook}/{token}", hook, methods=["GET", "POST"]),
        *api_routes(store, table, dict),
        *page_routes(store, [(path, _page) for path in ("/", _CHANNEL_PAGE, f"{_CHANNEL_PAGE}/{{message}}")]),
    ]


def _channel(call: StandInCall) -> str:
    if call.store.get("discord/channels", call.part("channel")) is None:
        raise Refused(404, "Unknown Channel", code=_NOT_FOUND)
    return call.part("channel")


def _text(body: dict[str, Any]) -> str:
    text = str(body.get("content") or "")
    if not text.strip() or len(text) > _TEXT_MOST:
        said = f"Must be {_TEXT_MOST} or fewer in length." if text.strip() else "This field is required"
        code = "BASE_TYPE_MAX_LENGTH" if text.strip() else "BASE_TYPE_REQUIRED"
        errors = {"content": {"_errors": [{"code": code, "message": said}]}}
        raise Refused(400, "Invalid Form Body", code=_INVALID, errors=errors)
    return text


def _messages(call: StandInCall) -> StandInReply:
    """Return messages, newest first: the oldest ones after an id, the newest before one, or the newest of all."""
    channel, limit = _channel(call), int(call.query("limit", "50"))
    found = [one for one in call.store.all("discord/messages") if one["channel_id"] == channel]
    # Only the answer to a post has the nonce: a client cannot find its own messages by it.
    found = [{name: value for name, value in one.items() if name != "nonce"} for one in found]
    if call.query("after"):
        newer = [one for one in found if int(one["id"]) > int(call.query("after"))]
        return StandInReply(list(reversed(newer[:limit])))
    if call.query("before"):
        found = [one for one in found if int(one["id"]) < int(call.query("before"))]
    return StandInReply(list(reversed(found[-limit:])))


def _post(call: StandInCall) -> StandInReply:
    """Store a message, or return the one that has its nonce already."""
    channel, nonce = _channel(call), call.body.get("nonce")
    # Without the flag, a nonce is stored, but not checked (https://discord.com/developers/docs/resources/message).
    if call.body.get("enforce_nonce") and nonce:
        known = [one for one in call.store.all("discord/messages") if one.get("nonce") == nonce]
        if known:
            return StandInReply(known[0])
    return StandInReply(write(call.store, channel, _BOT, _text(call.body), nonce=nonce))


def _delete(call: StandInCall) -> StandInReply:
    if call.store.get("discord/messages", call.part("message")) is None:
        raise Refused(404, "Unknown Message", code=10008)
    call.store.delete("discord/messages", call.part("message"))
    return StandInReply(None, 204)


def _page(call: StandInCall) -> str:
    """Return a page with the messages of each channel."""
    every = call.store.all("discord/messages")
    rows = []
    for channel in call.store.all("discord/channels"):
        here = (one for one in every if one["channel_id"] == channel["id"])
        rows.append((f"#{channel['name']}", [(one["author"]["username"], one["content"]) for one in here]))
    return messages_page("Discord", rows)
