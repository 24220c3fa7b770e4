"""Dropbox's HTTP API v2 as far as steps use it (https://www.dropbox.com/developers/documentation/http)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from demo.call import StandInCall, page_routes
from demo.drive import FOLDERS, SAMPLES, content_of, file_answer, files_page
from demo.dropbox import files
from demo.dropbox.files import FILES, refused
from demo.oauth import Grants
from demo.service import Refused, json_object
from demo.store import Store

TOKEN = "sl.demo-dropbox-token"  # noqa: S105 - the same for everybody, good for loopback only
GRANTS = Grants(
    "dropbox",
    # Four hours, as at Dropbox.
    token_seconds=14_400,
    is_registered=lambda address: address == "http://127.0.0.1:53683/",
    is_offline=lambda asked: asked.get("token_access_type") == "offline",
)
ACCOUNT = {"account_id": "dbid:AAH4f99T0taONIb-OurWxbNQ6ywGRopQngc", "email": "ada@example.com"}
_SUMMARIES = {401: "invalid_access_token", 429: "too_many_requests", 500: "internal_error"}
Handler = Callable[[Store, dict[str, Any]], Any]


def ERROR(status: int, message: str) -> dict[str, Any]:  # noqa: N802 - the name the stand-ins share
    """Return an error as Dropbox writes it."""
    tag = _SUMMARIES.get(status, "other")
    # A 429 has its tag one level deeper than the other errors.
    inner: dict[str, Any] = {"reason": {".tag": tag}, "retry_after": 1} if status == 429 else {".tag": tag}
    return {"error_summary": f"{tag}/{message[:60]}", "error": inner}


def refusal(store: Store, token: str, method: str) -> tuple[int, str] | None:
    """Return why a token is refused, or None if the sign-in has issued it."""
    del method
    return (401, "expired or unknown") if GRANTS.scopes_of(store, token) is None else None


def seed(store: Store) -> None:
    """Create three folders and some files."""
    for folder in FOLDERS:
        files.make_folder(store, f"/{folder}")
    for path, text in SAMPLES.items():
        files.put(store, f"/{path}", text.encode())


def show(store: Store) -> dict[str, Any]:
    """Return the entries."""
    return {"entries": [files.shown(one) for one in FILES.all(store)]}


def routes(store: Store) -> list[Route]:
    """Return the API, the sign-in, controls for tests and a page."""

    async def rpc(request: Request) -> Response:
        scope, handler = _RPC.get(request.path_params["method"], ("", None))
        if handler is None:
            raise Refused(400, "Unknown API function")
        _require_scope(store, request, scope)
        asked = await json_object(request)
        with store.transaction():
            return JSONResponse(handler(store, asked))

    async def download(request: Request) -> Response:
        _require_scope(store, request, "files.content.read")
        one = files.require(store, _argument(request)["path"], "path")
        if one["is_folder"]:
            raise refused("path", "not_file")
        # The answer's body is the file, so its metadata is in a header.
        told = {"dropbox-api-result": json.dumps(files.shown(one)), "etag": f'W/"{one["rev"]}"'}
        return file_answer(request, one, told)

    def by_hand(given: dict[str, Any]) -> dict[str, Any]:
        return files.shown(files.put(store, given["path"], given["text"].encode()))

    return [
        *GRANTS.routes(store, "/oauth2/authorize", "/oauth2/token"),
        FILES.control(store, by_hand),
        Route("/2/files/download", download, methods=["GET", "POST"]),
        *_uploads(store),
        Route("/2/{method:path}", rpc, methods=["POST"]),
        *page_routes(store, [("/", _page)]),
    ]


def _uploads(store: Store) -> list[Route]:
    async def content(request: Request) -> Response:
        name = request.path_params["method"]
        scope, handler = _UPLOADS.get(name, ("", None))
        if handler is None:
            raise Refused(400, "Unknown API function")
        _require_scope(store, request, scope)
        # HTTP clients may add a type of their own, which Dropbox refuses in these words.
        if request.headers.get("content-type") != "application/octet-stream":
            raise Refused(400, 'Bad HTTP "Content-Type" header: expecting application/octet-stream')
        body = await request.body()
        with store.transaction():
            return JSONResponse(handler(store, _argument(request), body))

    return [
        Route("/2/files/upload", _named(content, "upload"), methods=["POST"]),
        Route("/2/files/upload_session/{method}", content, methods=["POST"]),
    ]


def _named(endpoint: Callable[[Request], Any], method: str) -> Callable[[Request], Any]:
    async def named(request: Request) -> Response:
        # A plain upload shares the handler of upload sessions, but its path does not name the method.
        request.scope["path_params"] = {"method": method}
        answer: Response = await endpoint(request)
        return answer

    return named


def _require_scope(store: Store, request: Request, scope: str) -> None:
    token = request.headers.get("authorization", "").partition(" ")[2].strip()
    granted = GRANTS.scopes_of(store, token)
    if granted is not None and scope not in granted:
        inner = {".tag": "missing_scope", "required_scope": scope}
        raise Refused(401, scope, error_summary="missing_scope/..", error=inner)


def _argument(request: Request) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(request.headers.get("dropbox-api-arg", ""))
    except ValueError as error:
        raise Refused(400, 'Bad HTTP "Dropbox-API-Arg" header: could not decode input as JSON') from error
    return found


def _whoami(_: Store, __: dict[str, Any]) -> dict[str, Any]:
    return {**ACCOUNT, "email_verified": True, "name": {"display_name": "Ada Lind"}, "account_type": {".tag": "basic"}}


def _folder(store: Store, place: str) -> str:
    """Return the path of a folder. Dropbox refuses "/" for the root."""
    if not place:
        return ""
    one = files.require(store, place, "path")
    if not one["is_folder"]:
        raise refused("path", "not_folder")
    return str(one["path"])


def _list(store: Store, asked: dict[str, Any]) -> dict[str, Any]:
    path = _folder(store, asked["path"])
    return _page_of(store, path, bool(asked.get("recursive")), "", int(asked.get("limit", 500)))


def _page_of(store: Store, path: str, is_recursive: bool, after: str, limit: int) -> dict[str, Any]:  # noqa: FBT001
    inside = [one for one in FILES.all(store) if files.is_in(one["path"], path, is_recursive=is_recursive)]
    inside = sorted((one for one in inside if one["id"] > after), key=lambda one: one["id"])
    page, rest = inside[:limit], inside[limit:]
    at = files.cursor(store, path, is_recursive=is_recursive, after=page[-1]["id"] if rest else "")
    return {"entries": [files.shown(one) for one in page], "cursor": at, "has_more": bool(rest)}


def _latest(store: Store, asked: dict[str, Any]) -> dict[str, Any]:
    path = _folder(store, asked["path"])
    return {"cursor": files.cursor(store, path, is_recursive=bool(asked.get("recursive")))}


def _continue(store: Store, asked: dict[str, Any]) -> dict[str, Any]:
    state = files.opened(store, asked["cursor"])
    if state["after"]:
        return _page_of(store, state["path"], state["recursive"], state["after"], 500)
    path, is_recursive = state["path"], state["recursive"]
    changed = FILES.changes(store)[state["at"] :]
    inside = [files.shown(one) for one in changed if files.is_in(one["path"], path, is_recursive=is_recursive)]
    return {"entries": inside, "cursor": files.cursor(store, path, is_recursive=is_recursive), "has_more": False}


def _search(store: Store, asked: dict[str, Any]) -> dict[str, Any]:
    return _matches(store, asked, 0)


def _search_on(store: Store, asked: dict[str, Any]) -> dict[str, Any]:
    state = json.loads(asked["cursor"])
    return _matches(store, state["asked"], state["at"])


def _matches(store: Store, asked: dict[str, Any], at: int) -> dict[str, Any]:
    """Return a page of files and folders; the cursor is where the next one begins."""
    options = asked.get("options") or {}
    path, words = _folder(store, options.get("path", "")), asked["query"].lower().split()
    matches = [
        {"metadata": {".tag": "metadata", "metadata": files.shown(one)}, "match_type": {".tag": "filename"}}
        for one in FILES.all(store)
        if files.is_in(one["path"], path, is_recursive=True)
        and all(word in one["path"].rpartition("/")[2].lower() for word in words)
    ]
    end = at + options.get("max_results", 100)
    cursor = json.dumps({"asked": asked, "at": end})
    return {"matches": matches[at:end], "has_more": end < len(matches), "cursor": cursor}


def _metadata(store: Store, asked: dict[str, Any]) -> dict[str, Any]:
    # The root has no metadata at Dropbox, which refuses with a plain-text 400, not with tags.
    if not asked["path"]:
        raise Refused(400, 'Error in call to API function "files/get_metadata": the root folder is unsupported.')
    return files.shown(files.require(store, asked["path"], "path"))


def _delete(store: Store, asked: dict[str, Any]) -> dict[str, Any]:
    one = files.require(store, asked["path"], "path_lookup")
    if asked.get("parent_rev") not in {None, one.get("rev")}:
        raise refused("path_write", "conflict", "file")
    FILES.delete(store, one["id"])
    return {"metadata": files.shown(one)}


def _upload(store: Store, asked: dict[str, Any], body: bytes) -> dict[str, Any]:
    # An upload answers with FileMetadata, not with the union Metadata, so no `.tag` says that it is a file.
    return {key: value for key, value in files.shown(_committed(store, asked, body)).items() if key != ".tag"}


def _committed(store: Store, commit: dict[str, Any], body: bytes) -> dict[str, Any]:
    if (commit.get("mode"), commit.get("autorename"), commit.get("strict_conflict")) != ("add", False, True):
        raise Refused(501, "The stand-in adds files only, and never renames them.")
    return files.add(store, commit["path"], body)


def _start(store: Store, asked: dict[str, Any], body: bytes) -> dict[str, Any]:
    key = FILES.begin(store, closed=asked.get("close"))
    FILES.hold(store, {"id": key}, body)
    return {"session_id": key}


def _session(store: Store, asked: dict[str, Any], *tags: str) -> tuple[dict[str, Any], bytes]:
    """Return a session and its bytes; a wrong offset is refused with the correct one."""
    found = FILES.session(store, asked["cursor"]["session_id"])
    if found is None:
        raise refused(*tags, "not_found")
    had = content_of(found)
    if asked["cursor"]["offset"] != len(had):
        raise refused(*tags, "incorrect_offset", correct_offset=len(had))
    return found, had


def _append(store: Store, asked: dict[str, Any], body: bytes) -> None:
    found, had = _session(store, asked)
    FILES.hold(store, found, had + body)


def _finish(store: Store, asked: dict[str, Any], body: bytes) -> dict[str, Any]:
    found, had = _session(store, asked, "lookup_failed")
    made = _upload(store, asked["commit"], had + body)
    FILES.end(store, found)
    return made


_METADATA_READ = "files.metadata.read"
_RPC: dict[str, tuple[str, Handler]] = {
    "users/get_current_account": ("account_info.read", _whoami),
    "files/list_folder": (_METADATA_READ, _list),
    "files/list_folder/continue": (_METADATA_READ, _continue),
    "files/list_folder/get_latest_cursor": (_METADATA_READ, _latest),
    "files/search_v2": (_METADATA_READ, _search),
    "files/search/continue_v2": (_METADATA_READ, _search_on),
    "files/get_metadata": (_METADATA_READ, _metadata),
    "files/delete_v2": ("files.content.write", _delete),
}
_UPLOADS: dict[str, tuple[str, Callable[[Store, dict[str, Any], bytes], Any]]] = {
    "upload": ("files.content.write", _upload),
    "start": ("files.content.write", _start),
    "append_v2": ("files.content.write", _append),
    "finish": ("files.content.write", _finish),
}


def _page(call: StandInCall) -> str:
    """Return a page with all files."""
    return files_page("Dropbox", ((one["path"], one.get("size", "")) for one in FILES.all(call.store)))
