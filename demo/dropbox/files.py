"""The files of the stand-in for Dropbox: paths without regard to case, revisions, and changes."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from demo.drive import DriveFiles
from demo.service import Refused
from demo.store import Store

FILES = DriveFiles("dropbox")
# `content_hash` hashes the hashes of 4 MiB blocks (https://www.dropbox.com/developers/reference/content-hash).
_BLOCK = 4 * 1024 * 1024


def refused(*tags: str, **more: Any) -> Refused:
    """Return the 409 with these tags, the outermost first."""
    inner: dict[str, Any] = {".tag": tags[-1], **more}
    for tag in reversed(tags[:-1]):
        inner = {".tag": tag, tag: inner}
    return Refused(409, "/".join(tags), error_summary=f"{'/'.join(tags)}/..", error=inner)


def found(store: Store, place: str) -> dict[str, Any] | None:
    """Return the entry of a path, an id or a revision."""
    if place.startswith("id:"):
        return FILES.get(store, place)
    every = FILES.all(store)
    if place.startswith("rev:"):
        return next((one for one in every if one.get("rev") == place[4:]), None)
    return next((one for one in every if one["path"].lower() == place.lower()), None)


def require(store: Store, place: str, *tags: str) -> dict[str, Any]:
    """Return an entry, or refuse it with these tags, followed by `not_found`."""
    # The root is "", never "/", and all other paths begin with a slash.
    if place and not place.startswith(("/", "id:", "rev:")):
        raise refused(*tags, "malformed_path")
    one = found(store, place)
    if one is None:
        raise refused(*tags, "not_found")
    return one


def make_folder(store: Store, path: str) -> None:
    """Create a folder."""
    item_id = _new_id(store)
    FILES.put(store, item_id, {"id": item_id, "path": path, "is_folder": True})


def add(store: Store, path: str, content: bytes) -> dict[str, Any]:
    """Add a file with `mode=add`, `autorename=false` and `strict_conflict=true`: anything there is a conflict."""
    name = path.rpartition("/")[2]
    if not path.startswith("/") or not name or "\\" in path or "//" in path or name in {".", ".."}:
        raise refused("path", "malformed_path")
    there = found(store, path)
    if there is not None:
        raise refused("path", "conflict", "folder" if there["is_folder"] else "file")
    parent = path.rpartition("/")[0]
    if parent and found(store, parent) is None:  # Dropbox makes missing folders
        make_folder(store, parent)
    return put(store, path, content)


def put(store: Store, path: str, content: bytes) -> dict[str, Any]:
    """Write a file, as a person may; an existing one gets a new revision."""
    there = found(store, path)
    blocks = (hashlib.sha256(content[at : at + _BLOCK]).digest() for at in range(0, len(content), _BLOCK))
    item_id = there["id"] if there else _new_id(store)
    # At least 9 hexadecimal digits, as Dropbox's type `rev` demands.
    rev = f"0{store.next_number('dropbox/revs') + 0x15000000000000:x}"
    facts = {"id": item_id, "path": path, "is_folder": False, "rev": rev}
    facts["content_hash"] = hashlib.sha256(b"".join(blocks)).hexdigest()
    return FILES.put(store, item_id, facts, content)


def shown(one: dict[str, Any]) -> dict[str, Any]:
    """Return an entry, or the remains of a deleted one, as Dropbox does."""
    path = one["path"]
    names = {"name": path.rpartition("/")[2], "path_lower": path.lower(), "path_display": path}
    if one.get("is_deleted"):
        return {".tag": "deleted", **names}
    if one["is_folder"]:
        return {".tag": "folder", "id": one["id"], **names}
    at = f"{one['at'][:19]}Z"
    more = {name: one[name] for name in ("size", "rev", "content_hash")}
    return {".tag": "file", "id": one["id"], **names, **more, "server_modified": at, "client_modified": at}


def cursor(store: Store, path: str, *, is_recursive: bool, after: str = "") -> str:
    """Return a cursor at the end of the log; `after`: where a listing in pages goes on."""
    at, epoch = len(FILES.changes(store)), FILES.epoch(store)
    state = {"path": path, "recursive": is_recursive, "at": at, "after": after, "epoch": epoch}
    return base64.urlsafe_b64encode(json.dumps(state).encode()).decode()


def opened(store: Store, text: str) -> dict[str, Any]:
    """Return the state in a cursor; one from before the last reset is refused."""
    try:
        state: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text))
    except ValueError as error:
        raise Refused(400, "Error in call to API function: Invalid cursor") from error
    if state["epoch"] != FILES.epoch(store):
        raise refused("reset")
    return state


def is_in(path: str, folder: str, *, is_recursive: bool) -> bool:
    """Return whether a path is in a folder, directly or anywhere below."""
    parent = path.lower().rpartition("/")[0]
    return parent == folder.lower() or (is_recursive and f"{parent}/".startswith(f"{folder.lower()}/"))


def _new_id(store: Store) -> str:
    digest = hashlib.sha256(str(store.next_number("dropbox/ids")).encode()).digest()
    return f"id:{base64.urlsafe_b64encode(digest).decode()[:22]}"
