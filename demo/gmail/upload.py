"""Gmail's upload of a mail: below /upload, without base64, alone or after a JSON part (multipart/related)."""

from __future__ import annotations

import json
from collections.abc import Callable
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from demo.call import Handler, StandInCall
from demo.gmail import drafts as gmail_drafts
from demo.gmail import messages as gmail_messages
from demo.gmail.mime import base64url
from demo.service import Refused
from demo.store import Store

# 35 MiB: https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.messages/send
MAX_BYTES = 36_700_160
TYPE = "message/rfc822"
Put = Callable[[dict[str, Any], str], dict[str, Any]]
"""Puts a mail into the JSON of the method without upload."""


def _of_message(given: dict[str, Any], raw: str) -> dict[str, Any]:
    return {**given, "raw": raw}


def _of_draft(given: dict[str, Any], raw: str) -> dict[str, Any]:
    return {**given, "message": {**(given.get("message") or {}), "raw": raw}}


TABLE: tuple[tuple[str, str, Handler, Put], ...] = (
    ("POST", "/messages/send", gmail_messages.send, _of_message),
    ("POST", "/drafts", gmail_drafts.create, _of_draft),
    ("POST", "/drafts/send", gmail_drafts.send, _of_draft),
    ("PUT", "/drafts/{id}", gmail_drafts.update, _of_draft),
)


def routes(store: Store, prefix: str) -> list[Route]:
    """Return the upload routes."""

    def endpoint(handler: Handler, put: Put) -> Callable[[Request], Any]:
        async def answer(request: Request) -> Response:
            given, mail = _parts(request, await request.body())
            with store.transaction():
                return handler(StandInCall(request, store, put(given, base64url(mail)))).response()

        return answer

    return [Route(f"/upload{prefix}{path}", endpoint(handler, put), methods=[way]) for way, path, handler, put in TABLE]


def _parts(request: Request, body: bytes) -> tuple[dict[str, Any], bytes]:
    """Return the metadata of the mail, and the mail; raises Refused."""
    way, kind = request.query_params.get("uploadType", ""), request.headers.get("content-type", "")
    if way == "media":
        return {}, _mail(kind, body)
    if way != "multipart" or not kind.startswith("multipart/related"):
        raise Refused(400, f"Invalid upload type: {way}")
    whole = BytesParser(policy=compat32).parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + body)
    parts = whole.get_payload()
    if not isinstance(parts, list) or len(parts) != 2 or not isinstance(parts[0], Message):
        raise Refused(400, "Malformed multipart body.")
    boundary = b"--" + str(whole.get_boundary()).encode()
    # The mail must be preserved byte for byte, so it is sliced out, not parsed and rewritten.
    behind = body.split(boundary)[2].replace(b"\r\n", b"\n") if body.count(boundary) == 3 else b""
    head, _, content = behind.partition(b"\n\n")
    told = parts[0].get_payload(decode=True)
    if TYPE.encode() not in head.lower() or not isinstance(told, bytes):
        raise Refused(400, "Media type is not supported. Valid media types: [message/*]")
    try:
        given = json.loads(told)
    except ValueError as error:
        raise Refused(400, "Problems parsing JSON") from error
    return given, _mail(TYPE, content.removesuffix(b"\n"))


def _mail(kind: str, content: bytes) -> bytes:
    if not kind.lower().startswith("message/"):
        raise Refused(400, "Media type is not supported. Valid media types: [message/*]")
    if len(content) > MAX_BYTES:
        raise Refused(413, "Upload size exceeds the limit.")
    return content
