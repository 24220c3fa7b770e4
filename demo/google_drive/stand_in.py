"""The stand-in for the Google Drive API: files, folders, a shared drive, uploads, and Google's sign-in."""

from __future__ import annotations

import json
import re
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from demo.call import StandInCall, StandInReply, api_routes, page_routes
from demo.drive import FOLDERS, SAMPLES, content_of, file_answer, files_page
from demo.gmail import grants, oauth
from demo.gmail.stand_in import ERROR as GOOGLE_ERROR
from demo.google_drive import files
from demo.google_drive.files import FILES, refused
from demo.google_drive.queries import masked, parsed
from demo.page import escaped, frame
from demo.service import PublicRoute, base_url
from demo.store import Store

TOKEN = "demo-google-drive-token"  # noqa: S105 - the stand-in's, no secret
ERROR = GOOGLE_ERROR
_SCOPE = "https://www.googleapis.com/auth/drive"
# https://developers.google.com/workspace/drive/api/guides/manage-uploads#resumable
_UNIT = 256 * 1024
_CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+)")
_UPLOAD = "/upload/drive/v3/files"
_SAMPLES = SAMPLES | {
    "Reports/Meeting notes": "# Meeting\n\n- Ada writes the *offer*\n",
    "Reports/Budget": "Item,Amount\nHosting,49\n",
    "Marketing/Brand guide.txt": "The logo is green.\n",
}
_KINDS = {"Meeting notes": files.DOCUMENT, "Budget": files.SHEET}


def refusal(store: Store, token: str, method: str) -> tuple[int, str] | None:
    """Return why a token from the sign-in is insufficient, or None if it is sufficient."""
    return grants.refusal(store, token, method, {_SCOPE}, {_SCOPE, f"{_SCOPE}.readonly"})


def seed(store: Store) -> None:
    """Create folders, files, two of Google's own documents, and a shared drive."""
    bare = {"mimeType": files.FOLDER, "parent": "", "marks": {}, "trashed": False, "target": ""}
    files.put(store, {**bare, "id": files.ROOT, "name": "My Drive", "drive": ""}, None)
    files.put(store, {**bare, "id": files.SHARED, "name": "Drive", "drive": files.SHARED}, None)
    places = {"": files.ROOT, "Marketing": files.SHARED}
    for name in FOLDERS:
        places[name] = files.create(store, {"name": name, "mimeType": files.FOLDER}, None)["id"]
    for path, text in _SAMPLES.items():
        folder, _, name = path.rpartition("/")
        given = {"name": name, "parents": [places[folder]], "mimeType": _KINDS.get(name)}
        files.create(store, given, text.encode())


def show(store: Store) -> dict[str, Any]:
    """Return the files that are not in the trash."""
    return {"files": [files.shown(one, "") for one in FILES.all(store) if not one["trashed"]]}


def routes(store: Store) -> list[Route]:
    """Return the API, uploads, the sign-in, a control and a page."""

    async def content(request: Request) -> Response:
        one = _required(store, request)
        if request.query_params.get("alt") != "media":
            return JSONResponse(_answer(request, files.shown(one, base_url(request)), "kind,id,name,mimeType"))
        if "size" not in one or one["mimeType"].startswith(files.NATIVE):
            message = "Only files with binary content can be downloaded. Use Export with Docs Editors files."
            raise refused(403, "fileNotDownloadable", message)
        return file_answer(request, one, {})

    async def export(request: Request) -> Response:
        one = files.require(store, request.path_params["id"], all_drives=True)
        kind = request.query_params.get("mimeType", "")
        return Response(files.exported(one, kind), media_type="application/octet-stream")

    rows = [
        ("GET", "/drive/v3/about", _about),
        ("GET", "/drive/v3/drives", _drives),
        ("GET", "/drive/v3/drives/{id}", lambda call: StandInReply(_drive())),
        ("GET", "/drive/v3/files/generateIds", _ids),
        ("GET", "/drive/v3/files", _list),
        ("PATCH", "/drive/v3/files/{id}", _update),
    ]
    return [
        *api_routes(store, rows, dict),
        Route("/drive/v3/files/{id}", content, methods=["GET"]),
        Route("/drive/v3/files/{id}/export", export, methods=["GET"]),
        *_uploads(store),
        *oauth.routes(store),
        FILES.control(store, lambda given: _write(store, given)),
        *page_routes(store, [("/", _page), ("/{kind}/d/{id}/view", _file_page)]),
    ]


def _uploads(store: Store) -> list[Route]:
    async def upload(request: Request) -> Response:
        body = await request.body()
        with store.transaction():
            return _uploaded(store, request, body)

    async def session(request: Request) -> Response:
        body = await request.body()
        with store.transaction():
            return _continued(store, request, body)

    return [Route(_UPLOAD, upload, methods=["POST"]), PublicRoute(_UPLOAD, session, methods=["PUT"])]


def _write(store: Store, given: dict[str, Any]) -> dict[str, Any]:
    """Create a file (`name`, `parents`, `text`, `mimeType`), or give the file with an `id` a new text."""
    text = str(given.pop("text", "")).encode()
    one = FILES.get(store, given.get("id", ""))
    return {"id": (files.put(store, one, text) if one else files.create(store, given, text))["id"]}


def _required(store: Store, request: Request) -> dict[str, Any]:
    return files.require(store, request.path_params["id"], all_drives=_is_true(request, "supportsAllDrives"))


def _is_true(request: Request, name: str) -> bool:
    return request.query_params.get(name) == "true"


def _answer(request: Request, whole: dict[str, Any], usual: str) -> dict[str, Any]:
    """Return the members that the request asks for; Drive itself gives few unless it is asked."""
    found: dict[str, Any] = masked(whole, request.query_params.get("fields", usual))
    return found


def _about(call: StandInCall) -> StandInReply:
    if not call.query("fields"):
        # https://developers.google.com/workspace/drive/api/reference/rest/v3/about/get
        raise refused(400, "required", "The 'fields' parameter is required for this method.")
    user = {"kind": "drive#user", "displayName": "Ada Lind", "me": True, "permissionId": "0717"}
    user["emailAddress"] = f"demo-{call.store.generation}@example.com"
    return StandInReply(_answer(call.request, {"kind": "drive#about", "user": user}, ""))


def _drive() -> dict[str, Any]:
    return {"kind": "drive#drive", "id": files.SHARED, "name": "Marketing"}


def _drives(call: StandInCall) -> StandInReply:
    return StandInReply(_answer(call.request, {"kind": "drive#driveList", "drives": [_drive()]}, "kind,drives"))


def _ids(call: StandInCall) -> StandInReply:
    with call.store.transaction():
        ids = [files.new_id(call.store) for _ in range(int(call.query("count", "10")))]
    return StandInReply({"kind": "drive#generatedIds", "space": "drive", "ids": ids})


def _list(call: StandInCall) -> StandInReply:
    request, fits = call.request, parsed(call.query("q", "trashed = false"))
    all_drives = _is_true(request, "supportsAllDrives") and _is_true(request, "includeItemsFromAllDrives")
    if call.query("corpora") == "drive" and not (all_drives and call.query("driveId")):
        raise refused(403, "teamDriveIdRequired", "The driveId parameter is required if corpora is set to drive.")
    every = [one for one in FILES.all(call.store) if one["parent"] and (all_drives or not one["drive"])]
    found = [one for one in every if fits(one) and one["drive"] == call.query("driveId", one["drive"])]
    if call.query("orderBy") == "name":
        found.sort(key=lambda one: one["name"].lower())
    size, at = int(call.query("pageSize", "100")), int(call.query("pageToken", "0"))
    page = {"kind": "drive#fileList", "incompleteSearch": False}
    shown = [files.shown(one, call.base) for one in found[at : at + size]]
    more = {"nextPageToken": str(at + size)} if at + size < len(found) else {}
    usual = "kind,incompleteSearch,files(kind,id,name,mimeType)"
    return StandInReply(_answer(request, {**page, **more, "files": shown}, usual))


def _update(call: StandInCall) -> StandInReply:
    one = _required(call.store, call.request)
    if set(call.body) - {"trashed", "name"}:
        raise refused(400, "badRequest", "The stand-in can only move to the trash and rename.")
    changed = {**one, **call.body}
    call.store.put("google_drive/files", one["id"], changed)
    return StandInReply(_answer(call.request, files.shown(changed, call.base), "kind,id,name,mimeType"))


def _uploaded(store: Store, request: Request, body: bytes) -> Response:
    """Make a file of one request, or begin a session."""
    kind = request.query_params.get("uploadType")
    if kind == "resumable":
        given = json.loads(body or b"{}")
        if not _is_true(request, "supportsAllDrives"):
            files.require(store, (given.get("parents") or ["root"])[0], all_drives=False)
        fields = request.query_params.get("fields", "kind,id,name,mimeType")
        key = FILES.begin(store, given=given, fields=fields)
        return Response(headers={"location": f"{base_url(request)}{_UPLOAD}?uploadType=resumable&upload_id={key}"})
    if kind != "multipart":
        raise refused(400, "badRequest", "The stand-in takes multipart and resumable uploads.")
    boundary = request.headers.get("content-type", "").partition("boundary=")[2].encode()
    parts = body.split(b"--" + boundary)
    if not boundary or len(parts) != 4:
        raise refused(400, "parseError", "Missing end boundary in multipart body.")
    metadata, content = (part.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n") for part in parts[1:3])
    made = files.create(store, json.loads(metadata), content)
    return JSONResponse(_answer(request, files.shown(made, base_url(request)), "kind,id,name,mimeType"))


def _continued(store: Store, request: Request, body: bytes) -> Response:
    """Take a part of a session, or answer how much it has."""
    found = FILES.session(store, request.query_params.get("upload_id", ""))
    asked = _CONTENT_RANGE.fullmatch(request.headers.get("content-range", ""))
    if found is None:
        raise refused(404, "notFound", "The upload session was not found or has expired.")
    if asked is None or (asked[1] and int(asked[2]) - int(asked[1]) + 1 != len(body)):
        raise refused(400, "badContent", "Failed to parse Content-Range header.")
    # The answer to the last part may have been lost, and the client asks again: the file must not be made twice.
    if "made" in found:
        return _made(store, request, found)
    had = content_of(found)
    if not asked[1] or int(asked[1]) != len(had):
        return _waiting(had)
    whole = had + body
    if len(whole) < int(asked[3]):
        if len(body) % _UNIT:
            raise refused(400, "badContent", "Parts must be multiples of 256 KiB.")
        FILES.hold(store, found, whole)
        return _waiting(whole)
    made = files.create(store, found["given"], whole)
    done = {**found, "made": made["id"]}
    FILES.hold(store, done, b"")
    return _made(store, request, done)


def _waiting(had: bytes) -> Response:
    # Google's 308 means "go on"; in RFC 9110, it is a permanent redirect. Without bytes there is no Range.
    return Response(status_code=308, headers={"range": f"bytes=0-{len(had) - 1}"} if had else {})


def _made(store: Store, request: Request, found: dict[str, Any]) -> Response:
    one = files.require(store, found["made"], all_drives=True)
    return JSONResponse(masked(files.shown(one, base_url(request)), found["fields"]))


def _page(call: StandInCall) -> str:
    """Return a page with all files."""
    every = [one for one in FILES.all(call.store) if not one["trashed"] and one["mimeType"] != files.FOLDER]
    return files_page("Google Drive", ((one["name"], one.get("size", "")) for one in every))


def _file_page(call: StandInCall) -> str:
    """Return the page behind a file's link: a file's text, or the names in a folder."""
    one = files.require(call.store, call.part("id"), all_drives=True)
    names = [each["name"] for each in FILES.all(call.store) if each["parent"] == one["id"] and not each["trashed"]]
    text = "\n".join(sorted(names)) or content_of(one).decode("utf-8", "replace")
    return frame(one["name"], f"<h1>{escaped(one['name'])}</h1><pre>{escaped(text)}</pre>", "Google Drive")
