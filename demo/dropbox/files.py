"""The files of the stand-in for Dropbox: paths without regard to case, revisions, and what has changed."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, datetime
from typing import Any

from demo.service import Refused
from demo.store import Store

ENTRIES, LOG = "dropbox/entries", "dropbox/log"
_BLOCK = 4 * 1024 * 1024


def refused(*tags: str, **more: Any) -> Refused:
    """Return the 409 with these tags, the outermost first."""
    inner: dict[str, Any] = {".tag": tags[-1], **more}
    for tag in reversed(tags[:-1]):
        inner = {".tag": tag, tag: inner}
    return Refused(409, "/".join(tags), error_summary=f"{'/'.join(tags)}/..", error=inner)


def found(store: Store, place: str) -> dict[str, Any] | None:
    """Return the entry of a path, an id or a revision."""
    every = store.all(ENTRIES)
    if place.startswith("id:"):
        return next((one for one in every if one["id"] == place), None)
    if place.startswith("rev:"):
        return next((one for one in every if one.get("rev") == place[4:]), None)
    return next((one for one in every if one["path"].lower() == place.lower()), None)


def require(store: Store, place: str, *tags: str) -> dict[str, Any]:
    """Return an entry, or refuse it as not found, with these tags before that."""
    if place and not place.startswith(("/", "id:", "rev:")):
        raise refused(*tags, "malformed_path")
    one = found(store, place)
    if one is None:
        raise refused(*tags, "not_found")
    return one


def make_folder(store: Store, path: str) -> None:
    """Create a folder."""
    _put(store, {"id": _new_id(store), "path": path, "is_folder": True})


def add(store: Store, path: str, content: bytes) -> dict[str, Any]:
    """Add a file with `mode=add`, `autorename=false` and `strict_conflict=true`: whatever is there is a conflict."""
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
    return _put(
        store,
        {
            "id": there["id"] if there else _new_id(store),
            "path": path,
            "is_folder": False,
            "content": base64.b64encode(content).decode(),
            "size": len(content),
            "rev": f"0{store.next_number('dropbox/revs') + 0x15000000000000:x}",
            "server_modified": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "content_hash": hashlib.sha256(b"".join(blocks)).hexdigest(),
        },
    )


def delete(store: Store, one: dict[str, Any]) -> None:
    """Delete a file, and log it."""
    store.delete(ENTRIES, one["id"])
    _log(store, {".tag": "deleted", **{key: shown(one)[key] for key in ("name", "path_lower", "path_display")}})


def shown(one: dict[str, Any]) -> dict[str, Any]:
    """Return an entry as Dropbox does."""
    path = one["path"]
    facts = {
        ".tag": "folder" if one["is_folder"] else "file",
        "name": path.rpartition("/")[2],
        "id": one["id"],
        "path_lower": path.lower(),
        "path_display": path,
    }
    names = ("size", "rev", "server_modified", "content_hash")
    more = {} if one["is_folder"] else {name: one[name] for name in names}
    return {**facts, **more, **({} if one["is_folder"] else {"client_modified": one["server_modified"]})}


def cursor(store: Store, path: str, *, is_recursive: bool, after: str = "") -> str:
    """Return a cursor at what is logged now; `after`: where a listing in pages goes on."""
    state = {"path": path, "recursive": is_recursive, "at": len(store.all(LOG)), "after": after, "epoch": epoch(store)}
    return base64.urlsafe_b64encode(json.dumps(state).encode()).decode()


def opened(store: Store, text: str) -> dict[str, Any]:
    """Return the state in a cursor; one from before the last reset is refused."""
    try:
        state: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text))
    except ValueError as error:
        raise Refused(400, "Error in call to API function: Invalid cursor") from error
    if state["epoch"] != epoch(store):
        raise refused("reset")
    return state


def epoch(store: Store) -> str:
    """Return what a reset of cursors changes."""
    return f"{store.generation}.{(store.get('dropbox/epoch', 'epoch') or {}).get('number', 0)}"


def is_in(path: str, folder: str, *, is_recursive: bool) -> bool:
    """Return whether a path is in a folder, directly or anywhere below."""
    parent = path.lower().rpartition("/")[0]
    return parent == folder.lower() or (is_recursive and f"{parent}/".startswith(f"{folder.lower()}/"))


def _put(store: Store, one: dict[str, Any]) -> dict[str, Any]:
    store.put(ENTRIES, one["id"], one)
    _log(store, shown(one))
    return one


def _log(store: Store, change: dict[str, Any]) -> None:
    store.put(LOG, str(store.next_number(LOG)), change)


def _new_id(store: Store) -> str:
    digest = hashlib.sha256(str(store.next_number("dropbox/ids")).encode()).digest()
    return f"id:{base64.urlsafe_b64encode(digest).decode()[:22]}"
