"""The OneDrive client: the files of one account (https://learn.microsoft.com/graph/api/resources/onedrive)."""

from __future__ import annotations

import contextlib
import json
import re
from datetime import datetime
from pathlib import Path
from urllib.parse import quote, unquote

import httpx

from clients.check_line import CheckLine, failed
from clients.client import Opening
from clients.drives.drive import Drive, DriveFile, FolderChanges
from clients.drives.listed import known_of, unknown
from clients.drives.names import instant, path_of, require_name, taken
from clients.drives.transfer import part_of, received, require_within
from clients.errors import Conflict, InvalidRequest, NotFound, ServiceError
from clients.listing import Json
from clients.microsoft.graph import Graph
from clients.microsoft.refusals import CursorRefused
from clients.oauth.tokens import tokens_of
from clients.onedrive.app import ONEDRIVE_APP, SIGN_IN, owner_of
from clients.onedrive.quick_xor import quick_xor
from clients.onedrive.service import ONEDRIVE, OnedriveSettings
from clients.onedrive.uploads import OneDriveUpload
from clients.sign_in import Seal

_PAGE = 200
_FOLDERS_ASKED_MOST = 50
_ID = re.compile(r"[A-Za-z0-9]+![A-Za-z0-9]+|[A-Z0-9]{30,}")
_DOWNLOAD = "@microsoft.graph.downloadUrl"


class OnedriveClient(Drive):
    """The files of one account."""

    service = ONEDRIVE
    http: httpx.Client
    sign_in_way = SIGN_IN

    def __init__(self, settings: OnedriveSettings, http: httpx.Client, seal: Seal | None = None) -> None:
        self.http = http
        self._tokens = tokens_of(ONEDRIVE_APP, settings, http, seal)
        self._graph = Graph(http, self._tokens, settings.base_url)
        self._url = f"{self._graph.url}/me/drive"
        self._me: Json | None = None

    @classmethod
    def open(cls, settings: OnedriveSettings, opening: Opening) -> OnedriveClient:
        """Return a client for these settings."""
        return cls(settings, opening.http(ONEDRIVE, settings.base_url), opening.seal(settings.token_file))

    def account(self) -> str:
        """Return whose account it is: as noted at sign-in, or fetched once."""
        return self._tokens.owner() or owner_of(self._drive())

    def identity(self) -> str:
        """Return the id of the drive, which never changes."""
        return str(self._drive()["id"])

    def sign_in_version(self) -> str | None:
        """Return a value that changes with each sign-in; None for a bare token."""
        return self._tokens.version()

    def check(self) -> list[CheckLine]:
        """Try to sign in and to list the root."""
        try:
            who, found = owner_of(self._graph.get(self._url)), self.entries("", _PAGE)
        except ServiceError as error:
            return [failed(self.service, "sign-in", error)]
        return [CheckLine("sign-in", ok=True, text=f"Signed in as {who}; {len(found)} entries at the root.")]

    def entries(self, folder: str, limit: int) -> list[DriveFile]:
        """List a folder, by name."""
        within = self._item(folder)
        return sorted(self._inside(within), key=lambda one: one.name)[:limit]

    def search(self, words: str, folder: str, limit: int) -> list[DriveFile]:
        """Find files as OneDrive searches: by names and contents; new files may take a while."""
        within = self._item(folder)
        asked = quote(words.replace("'", "''"), safe="")  # OData doubles quotation marks
        found: list[DriveFile] = []
        for one in self._graph.pages(f"{self._url}/items/{within['id']}/search(q='{asked}')?$top={_PAGE}"):
            if "file" in one and not _is_elsewhere(one):
                found.append(_shown(one, _path_of(one)))
            if len(found) >= limit:
                break
        return found

    def file(self, file_id: str) -> DriveFile:
        """Return a file or folder."""
        found = self._item(file_id)
        return _shown(found, _path_of(found))

    def download(self, file_id: str, into: Path, limit: int) -> DriveFile:
        """Download a file, and compare its hash."""
        found = self._item(file_id)
        if "file" not in found:
            raise InvalidRequest(f"{file_id!r} is a folder.", service=ONEDRIVE.name)
        shown = _shown(found, _path_of(found))
        require_within(ONEDRIVE, shown.size, limit)
        # The address of the content is its own key: no token may go there.
        received(
            ONEDRIVE,
            lambda headers: part_of(self.http, found[_DOWNLOAD], headers, self._graph.refusal),
            into,
            shown.size or 0,
            limit,
        )
        if not self._is_unchanged(found, into):
            raise Conflict("The file changed while it was downloaded.", service=ONEDRIVE.name)
        return shown

    def upload(self, folder: str, name: str, source: Path, marker: str) -> DriveFile:
        """Upload a file, in parts if it is large."""
        del marker  # work accounts keep none with a file
        within = self._folder(folder, name)
        where = "/".join(filter(None, (_path_of(within), name)))
        url = f"{self._url}/items/{within['id']}:/{quote(name, safe='')}"
        try:
            return _shown(OneDriveUpload(self._graph, url).sent(source), where)
        except Conflict as error:
            raise taken(ONEDRIVE, where, error.http_status) from error

    def uploaded(self, folder: str, name: str, source: Path, marker: str) -> DriveFile | None:
        """Return the file of this name if its content has the same hash."""
        del marker
        try:
            within = self._folder(folder, name)
            found = self._graph.get(f"{self._url}/items/{within['id']}:/{quote(name, safe='')}")
        except NotFound:
            return None
        return _shown(found, _path_of(found)) if _hash_of(found) == quick_xor(source) else None

    def remove(self, file_id: str, version: str) -> None:
        """Delete a file; it goes to the recycle bin."""
        try:
            found = self._item(file_id)
            if found.get("cTag") != version:
                raise Conflict("The file was changed since.", service=ONEDRIVE.name)
            self._graph.asked("DELETE", f"{self._url}/items/{found['id']}", headers={"If-Match": version})
        except NotFound:
            return

    def changes(self, folder: str, cursor: str | None) -> FolderChanges:
        """Ask for the changes of the drive: work accounts do not offer the changes of a single folder.

        If OneDrive does not keep them so long, new files are taken from a listing.
        """
        within = self._item(folder)
        if cursor is None:
            # The link first: a file between the two requests is then known, and no later edit makes it look new.
            _, link = self._graph.changes(self._latest())
            return FolderChanges([], json.dumps({"link": link, "known": known_of(self._inside(within))}))
        before, here = json.loads(cursor), _path_of(within)
        try:
            found, link = self._graph.changes(before["link"])
            inside = [_shown(one, f"{here}/{one['name']}".strip("/")) for one in found if _is_in(one, within)]
        except CursorRefused:
            _, link = self._graph.changes(self._latest())
            inside = self._inside(within)
        following = json.dumps({"link": link, "known": known_of(inside, before["known"])})
        return FolderChanges(unknown(inside, before["known"]), following)

    def folders(self) -> list[Json]:
        """List folders, nearest first: [{id, name, url}]; the name is the path. At most 50 folders are looked into."""
        rows: list[Json] = []
        waiting = [self._item("")]
        for _ in range(_FOLDERS_ASKED_MOST):
            if not waiting:
                break
            within = waiting.pop(0)
            for one in self._graph.pages(f"{self._url}/items/{within['id']}/children?$top={_PAGE}"):
                if "folder" in one and not _is_elsewhere(one):
                    rows.append({"id": one["id"], "name": _path_of(one), "url": one.get("webUrl", "")})
                    waiting.append(one)
        return rows

    def _latest(self) -> str:
        return f"{self._url}/items/root/delta?token=latest"

    def _drive(self) -> Json:
        if self._me is None:
            self._me = self._graph.get(self._url)
        return self._me

    def _item(self, file_id: str) -> Json:
        """Return the item of an id or path, but none that leads to another drive if it is given by id."""
        if _ID.fullmatch(file_id):
            with contextlib.suppress(NotFound, InvalidRequest):  # a path may look like an id
                found = self._graph.get(f"{self._url}/items/{file_id}")
                if not _is_elsewhere(found):
                    return found
        path = path_of(file_id, ONEDRIVE.name)
        return self._graph.get(f"{self._url}/root:/{quote(path)}" if path else f"{self._url}/root")

    def _folder(self, folder: str, name: str) -> Json:
        """Return the folder for a file of this name. Raises NotFound, InvalidRequest."""
        require_name(ONEDRIVE, name)
        within = self._item(folder)
        if "folder" not in within:
            raise NotFound(f"{folder!r} is a file, not a folder.", service=ONEDRIVE.name)
        return within

    def _inside(self, within: Json) -> list[DriveFile]:
        if "folder" not in within:
            raise NotFound(f"{within['name']!r} is a file, not a folder.", service=ONEDRIVE.name)
        found = self._graph.pages(f"{self._url}/items/{within['id']}/children?$top={_PAGE}")
        return [_shown(one, _path_of(one)) for one in found if not _is_elsewhere(one)]

    def _is_unchanged(self, found: Json, into: Path) -> bool:
        expected = _hash_of(found)
        return quick_xor(into) == expected if expected else self._item(found["id"]).get("cTag") == found.get("cTag")


def _is_in(one: Json, within: Json) -> bool:
    """Return whether a changed item is a file that is in a folder now."""
    parent = (one.get("parentReference") or {}).get("id")
    return "file" in one and "deleted" not in one and parent == within["id"] and not _is_elsewhere(one)


def _is_elsewhere(one: Json) -> bool:
    """Return whether an item only leads to another drive ("Add shortcut to My files")."""
    return "remoteItem" in one


def _hash_of(found: Json) -> str:
    return str(((found.get("file") or {}).get("hashes") or {}).get("quickXorHash") or "")


def _path_of(one: Json) -> str:
    """Return the path below the root; the parent's path is like `/drive/root:/My%20invoices`."""
    if "root" in one:
        return ""
    parent = str((one.get("parentReference") or {}).get("path") or "").partition("root:")[2]
    return f"{unquote(parent)}/{one['name']}".strip("/")


def _shown(one: Json, path: str) -> DriveFile:
    is_folder = "folder" in one
    return DriveFile(
        id=one["id"],
        name=one["name"],
        path=path,
        is_folder=is_folder,
        size=None if is_folder else int(one["size"]),
        media_type=(one.get("file") or {}).get("mimeType", ""),
        modified_at=instant(datetime.fromisoformat(one["lastModifiedDateTime"])),
        version="" if is_folder else one.get("cTag", ""),
        url=one.get("webUrl", ""),
    )
