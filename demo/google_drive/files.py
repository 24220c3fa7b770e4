"""The files of the stand-in for Google Drive: items by id; several may have the same name in a folder."""

from __future__ import annotations

import base64
import hashlib
import io
import mimetypes
import zipfile
from html import escape
from typing import Any

from demo.drive import DriveFiles, content_of
from demo.gmail.stand_in import ERROR
from demo.service import Refused
from demo.store import Store

FILES, IDS = DriveFiles("google_drive"), "google_drive/ids"
NATIVE = "application/vnd.google-apps."
FOLDER, DOCUMENT, SHEET = f"{NATIVE}folder", f"{NATIVE}document", f"{NATIVE}spreadsheet"
ROOT, SHARED = "0AKdemo-my-drive-9PVA", "0AKdemo-marketing-9PVA"
EXPORT_MOST = 10 * 1024 * 1024
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# Key and value together: https://developers.google.com/workspace/drive/api/guides/properties
_MARK_BYTES = 124


def refused(status: int, reason: str, message: str) -> Refused:
    """Return an error with a reason, as Google writes it."""
    error = ERROR(status, message)["error"]
    return Refused(status, message, error={**error, "errors": [{**error["errors"][0], "reason": reason}]})


def require(store: Store, item_id: str, *, all_drives: bool) -> dict[str, Any]:
    """Return an item; clients without support for shared drives (`all_drives`) do not find the items in one."""
    found = FILES.get(store, ROOT if item_id == "root" else item_id)
    if found is None or (found["drive"] and not all_drives):
        raise refused(404, "notFound", f"File not found: {item_id}.")
    return found


def new_id(store: Store) -> str:
    """Return an id that a file can be created with."""
    digest = hashlib.sha256(str(store.next_number(IDS)).encode()).digest()
    made = f"1{base64.urlsafe_b64encode(digest).decode()[:32]}"
    store.put(IDS, made, {"id": made})
    return made


def create(store: Store, given: dict[str, Any], content: bytes | None) -> dict[str, Any]:
    """Create a file as `files.create` does, or a folder or document without content."""
    item_id = given.get("id") or new_id(store)
    if FILES.get(store, item_id) is not None:
        raise refused(409, "fileIdInUse", "A file already exists with the provided ID.")
    # Drive takes only ids that generateIds has issued.
    if store.get(IDS, item_id) is None:
        raise refused(400, "invalid", "The provided file ID is not usable.")
    parent = require(store, (given.get("parents") or [ROOT])[0], all_drives=True)
    if parent["mimeType"] != FOLDER:
        raise refused(403, "parentNotAFolder", "The specified parent is not a folder.")
    marks = given.get("appProperties") or {}
    if any(len(f"{key}{value}".encode()) > _MARK_BYTES for key, value in marks.items()):
        raise refused(400, "invalid", "Properties and app properties are limited to 124 bytes.")
    name = str(given.get("name") or "Untitled")
    kind = given.get("mimeType") or mimetypes.guess_type(name)[0] or "application/octet-stream"
    made = {"id": item_id, "name": name, "parent": parent["id"], "mimeType": kind, "drive": parent["drive"]}
    return put(store, {**made, "marks": marks, "trashed": False, "target": given.get("target", "")}, content)


def put(store: Store, one: dict[str, Any], content: bytes | None) -> dict[str, Any]:
    """Store an item with new content, or None for a folder or a shortcut."""
    hashed = {} if content is None else {"md5": hashlib.md5(content, usedforsecurity=False).hexdigest()}
    return FILES.put(store, one["id"], {**one, **hashed}, content)


def shown(one: dict[str, Any], base: str) -> dict[str, Any]:
    """Return an item as Drive does with all members that a mask may name."""
    kind = one["mimeType"].removeprefix(NATIVE) if one["mimeType"].startswith(NATIVE) else "file"
    facts: dict[str, Any] = {
        "kind": "drive#file",
        "id": one["id"],
        "name": one["name"],
        "mimeType": one["mimeType"],
        "trashed": one["trashed"],
        "createdTime": one["created"],
        "modifiedTime": one["at"],
        "webViewLink": f"{base}/{kind}/d/{one['id']}/view",
        "appProperties": one["marks"],
    }
    if one["parent"]:
        facts["parents"] = [one["parent"]]
    if one["drive"]:
        facts["driveId"] = one["drive"]
    if one["target"]:
        facts["shortcutDetails"] = {"targetId": one["target"], "targetMimeType": "text/plain"}
    if "size" in one and kind == "file":
        # ProtoJSON writes 64-bit numbers as texts (https://protobuf.dev/programming-guides/json/).
        facts |= {"size": str(one["size"]), "md5Checksum": one["md5"], "headRevisionId": f"0B{one['number']:030d}"}
    return facts


def exported(one: dict[str, Any], media_type: str) -> bytes:
    """Return one of Google's own documents in another form."""
    text = content_of(one)
    if len(text) > EXPORT_MOST:
        raise refused(403, "exportSizeLimitExceeded", "This file is too large to be exported.")
    if one["mimeType"] == DOCUMENT and media_type == "text/markdown":
        return text
    if one["mimeType"] == SHEET and media_type == _XLSX:
        return _workbook(text.decode())
    if one["mimeType"].startswith(NATIVE) and media_type == "application/pdf":
        return b"%PDF-1.4\n% " + text + b"\n%%EOF\n"
    if not one["mimeType"].startswith(NATIVE):
        raise refused(403, "fileNotExportable", "Export only supports Docs Editors files.")
    raise refused(400, "badRequest", "The requested conversion is not supported.")


def _workbook(text: str) -> bytes:
    """Return a workbook with these lines as rows (ECMA-376, part 1, 12.2)."""
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    rows = "".join(f"<row>{''.join(map(_cell, line.split(',')))}</row>" for line in text.splitlines())
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
        f'<Override PartName="/xl/sheet.xml" ContentType="{kind}.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="a" Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="a" Type="{office}/worksheet" Target="sheet.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook {main} xmlns:r="{office}">'
        '<sheets><sheet name="Sheet" sheetId="1" r:id="a"/></sheets></workbook>',
        "xl/sheet.xml": f"<worksheet {main}><sheetData>{rows}</sheetData></worksheet>",
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


def _cell(value: str) -> str:
    return f'<c t="inlineStr"><is><t>{escape(value)}</t></is></c>'
