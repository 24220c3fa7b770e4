"""A WebDAV server, as far as steps use it (RFC 4918; with the errors of Nextcloud's sabre/dav)."""

from __future__ import annotations

import base64
import hashlib
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Scope

from demo.call import StandInCall, page_routes
from demo.drive import FOLDERS, SAMPLES, DriveFiles, file_answer, files_page, http_date
from demo.service import PublicRoute, Refused
from demo.store import Store

TOKEN = "demo-webdav-password"  # noqa: S105 - the same for everybody, good for loopback only
FILES = DriveFiles("webdav")
_ROOT = {"path": "", "is_folder": True, "at": "2026-01-01T00:00:00.000Z"}
_METHODS = ["PROPFIND", "GET", "HEAD", "PUT", "DELETE", "MKCOL"]


def ERROR(status: int, message: str) -> dict[str, Any]:  # noqa: N802 - the name the stand-ins share
    """Return an error; WebDAV's own are XML."""
    return {"status": status, "message": message}


def refusal(store: Store, token: str, method: str) -> tuple[int, str] | None:
    """Accept any user with the password."""
    del store, method
    try:
        password = base64.b64decode(token).decode().partition(":")[2]
    except ValueError:
        password = ""
    return None if password == TOKEN else (401, "Cannot authenticate over ajax calls")


def seed(store: Store) -> None:
    """Create three folders and some files."""
    for folder in FOLDERS:
        make_folder(store, folder)
    for path, text in SAMPLES.items():
        put(store, path, text.encode(), "text/plain")


def show(store: Store) -> dict[str, Any]:
    """Return paths, sizes and hashes."""
    return {"files": FILES.show(store)}


def make_folder(store: Store, path: str) -> None:
    """Create a folder."""
    FILES.put(store, path, {"path": path, "is_folder": True})


def put(store: Store, path: str, content: bytes, media_type: str) -> dict[str, Any]:
    """Store a file."""
    kept = {"path": path, "is_folder": False, "media_type": media_type or "application/octet-stream"}
    kept["sha256"] = hashlib.sha256(content).hexdigest()
    return FILES.put(store, path, kept, content)


def routes(store: Store) -> list[Route]:
    """Return the one route of the protocol, and a page with the files."""
    handlers = {"PROPFIND": _propfind, "GET": _get, "HEAD": _get, "PUT": _put, "DELETE": _delete, "MKCOL": _mkcol}

    async def answer(request: Request) -> Response:
        body = await request.body()
        path = request.path_params["path"].strip("/")
        with store.transaction():
            return handlers[request.method](store, request, path, body)

    async def download(request: Request) -> Response:
        sent = await answer(request)
        sent.headers["Content-Disposition"] = "attachment"  # a stranger's page must not act as one of ours
        return sent

    return [
        *page_routes(store, [("/_files", _page)]),
        _InBrowser("/{path:path}", download, methods=["GET"]),
        Route("/{path:path}", answer, methods=_METHODS),
    ]


class _InBrowser(PublicRoute):
    """A file for somebody who follows a link: their browser would have signed in to a real server."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match browsers alone: they ask for HTML, and programs do not."""
        found, child = super().matches(scope)
        return (found, child) if "text/html" in Headers(scope=scope).get("accept", "") else (Match.NONE, {})


def _tag(one: dict[str, Any]) -> str:
    # Each version of any file has a number of its own.
    return f'"{one["number"]:08x}"'


def _refused(status: int, kind: str, message: str) -> Response:
    text = (
        '<?xml version="1.0" encoding="utf-8"?>\n<d:error xmlns:d="DAV:" xmlns:s="http://sabredav.org/ns">'
        f"<s:exception>Sabre\\DAV\\Exception\\{kind}</s:exception><s:message>{escape(message)}</s:message></d:error>"
    )
    return Response(text, status, media_type="application/xml; charset=utf-8")


def _found(store: Store, path: str) -> dict[str, Any] | None:
    return FILES.get(store, path) if path else _ROOT


def _missing(path: str) -> Response:
    return _refused(404, "NotFound", f"File with name {path} could not be located")


def _propfind(store: Store, request: Request, path: str, body: bytes) -> Response:
    depth, found = request.headers.get("depth", "infinity"), _found(store, path)
    if b"<propfind" not in body:
        raise Refused(400, "The body is no propfind")
    # Infinity is the default (RFC 4918, 9.1), and servers may refuse it.
    if depth not in {"0", "1"}:
        return _refused(403, "Forbidden", "Depth: infinity is not allowed")
    if found is None:
        return _missing(path)
    inside = [one for one in FILES.all(store) if one["path"].rpartition("/")[0] == path]
    rows = [found, *(inside if depth == "1" and found["is_folder"] else [])]
    text = "".join(map(_row, rows))
    head = '<?xml version="1.0"?>\n<d:multistatus xmlns:d="DAV:" xmlns:s="http://sabredav.org/ns">'
    return Response(f"{head}{text}</d:multistatus>", 207, media_type="application/xml; charset=utf-8")


def _row(one: dict[str, Any]) -> str:
    href = escape(quote(f"/{one['path']}"))
    if one["is_folder"]:
        href, kind, more = href.rstrip("/") + "/", "<d:collection/>", ""
    else:
        kind, etag = "", escape(_tag(one), {'"': "&quot;"})
        more = f"<d:getcontentlength>{one['size']}</d:getcontentlength><d:getetag>{etag}</d:getetag>"
        more += f"<d:getcontenttype>{escape(one['media_type'])}</d:getcontenttype>"
    return (
        f"<d:response><d:href>{href}</d:href><d:propstat><d:prop><d:resourcetype>{kind}</d:resourcetype>{more}"
        f"<d:getlastmodified>{http_date(one)}</d:getlastmodified></d:prop><d:status>HTTP/1.1 200 OK</d:status>"
        "</d:propstat></d:response>"
    )


def _get(store: Store, request: Request, path: str, body: bytes) -> Response:
    del body
    found = _found(store, path)
    if found is None:
        return _missing(path)
    if found["is_folder"]:
        return _refused(501, "NotImplemented", "GET requests are only implemented for files")
    return file_answer(request, found, {"ETag": _tag(found), "Accept-Ranges": "bytes"}, found["media_type"])


def _put(store: Store, request: Request, path: str, body: bytes) -> Response:
    there, above = _found(store, path), _found(store, path.rpartition("/")[0])
    if above is None or not above["is_folder"]:
        # RFC 4918, 9.7.1: a PUT does not create folders.
        return _refused(409, "Conflict", "Files cannot be created in non-existent collections")
    if there is not None and there["is_folder"]:
        return _refused(405, "MethodNotAllowed", "Cannot PUT to a collection")
    if there is not None and request.headers.get("if-none-match") == "*":
        said = "An If-None-Match header was specified, but the ETag matched (or * was specified)."
        return _refused(412, "PreconditionFailed", said)
    tag = _tag(put(store, path, body, request.headers.get("content-type", "")))
    return Response(b"", 201 if there is None else 204, {"ETag": tag, "OC-ETag": tag})


def _delete(store: Store, request: Request, path: str, body: bytes) -> Response:
    del body
    found = _found(store, path)
    if found is None or not path:
        return _missing(path)
    tag = None if found["is_folder"] else _tag(found)
    if request.headers.get("if-match", tag) != tag:
        return _refused(412, "PreconditionFailed", "An If-Match header was specified, but none of the ETags matched.")
    for one in FILES.all(store):
        if one["path"] == path or one["path"].startswith(f"{path}/"):
            FILES.delete(store, one["path"])
    return Response(status_code=204)


def _mkcol(store: Store, request: Request, path: str, body: bytes) -> Response:
    del request, body
    if _found(store, path) is not None:
        # RFC 4918, 9.3.1
        return _refused(405, "MethodNotAllowed", "The resource you tried to create already exists")
    make_folder(store, path)
    return Response(status_code=201)


def _page(call: StandInCall) -> str:
    """Return a page with all files."""
    return files_page("WebDAV", ((one["path"], one.get("size", "")) for one in FILES.all(call.store)))
