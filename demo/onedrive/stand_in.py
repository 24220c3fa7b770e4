"""OneDrive in Microsoft Graph, as far as steps use it (https://learn.microsoft.com/graph/api/resources/onedrive)."""

from __future__ import annotations

import re
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from demo.call import StandInCall, page_routes
from demo.drive import FOLDERS, SAMPLES, content_of, file_answer, files_page
from demo.microsoft import graph_error, microsoft_grants, sign_in_routes, token_refusal
from demo.microsoft import graph_refused as refused
from demo.onedrive import files
from demo.onedrive.files import FILES
from demo.service import PublicRoute, Refused, base_url, json_object
from demo.store import Store

TOKEN = "EwB.demo-onedrive-token"  # noqa: S105 - the same for everybody, good for loopback only


GRANTS = microsoft_grants("onedrive")
# https://learn.microsoft.com/graph/api/driveitem-createuploadsession
_UNIT = 320 * 1024
_CODES = {
    401: "InvalidAuthenticationToken",
    404: "itemNotFound",
    429: "activityLimitReached",
    503: "serviceNotAvailable",
}
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
_ITEM = re.compile(r"/items/(?P<id>[^/:]+)(?P<rest>.*)", re.DOTALL)
_SEARCH = re.compile(r"/search\(q='(?P<words>.*)'\)")


def ERROR(status: int, message: str) -> dict[str, Any]:  # noqa: N802 - the name the stand-ins share
    """Return an error as Graph writes it."""
    return graph_error(_CODES, status, message)


def refusal(store: Store, token: str, method: str) -> tuple[int, str] | None:
    """Return why a token is refused, or None if the sign-in has issued it for such a request."""
    needed = {"Files.ReadWrite"} if method != "GET" else {"Files.ReadWrite", "Files.Read"}
    return token_refusal(GRANTS, store, token, needed)


def seed(store: Store) -> None:
    """Create three folders and some files."""
    files.make_folder(store, "", "root", files.ROOT)
    for name in FOLDERS:
        files.make_folder(store, files.ROOT, name)
    for path, text in SAMPLES.items():
        _write(store, {"path": path, "text": text})


def show(store: Store) -> dict[str, Any]:
    """Return the items."""
    return {"items": [files.shown(store, one, "") for one in FILES.all(store)]}


def routes(store: Store) -> list[Route]:
    """Return the API, the addresses of contents and upload sessions, the sign-in, controls and a page."""

    async def api(request: Request) -> Response:
        rest = "/" + str(request.path_params["rest"])
        body = await request.body() if request.method == "PUT" else b""
        asked = await json_object(request) if request.method == "POST" else {}
        with store.transaction():
            return _answered(store, request, rest, body, asked)

    async def drive(_: Request) -> Response:
        owner = {"user": {"displayName": "Ada Lind", "email": "ada@example.com", "id": files.DRIVE.lower()}}
        return JSONResponse({"id": files.DRIVE, "driveType": "personal", "owner": owner})

    async def content(request: Request) -> Response:
        one = files.require(store, request.path_params["id"])
        # Microsoft refuses a token here, and a client that sends one reveals it to another host.
        if "authorization" in request.headers or request.query_params.get("tempauth") != files.key(one):
            raise refused(401, "unauthenticated", "The address of the content is its own key")
        return file_answer(request, one, {"etag": f'"{one["id"]},{one["number"]}"'})

    async def session(request: Request) -> Response:
        if "authorization" in request.headers:
            raise refused(401, "unauthenticated", "The address of the upload is its own key")
        found = FILES.session(store, request.path_params["id"])
        if found is None:
            raise refused(404, "itemNotFound", "The upload session was not found or has expired")
        body = await request.body()
        with store.transaction():
            return _uploaded(store, request, found, body)

    return [
        *sign_in_routes(GRANTS, store),
        FILES.control(store, lambda given: _write(store, given)),
        Route("/v1.0/me/drive", drive, methods=["GET"]),
        PublicRoute("/v1.0/me/drive/items/{id}/content", content, methods=["GET"]),
        Route("/v1.0/me/drive/{rest:path}", api, methods=["GET", "PUT", "POST", "DELETE"]),
        PublicRoute("/_upload/{id}", session, methods=["GET", "PUT", "DELETE"]),
        *page_routes(store, [("/", _page)]),
    ]


def _write(store: Store, given: dict[str, Any]) -> dict[str, Any]:
    """Write a file (`path`, `text`), or a link to a file of another drive (`is_remote`)."""
    folder, _, name = given["path"].rpartition("/")
    within, text = files.by_path(store, folder)["id"], given["text"].encode()
    return {"id": files.put(store, within, name, text, is_remote=given.get("is_remote", False))["id"]}


def _answered(store: Store, request: Request, rest: str, body: bytes, asked: dict[str, Any]) -> Response:
    """Serve an address below `/me/drive`."""
    base = base_url(request)
    if rest.removeprefix("/items").split("/") == ["", "root", "delta"] and request.method == "GET":
        return JSONResponse(_delta(store, request.query_params.get("token", ""), base))
    if rest == "/root" or rest.startswith("/root:/"):
        one = files.by_path(store, rest.removeprefix("/root").removeprefix(":"))
        return JSONResponse(files.shown(store, one, base))
    found = _ITEM.fullmatch(rest)
    if found is None:
        raise refused(400, "invalidRequest", "Resource not found for the segment")
    one, below = files.require(store, found["id"]), found["rest"]
    if below.startswith(":/"):
        return _at_name(store, request, one, below[2:], body, asked)
    if request.method == "DELETE" and not below:
        if request.headers.get("if-match", "*") not in {"*", files.tag(one)}:
            raise refused(412, "resourceModified", "ETag does not match current item's value")
        FILES.delete(store, one["id"])
        return Response(status_code=204)
    if request.method != "GET":
        raise refused(405, "invalidRequest", "The method is not allowed here")
    if not below:
        return JSONResponse(files.shown(store, one, base))
    return JSONResponse(_listed(store, request, one, below))


def _listed(store: Store, request: Request, one: dict[str, Any], below: str) -> dict[str, Any]:
    """Return children, or the hits of a search below an item, in pages of `$top`."""
    searched = _SEARCH.fullmatch(below)
    if searched:
        # OData writes an apostrophe in a text twice.
        words = searched["words"].replace("''", "'").lower().split()
        start = files.path_of(store, one)
        every = [x for x in FILES.all(store) if f"{files.path_of(store, x)}/".startswith(f"{start}/" * bool(start))]
        inside = [x for x in every if x["id"] != one["id"] and all(word in x["name"].lower() for word in words)]
    elif below == "/children":
        inside = [x for x in FILES.all(store) if x["parent"] == one["id"]]
    else:
        raise refused(400, "invalidRequest", "Resource not found for the segment")
    size, at = int(request.query_params.get("$top", 200)), int(request.query_params.get("$skiptoken", 0))
    base = base_url(request)
    page = {"value": [files.shown(store, x, base) for x in inside[at : at + size]]}
    if at + size >= len(inside):
        return page
    return {**page, "@odata.nextLink": f"{base}{request.url.path}?$top={size}&$skiptoken={at + size}"}


def _at_name(
    store: Store, request: Request, parent: dict[str, Any], rest: str, body: bytes, asked: dict[str, Any]
) -> Response:
    """Serve `/items/{parent}:/{name}`, its `:/content` and its `:/createUploadSession`."""
    name, _, action = rest.partition(":/")
    base = base_url(request)
    if request.method == "GET" and not action:
        found = files.child(store, parent["id"], name)
        return JSONResponse(files.shown(store, files.require(store, found["id"] if found else ""), base))
    if request.method == "PUT" and action == "content":
        _require_fail(request.query_params.get("@microsoft.graph.conflictBehavior"))
        files.require_free(store, parent["id"], name)
        return JSONResponse(files.shown(store, files.put(store, parent["id"], name, body), base), 201)
    if request.method == "POST" and action == "createUploadSession":
        _require_fail((asked.get("item") or {}).get("@microsoft.graph.conflictBehavior"))
        files.require_free(store, parent["id"], name)
        key = FILES.begin(store, parent=parent["id"], name=name)
        return JSONResponse({"uploadUrl": f"{base}/_upload/{key}", "expirationDateTime": "2099-01-01T00:00:00Z"})
    raise refused(400, "invalidRequest", "Resource not found for the segment")


def _require_fail(behaviour: str | None) -> None:
    if behaviour != "fail":
        raise Refused(501, "The stand-in never replaces or renames: conflictBehavior must be fail.")


def _uploaded(store: Store, request: Request, found: dict[str, Any], body: bytes) -> Response:
    """Take a part of a session, answer how much it has, or end it."""
    had = content_of(found)
    expected = {"expirationDateTime": "2099-01-01T00:00:00Z", "nextExpectedRanges": [f"{len(had)}-"]}
    if request.method == "GET":
        return JSONResponse(expected)
    if request.method == "DELETE":
        FILES.end(store, found)
        return Response(status_code=204)
    asked = _CONTENT_RANGE.fullmatch(request.headers.get("content-range", ""))
    if asked is None or int(asked[2]) - int(asked[1]) + 1 != len(body):
        raise refused(400, "invalidRequest", "Content-Range does not match the content")
    if int(asked[1]) != len(had):
        raise refused(416, "invalidRange", "The uploaded fragment has already been received or leaves a gap")
    whole = had + body
    if len(whole) < int(asked[3]):
        if len(body) % _UNIT:
            raise refused(400, "invalidRequest", "Fragments must be multiples of 320 KiB")
        FILES.hold(store, found, whole)
        return JSONResponse({**expected, "nextExpectedRanges": [f"{len(whole)}-"]}, 202)
    # Again, as somebody may have taken the name during the upload.
    files.require_free(store, found["parent"], found["name"])
    FILES.end(store, found)
    made = files.put(store, found["parent"], found["name"], whole)
    return JSONResponse(files.shown(store, made, base_url(request)), 201)


def _delta(store: Store, token: str, base: str) -> dict[str, Any]:
    """Return the items that changed since a token; a token of another time is refused with 410."""
    log, now = FILES.changes(store), FILES.epoch(store)
    begin = len(log) if token == "latest" else 0  # noqa: S105 - Graph's word for now
    if token not in {"", "latest"}:
        epoch, _, at = token.rpartition("-")
        if epoch != now:
            raise Refused(
                410,
                "Resync required. Replace any local items with the server's version.",
                headers={"location": f"{base}/v1.0/me/drive/root/delta"},
                error={"code": "resyncChangesApplyDifferences", "message": "Resync required."},
            )
        begin = int(at)
    # Each item once, as it is now: delta shows the latest state, not each change.
    changed = {one["key"]: FILES.get(store, one["key"]) for one in log[begin:]}
    items = [
        files.shown(store, one, base, in_delta=True) if one else {"id": key, "deleted": {"state": "deleted"}}
        for key, one in changed.items()
    ]
    return {"value": items, "@odata.deltaLink": f"{base}/v1.0/me/drive/root/delta?token={now}-{len(log)}"}


def _page(call: StandInCall) -> str:
    """Return a page with all files."""
    # The first item is the root.
    every = FILES.all(call.store)[1:]
    return files_page("OneDrive", ((files.path_of(call.store, one), one.get("size", "")) for one in every))
