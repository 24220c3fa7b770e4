"""What the stand-ins for drives share: their files with changes and upload sessions, the samples, contents, a page."""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from demo.page import escaped, frame, table
from demo.service import json_object
from demo.store import Store

FOLDERS = ("Invoices", "Reports", "Attachments")
SAMPLES = {
    "Invoices/2026-05 hosting.txt": "Invoice 4711\nHosting, May 2026\nTotal: 49.00 EUR\n",
    "Reports/Weekly report.txt": "Open issues: 7\nClosed: 12\n",
    "Welcome.txt": "Files that steps upload appear here.\n",
}
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


@dataclass(frozen=True)
class DriveFiles:
    """The files and folders of one stand-in, each under a key of the service's own: a path or an id."""

    service: str

    def all(self, store: Store) -> list[dict[str, Any]]:
        """Return everything in the order of creation."""
        return store.all(f"{self.service}/files")

    def get(self, store: Store, key: str) -> dict[str, Any] | None:
        """Return a file or folder, or None."""
        return store.get(f"{self.service}/files", key)

    def put(self, store: Store, key: str, facts: dict[str, Any], content: bytes | None = None) -> dict[str, Any]:
        """Store a file or folder with a time and a number of its own; without `content`, the one in `facts` stays."""
        # The services write UTC as Z, not as +00:00.
        at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        one = {"created": at, **facts, "at": at, "number": store.next_number(f"{self.service}/versions")}
        if content is not None:
            one |= {"content": base64.b64encode(content).decode(), "size": len(content)}
        store.put(f"{self.service}/files", key, one)
        self._log(store, key, one)
        return one

    def delete(self, store: Store, key: str) -> None:
        """Delete a file or folder."""
        found = self.get(store, key)
        if found is not None:
            store.delete(f"{self.service}/files", key)
            self._log(store, key, found | {"is_deleted": True})

    def _log(self, store: Store, key: str, one: dict[str, Any]) -> None:
        # Changes are copies, because a file may have changed again, or be gone, when they are read.
        log = f"{self.service}/log"
        store.put(log, str(store.next_number(log)), {"key": key, **_facts(one)})

    def changes(self, store: Store) -> list[dict[str, Any]]:
        """Return everything that was put or deleted (`is_deleted`), in its state at the time, each with its `key`."""
        return store.all(f"{self.service}/log")

    def epoch(self, store: Store) -> str:
        """Return a text that changes as soon as positions in the changes are no longer valid."""
        forgotten = store.get(f"{self.service}/epoch", "epoch") or {"number": 0}
        return f"{store.generation}.{forgotten['number']}"

    def show(self, store: Store) -> list[dict[str, Any]]:
        """Return everything without its content."""
        return [_facts(one) for one in self.all(store)]

    def begin(self, store: Store, **facts: Any) -> str:
        """Begin an upload session; return its id, which is its key, too."""
        key = secrets.token_hex(24)
        store.put(f"{self.service}/sessions", key, {"content": "", **facts, "id": key})
        return key

    def session(self, store: Store, key: str) -> dict[str, Any] | None:
        """Return an upload session, or None."""
        return store.get(f"{self.service}/sessions", key)

    def hold(self, store: Store, session: dict[str, Any], content: bytes) -> None:
        """Store the bytes of a session so far."""
        held = {**session, "content": base64.b64encode(content).decode()}
        store.put(f"{self.service}/sessions", session["id"], held)

    def end(self, store: Store, session: dict[str, Any]) -> None:
        """End an upload session."""
        store.delete(f"{self.service}/sessions", session["id"])

    def control(self, store: Store, write: Callable[[dict[str, Any]], dict[str, Any]]) -> Route:
        """Return the control for tests: write a file as a person, forget all changes, end all upload sessions."""

        async def control(request: Request) -> Response:
            given = await json_object(request)
            with store.transaction():
                if given.pop("forgets", False):
                    number = store.next_number(f"{self.service}/epochs")
                    store.put(f"{self.service}/epoch", "epoch", {"number": number})
                if given.pop("ends_sessions", False):
                    for one in store.all(f"{self.service}/sessions"):
                        self.end(store, one)
                return JSONResponse(write(given) if given else {})

        return Route("/_demo/file", control, methods=["POST"])


def _facts(one: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in one.items() if name != "content"}


def content_of(one: dict[str, Any]) -> bytes:
    """Return the content of a file or an upload session."""
    return base64.b64decode(one.get("content", ""))


def http_date(one: dict[str, Any]) -> str:
    """Return when a file was written, as HTTP writes times."""
    return format_datetime(datetime.fromisoformat(one["at"]), usegmt=True)


def file_answer(
    request: Request, one: dict[str, Any], headers: dict[str, str], kind: str = "application/octet-stream"
) -> Response:
    """Return a file with status 200, the part that was asked for with 206, or 416 (RFC 9110, 14)."""
    content, tag = content_of(one), headers.get("ETag", "")
    asked = _RANGE.fullmatch(request.headers.get("range", ""))
    # If-Range asks for the whole file if it has changed (RFC 9110, 13.1.5), and an unknown range is ignored (14.2).
    if asked is None or (tag and request.headers.get("if-range", tag) != tag):
        return Response(content, 200, headers, kind)
    begin, end = int(asked[1]), min(int(asked[2] or len(content)), len(content) - 1)
    if begin > end:
        return Response(b"", 416, {"content-range": f"bytes */{len(content)}"})
    told = {**headers, "content-range": f"bytes {begin}-{end}/{len(content)}"}
    return Response(content[begin : end + 1], 206, told, kind)


def files_page(service: str, sizes: Iterable[tuple[str, object]]) -> str:
    """Return a page with all files: the path and the size of each."""
    rows = ([escaped(path), escaped(size)] for path, size in sorted(sizes, key=lambda row: row[0]))
    return frame("Files", f"<h1>Files</h1>{table(['Path', 'Bytes'], rows)}", service)
