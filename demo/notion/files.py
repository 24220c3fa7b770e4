"""Uploads of files: one is made, its bytes are sent, and a block shows it."""

from __future__ import annotations

import mimetypes
from typing import Any
from urllib.parse import quote

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from demo.call import StandInCall, StandInReply, Table
from demo.notion.call import Record, as_id, author, invalid, new_id, not_found, now, shown_time
from demo.notion.tree import FILE_TYPES
from demo.service import Refused, base_url
from demo.store import Store

# Larger files need several parts: https://developers.notion.com/docs/working-with-files-and-media
MOST_BYTES = 20 * 1024 * 1024
_KIND = "notion/files"


def _shown(store: Store, base: str, record: Record) -> Record:
    return {
        "object": "file_upload",
        **{key: record[key] for key in ("id", "status", "filename", "content_type", "content_length")},
        **{key: shown_time(record[key]) for key in ("created_time", "last_edited_time")},
        "created_by": {"id": author(store)["id"], "type": "bot"},
        "expiry_time": None if record["status"] == "attached" else "2099-01-01T00:00:00.000Z",
        "upload_url": f"{base}/v1/file_uploads/{record['id']}/send",
        **dict.fromkeys(("archived", "in_trash"), False),
    }


def _found(store: Store, some_id: str) -> Record:
    found = store.get(_KIND, as_id(some_id, "path.file_upload_id"))
    if found is None:
        raise not_found("file upload", some_id)
    return found


def create(call: StandInCall) -> StandInReply:
    """POST /v1/file_uploads: a single part, whose name has an ending that fits its type."""
    if call.body.get("mode", "single_part") != "single_part":
        raise invalid("body failed validation: body.mode should be `single_part`: the demo takes one part.")
    name = str(call.body.get("filename") or "")
    kind = call.body.get("content_type") or mimetypes.guess_type(name)[0]
    # 900 bytes: https://developers.notion.com/reference/create-a-file-upload
    if not name or len(name.encode()) > 900 or not kind:
        raise invalid("body failed validation: body.filename should have an extension of a supported type.")
    moment, some_id = now(), new_id()
    times = {"created_time": moment, "last_edited_time": moment}
    record = {"id": some_id, "filename": name, "content_type": kind, "content_length": None, "status": "pending"}
    call.store.put(_KIND, some_id, {**record, **times})
    return StandInReply(_shown(call.store, call.base, _found(call.store, some_id)))


def get(call: StandInCall) -> StandInReply:
    """GET /v1/file_uploads/{id}."""
    return StandInReply(_shown(call.store, call.base, _found(call.store, call.part("id"))))


def attached(store: Store, given: Any) -> None:
    """Check that the files which new blocks show were uploaded, and mark them; raises Refused 400."""
    for each in given if isinstance(given, list) else []:
        kind = next((key for key in FILE_TYPES if isinstance(each, dict) and key in each), "")
        upload = (each[kind].get("file_upload") or {}).get("id") if kind else None
        if upload:
            record = _found(store, upload)
            if record["status"] == "pending":
                raise invalid("body failed validation: the file upload has not been completed.")
            store.put(_KIND, record["id"], {**record, "status": "attached"})


def shown(store: Store, content: Record, base: str) -> Record:
    """Return a block's content, with a URL instead of the id of an uploaded file."""
    upload = (content.get("file_upload") or {}).get("id")
    if not upload:
        return content
    url = f"{base}/files/{upload}/{quote(_found(store, upload)['filename'])}"
    left = {key: value for key, value in content.items() if key != "file_upload"}
    return {**left, "type": "file", "file": {"url": url, "expiry_time": "2099-01-01T00:00:00.000Z"}}


def route(store: Store) -> Route:
    """Return `POST /v1/file_uploads/{id}/send`, which takes a form instead of JSON."""

    async def send(request: Request) -> Response:
        async with request.form() as form:
            file = form.get("file")
            if not isinstance(file, UploadFile):
                raise Refused(400, "body failed validation: body.file should be defined.")
            content = await file.read()
        record = _found(store, str(request.path_params["id"]))
        if record["status"] != "pending" or file.content_type != record["content_type"] or len(content) > MOST_BYTES:
            raise Refused(400, "The file does not fit the file upload: its state, its type or its size.")
        told = {"status": "uploaded", "content_length": len(content), "last_edited_time": now()}
        with store.transaction():
            store.put(_KIND, record["id"], {**record, **told})
        return JSONResponse(_shown(store, base_url(request), {**record, **told}))

    return Route("/v1/file_uploads/{id}/send", send, methods=["POST"])


TABLE: Table = (("POST", "/v1/file_uploads", create), ("GET", "/v1/file_uploads/{id}", get))
