"""The files of the stand-in for OneDrive: items by id, their tags, and their changes."""

from __future__ import annotations

import base64
import hashlib
import mimetypes
import re
from typing import Any
from urllib.parse import quote

from demo.drive import DriveFiles
from demo.microsoft import graph_refused as refused
from demo.store import Store

FILES = DriveFiles("onedrive")
DRIVE = "B4F00D1CAFE5EED0"
ROOT = f"{DRIVE}!101"
# support.microsoft.com, "Restrictions and limitations in OneDrive and SharePoint".
_FORBIDDEN = re.compile(r'["*:<>?/\\|\x00-\x1f]|^\s|[\s.]$|^~\$')


def require(store: Store, item_id: str) -> dict[str, Any]:
    """Return an item, or refuse it as not found."""
    found = FILES.get(store, item_id)
    if found is None:
        raise refused(404, "itemNotFound", "The resource could not be found.")
    return found


def child(store: Store, parent: str, name: str) -> dict[str, Any] | None:
    """Return the item with this name in a folder, or None; case does not matter."""
    inside = (one for one in FILES.all(store) if one["parent"] == parent)
    return next((one for one in inside if one["name"].lower() == name.lower()), None)


def by_path(store: Store, path: str) -> dict[str, Any]:
    """Return the item at a path below the root."""
    one: dict[str, Any] | None = require(store, ROOT)
    for name in filter(None, path.split("/")):
        one = child(store, one["id"], name) if one else None
    return require(store, one["id"] if one else "")


def require_free(store: Store, parent: str, name: str) -> None:
    """Refuse a name that is taken or that OneDrive forbids, or a parent that is not a folder."""
    if not name or _FORBIDDEN.search(name):
        raise refused(400, "invalidRequest", "The provided name cannot contain or begin or end with this character")
    if not require(store, parent)["is_folder"]:
        raise refused(400, "invalidRequest", "The parent is not a folder")
    if child(store, parent, name):
        raise refused(409, "nameAlreadyExists", "An item with the same name already exists under the parent")


def make_folder(store: Store, parent: str, name: str, item_id: str = "") -> dict[str, Any]:
    """Create a folder."""
    return _put(store, {"id": item_id or _new_id(store), "parent": parent, "name": name, "is_folder": True}, None)


def put(store: Store, parent: str, name: str, content: bytes, *, is_remote: bool = False) -> dict[str, Any]:
    """Write a file, as a person may, or a link to a file of another drive; an existing one gets a new tag."""
    there = child(store, parent, name)
    facts: dict[str, Any] = {"hash": _quick_xor(content), **({"is_remote": True} if is_remote else {})}
    item_id = there["id"] if there else _new_id(store)
    return _put(store, {"id": item_id, "parent": parent, "name": name, "is_folder": False, **facts}, content)


def path_of(store: Store, one: dict[str, Any]) -> str:
    """Return the path of an item below the root."""
    names = []
    while one["id"] != ROOT:
        names.append(one["name"])
        one = require(store, one["parent"])
    return "/".join(reversed(names))


def shown(store: Store, one: dict[str, Any], base: str, *, in_delta: bool = False) -> dict[str, Any]:
    """Return an item as Graph does; in changes, without the path of its parent and the address of its content."""
    at = one["at"]
    facts: dict[str, Any] = {
        "id": one["id"],
        "name": one["name"],
        "eTag": f'"{{{one["id"]}}},{one["number"]}"',
        "createdDateTime": at,
        "lastModifiedDateTime": at,
        "webUrl": f"{base}/{quote(path_of(store, one))}",
        "fileSystemInfo": {"createdDateTime": at, "lastModifiedDateTime": at},
    }
    if one["id"] == ROOT:
        facts["root"] = {}
    else:
        parent = quote(path_of(store, require(store, one["parent"])))
        path = {} if in_delta else {"path": f"/drive/root:{'/' + parent if parent else ''}"}
        facts["parentReference"] = {"driveId": DRIVE, "driveType": "personal", "id": one["parent"], **path}
    if one["is_folder"]:
        return {**facts, "size": 0, "folder": {"childCount": sum(x["parent"] == one["id"] for x in FILES.all(store))}}
    kind = mimetypes.guess_type(one["name"])[0] or "application/octet-stream"
    file = {"mimeType": kind, "hashes": {"quickXorHash": one["hash"]}}
    if "is_remote" in one:
        return {**facts, "size": one["size"], "remoteItem": {"id": "ANOTHER!1", "name": one["name"], "file": file}}
    facts |= {"size": one["size"], "cTag": tag(one), "file": file}
    if in_delta:
        return facts
    address = f"{base}/v1.0/me/drive/items/{one['id']}/content?tempauth={key(one)}"
    return {**facts, "@microsoft.graph.downloadUrl": address}


def tag(one: dict[str, Any]) -> str:
    """Return the content tag of a file."""
    return f'"c:{{{one["id"]}}},{one["number"]}"'


def _put(store: Store, one: dict[str, Any], content: bytes | None) -> dict[str, Any]:
    return FILES.put(store, one["id"], one, content)


def key(one: dict[str, Any]) -> str:
    """Return the key in the address of a file's content."""
    return hashlib.sha256(f"{one['id']}.{one['number']}".encode()).hexdigest()


def _new_id(store: Store) -> str:
    return f"{DRIVE}!{101 + store.next_number('onedrive/ids')}"


def _quick_xor(content: bytes) -> str:
    """Return the quickXorHash (https://learn.microsoft.com/onedrive/developer/code-snippets/quickxorhash)."""
    found = 0
    for place, byte in enumerate(content):
        # Each byte is shifted by 11 bits more than the one before it, around a ring of 160 bits.
        moved = byte << (place * 11 % 160)
        found ^= (moved & ((1 << 160) - 1)) | (moved >> 160)
    # The length goes into the last 64 of the 160 bits.
    return base64.b64encode((found ^ (len(content) << 96)).to_bytes(20, "little")).decode()
