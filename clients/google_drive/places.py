"""Files and folders of Google Drive by id and by path. Drive knows ids only, and several files may share a name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from clients.drives.names import path_of
from clients.error_mapping import reading
from clients.errors import InvalidRequest, NotFound
from clients.google.transport import answered
from clients.google_drive.app import DRIVE_APP
from clients.google_drive.service import GOOGLE_DRIVE
from clients.listing import Json

FOLDER = "application/vnd.google-apps.folder"
SHARED = "Shared drives"
"""First part of the paths in shared drives."""
FIELDS = (
    "id,name,mimeType,parents,size,modifiedTime,md5Checksum,headRevisionId,webViewLink,trashed,driveId,"
    "shortcutDetails/targetId"
)
_NEEDED = ("id", "name", "mimeType")
_SHORTCUT = "application/vnd.google-apps.shortcut"
# Ids have about 19 to 44 such characters. A name may look like one, and is then tried as a path next.
_ID = re.compile(r"root|[A-Za-z0-9_-]{15,}")
_PAGE = 1000
_DEEPEST = 100
"""Drive itself allows as many levels of folders."""


def quoted(text: str) -> str:
    """Return a text as a query has it (https://developers.google.com/workspace/drive/api/guides/search-files)."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


class Places:
    """The files and folders of an account, for one operation: it remembers each folder that it has read."""

    def __init__(self, sdk: Any) -> None:
        self._files, self._drives = sdk.files(), sdk.drives()
        self._known: dict[str, Json] = {}

    def item(self, place: str) -> Json:
        """Return the file or folder of an id or path. A path may lead through shortcuts, an id never does.

        Whoever may write into a shared folder can put a shortcut there that leads to any other file of the account: so
        no listing has them, and a workflow that passes on an id stays where it has found it. Raises NotFound,
        InvalidRequest (several have the name, or the id belongs to a shortcut).
        """
        if _ID.fullmatch(place):
            with suppress(NotFound):  # a path may look like an id
                return _no_shortcut(self.by_id(place))
        path = path_of(place, GOOGLE_DRIVE.name)
        return self._below(self.by_id("root"), path.split("/")) if path else self.by_id("root")

    def folder(self, place: str) -> Json:
        """Return the folder of an id or path. Raises NotFound, InvalidRequest (several have the name)."""
        found = self.item(place)
        if found["mimeType"] != FOLDER:
            raise NotFound(f"{place!r} is a file, not a folder.", service=GOOGLE_DRIVE.name)
        return found

    def by_id(self, file_id: str) -> Json:
        """Return a file or folder that is not in the trash. Raises NotFound."""
        if file_id not in self._known:
            found = answered(self._files.get(fileId=file_id, fields=FIELDS, supportsAllDrives=True), *_NEEDED)
            self._known[file_id] = self._known[str(found["id"])] = found
        if self._known[file_id].get("trashed"):
            raise NotFound(f"{file_id!r} is in the trash.", service=GOOGLE_DRIVE.name)
        return self._known[file_id]

    def found(self, *terms: str, **where: Any) -> Iterator[Json]:
        """Yield the items that fit all terms of a query, by name, without shortcuts and the trash."""
        return (one for one in self._found(*terms, **where) if one["mimeType"] != _SHORTCUT)

    def _found(self, *terms: str, **where: Any) -> Iterator[Json]:
        token = None
        while True:
            request = self._files.list(
                q=" and ".join([*terms, "trashed = false"]),
                fields=f"nextPageToken,files({FIELDS})",
                orderBy="name",
                pageSize=_PAGE,
                pageToken=token,
                supportsAllDrives=True,
                includeItemsFromAllDrives=True,
                **where,
            )
            answer = answered(request, "files")
            with reading(DRIVE_APP.service):
                page = [{**one, **{key: str(one[key]) for key in _NEEDED}} for one in answer["files"]]
            yield from page
            token = answer.get("nextPageToken")
            if not token:
                return

    def inside(self, folder: Json, *terms: str) -> Iterator[Json]:
        """Yield the items directly in a folder, without shortcuts."""
        return self.found(_in(folder), *terms)

    def named(self, folder: Json, name: str) -> list[Json]:
        """Return the items with exactly this name in a folder, including shortcuts."""
        # Drive's `=` ignores case, but names may differ by case alone.
        return [one for one in self._found(_in(folder), f"name = {quoted(name)}") if one["name"] == name]

    def path_of(self, one: Json) -> str:
        """Return the path below the root; what somebody shared begins with the topmost name that can be seen."""
        names: list[str] = []
        for above in self._upwards(one):
            if above.get("driveId") == above["id"]:
                return "/".join([SHARED, self._drive_name(above["id"]), *reversed(names)])
            if above["id"] == self.by_id("root")["id"]:
                break
            names.append(str(above["name"]))
        return "/".join(reversed(names))

    def is_below(self, one: Json, folder: Json) -> bool:
        """Return whether an item is in a folder, directly or below it."""
        return any(above["id"] == folder["id"] for above in self._upwards(one))

    def shared_drives(self) -> list[Json]:
        """List shared drives: [{id, name}]; the first hundred."""
        answer = answered(self._drives.list(pageSize=100, fields="drives(id,name)"))
        with reading(DRIVE_APP.service):
            return [{"id": str(one["id"]), "name": str(one["name"])} for one in answer.get("drives", [])]

    def _below(self, folder: Json, names: list[str]) -> Json:
        first, *rest = names
        try:
            # A folder of one's own called "Shared drives" comes first.
            found = self._followed(self._child(folder, first, is_folder=bool(rest)))
        except NotFound:
            if first != SHARED or not rest or folder["id"] != self.by_id("root")["id"]:
                raise
            drive, *rest = rest
            found = self._shared_drive(drive)
        return self._below(found, rest) if rest else found

    def _child(self, folder: Json, name: str, *, is_folder: bool) -> Json:
        kinds = {FOLDER, _SHORTCUT}
        found = [one for one in self.named(folder, name) if not is_folder or one["mimeType"] in kinds]
        if not found:
            kind = "folder" if is_folder else "file or folder"
            raise NotFound(f"There is no {kind} {name!r} in {folder['name']!r}.", service=GOOGLE_DRIVE.name)
        return _only(found, name)

    def _shared_drive(self, name: str) -> Json:
        found = [one for one in self.shared_drives() if one["name"] == name]
        if not found:
            raise NotFound(f"There is no shared drive {name!r}.", service=GOOGLE_DRIVE.name)
        return self.by_id(_only(found, name)["id"])

    def _drive_name(self, drive_id: str) -> str:
        return str(answered(self._drives.get(driveId=drive_id, fields="id,name"), "name")["name"])

    def _followed(self, one: Json) -> Json:
        """Return the target of a shortcut; any other item is returned unchanged."""
        if one["mimeType"] != _SHORTCUT:
            return one
        with reading(DRIVE_APP.service):
            target = str(one["shortcutDetails"]["targetId"])
        return self.by_id(target)

    def _upwards(self, one: Json) -> Iterator[Json]:
        """Yield an item and the folders above it, as far as the account may see them."""
        for _ in range(_DEEPEST):
            yield one
            parents = one.get("parents")
            if not parents:
                return
            try:
                one = self.by_id(parents[0])
            except NotFound:
                return


def _in(folder: Json) -> str:
    return f"{quoted(folder['id'])} in parents"


def _no_shortcut(one: Json) -> Json:
    if one["mimeType"] == _SHORTCUT:
        raise InvalidRequest(
            f"{one['id']!r} is the id of a shortcut, which may lead anywhere.",
            service=GOOGLE_DRIVE.name,
            remedy="Give the id of the file or folder itself, or the path of the shortcut.",
        )
    return one


def _only(found: list[Json], name: str) -> Json:
    if len(found) > 1:
        ids = ", ".join(str(one["id"]) for one in found)
        raise InvalidRequest(
            f"{len(found)} are called {name!r} in the same place.",
            service=GOOGLE_DRIVE.name,
            remedy=f"Give an id instead of the path: {ids}.",
        )
    return found[0]
