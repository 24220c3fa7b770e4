"""The Dropbox client: the files of one account (https://www.dropbox.com/developers/documentation/http)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import httpx

from clients.check_line import CheckLine, failed
from clients.client import Opening
from clients.drives.drive import Drive, DriveFile, FolderChanges
from clients.drives.listed import known_of, unknown
from clients.drives.names import instant, path_of, require_name, taken
from clients.drives.transfer import AS_FILE, received, require_within
from clients.dropbox.app import DROPBOX_APP, SIGN_IN
from clients.dropbox.refusals import refusal
from clients.dropbox.service import CONTENT, DROPBOX, URL, DropboxSettings
from clients.dropbox.uploads import DropboxUpload
from clients.error_mapping import require_object
from clients.errors import Conflict, InvalidRequest, NotFound, ServiceError
from clients.listing import Json
from clients.oauth.api import OAuthApi
from clients.oauth.tokens import tokens_of
from clients.request_tracking import asking
from clients.sign_in import Seal

_PAGE = 1000
_FOLDER_PAGES_MOST = 5
_HASHED_BYTES = 4 * 1024 * 1024


class DropboxClient(Drive):
    """The files of one account."""

    service = DROPBOX
    http: httpx.Client
    sign_in_way = SIGN_IN

    def __init__(self, settings: DropboxSettings, http: httpx.Client, seal: Seal | None = None) -> None:
        self.http = http
        self._tokens = tokens_of(DROPBOX_APP, settings, http, seal)
        self._url = settings.base_url
        self._content_url = CONTENT if settings.base_url == URL else settings.base_url
        self._api = OAuthApi(http, self._tokens, refusal)
        self._me: Json | None = None

    @classmethod
    def open(cls, settings: DropboxSettings, opening: Opening) -> DropboxClient:
        """Return a client for these settings."""
        return cls(settings, opening.http(DROPBOX, settings.base_url), opening.seal(settings.token_file))

    def account(self) -> str:
        """Return the address of the account: as noted at sign-in, or fetched once."""
        return self._tokens.owner() or str(self._whoami()["email"])

    def identity(self) -> str:
        """Return the id of the account, which never changes."""
        return str(self._whoami()["account_id"])

    def sign_in_version(self) -> str | None:
        """Return a value that changes with each sign-in; None for a bare token."""
        return self._tokens.version()

    def check(self) -> list[CheckLine]:
        """Try to sign in and to list the root."""
        try:
            found = self.entries("", _PAGE)
            who = str(self._read("users/get_current_account", None)["email"])
        except ServiceError as error:
            return [failed(self.service, "sign-in", error)]
        return [CheckLine("sign-in", ok=True, text=f"Signed in as {who}; {len(found)} entries at the root.")]

    def entries(self, folder: str, limit: int) -> list[DriveFile]:
        """List a folder, by name."""
        found = [_shown(one) for one in self._listed({"path": _place(folder)}) if _is_there(one)]
        return sorted(found, key=lambda one: one.name)[:limit]

    def search(self, words: str, folder: str, limit: int) -> list[DriveFile]:
        """Find files by words in their names, as Dropbox searches: new files may take a while."""
        options = {"path": _place(folder), "max_results": min(limit, _PAGE), "filename_only": True}
        page = self._read("files/search_v2", {"query": words, "options": {**options, "file_status": "active"}})
        found = _files_of(page)
        while page["has_more"] and len(found) < limit:
            page = self._read("files/search/continue_v2", {"cursor": page["cursor"]})
            found += _files_of(page)
        return found[:limit]

    def file(self, file_id: str) -> DriveFile:
        """Return a file or folder."""
        return _shown(self._metadata(_place(file_id))) if file_id.strip("/") else _ROOT

    def download(self, file_id: str, into: Path, limit: int) -> DriveFile:
        """Download a file, all parts of the same revision, and compare its hash."""
        found = self._metadata(_place(file_id)) if file_id else {".tag": "folder"}
        if found[".tag"] != "file":
            raise InvalidRequest(f"{file_id!r} is a folder.", service=DROPBOX.name)
        shown = _shown(found)
        require_within(DROPBOX, shown.size, limit)
        received(DROPBOX, lambda headers: self._part(shown, dict(headers)), into, shown.size or 0, limit)
        if found.get("content_hash", "") not in {"", _content_hash(into)}:
            raise Conflict("The file changed while it was downloaded.", service=DROPBOX.name)
        return shown

    def upload(self, folder: str, name: str, source: Path, marker: str) -> DriveFile:
        """Upload a file, in parts if it is large. Dropbox would make a missing folder, so it is looked for first."""
        del marker  # Dropbox keeps none with a file
        path = self._target(folder, name)
        try:
            # The answer of an upload has no tag, as it can only be a file.
            return _shown({**DropboxUpload(self._api, self._content_url, path).sent(source), ".tag": "file"})
        except Conflict as error:
            raise taken(DROPBOX, path[1:], error.http_status) from error

    def uploaded(self, folder: str, name: str, source: Path, marker: str) -> DriveFile | None:
        """Return the file of this name if its content has the same hash."""
        del marker
        try:
            found = self._metadata(self._target(folder, name))
        except NotFound:
            return None
        return _shown(found) if found.get("content_hash") == _content_hash(source) else None

    def remove(self, file_id: str, version: str) -> None:
        """Delete a file; Dropbox keeps it for at least 30 days."""
        place = _place(file_id)
        try:
            if self.file(file_id).version != version:
                raise Conflict("The file was changed since.", service=DROPBOX.name)
            self._asked("files/delete_v2", {"path": place, "parent_rev": version})
        except NotFound:
            return

    def changes(self, folder: str, cursor: str | None) -> FolderChanges:
        """Ask for the changes of a folder. If Dropbox has reset its cursor, new files are taken from a listing."""
        place = _place(folder)
        if cursor is None:
            # The cursor first: a file between the two requests is then known, and no later edit makes it look new.
            start = self._read("files/list_folder/get_latest_cursor", {"path": place})["cursor"]
            here = [_shown(one) for one in self._listed({"path": place}) if _is_there(one)]
            return FolderChanges([], json.dumps({"cursor": start, "known": known_of(here)}))
        before = json.loads(cursor)
        try:
            pages = list(self._pages("files/list_folder/continue", {"cursor": before["cursor"]}))
        except ServiceError as error:
            if error.http_status != httpx.codes.CONFLICT or "reset" not in error.message:
                raise
            pages = list(self._pages("files/list_folder", {"path": place, "limit": _PAGE}))
        found = [_shown(one) for page in pages for one in page["entries"] if one[".tag"] == "file"]
        following = json.dumps({"cursor": pages[-1]["cursor"], "known": known_of(found, before["known"])})
        return FolderChanges(unknown(found, before["known"]), following)

    def folders(self) -> list[Json]:
        """List folders: [{id, name, url}]; the name is the path. Of a large account, only some."""
        asked = {"path": "", "recursive": True, "limit": 2000}  # the most that a page may have
        pages = islice(self._pages("files/list_folder", asked), _FOLDER_PAGES_MOST)
        found = [_shown(one) for page in pages for one in page["entries"] if one[".tag"] == "folder"]
        return [{"id": one.id, "name": one.path, "url": ""} for one in sorted(found, key=lambda one: one.path)]

    def _target(self, folder: str, name: str) -> str:
        """Return the path of a file in an existing folder. Raises NotFound, InvalidRequest."""
        require_name(DROPBOX, name)
        within = self.file(folder)
        if not within.is_folder:
            raise NotFound(f"{folder!r} is a file, not a folder.", service=DROPBOX.name)
        return f"/{within.path}/{name}" if within.path else f"/{name}"

    def _part(self, found: DriveFile, headers: dict[str, str]) -> AbstractContextManager[httpx.Response]:
        """Ask for a part of exactly this revision."""
        headers["Dropbox-API-Arg"] = json.dumps({"path": f"rev:{found.version}"})
        return self._api.streamed(
            "GET", f"{self._content_url}/2/files/download", headers=headers, extensions=dict(AS_FILE)
        )

    def _whoami(self) -> Json:
        if self._me is None:
            self._me = self._read("users/get_current_account", None)
        return self._me

    def _metadata(self, place: str) -> Json:
        found: Json = self._read("files/get_metadata", {"path": place})
        return found

    def _listed(self, asked: Json) -> list[Json]:
        return [one for page in self._pages("files/list_folder", {**asked, "limit": _PAGE}) for one in page["entries"]]

    def _pages(self, path: str, asked: Json) -> Iterator[Json]:
        page = self._read(path, asked)
        yield page
        while page["has_more"]:
            page = self._read("files/list_folder/continue", {"cursor": page["cursor"]})
            yield page

    def _read(self, path: str, asked: Json | None) -> Any:
        with asking():
            return self._asked(path, asked)

    def _asked(self, path: str, asked: Json | None) -> Json:
        body = {} if asked is None else {"json": asked}
        return require_object(DROPBOX, self._api.asked("POST", f"{self._url}/2/{path}", **body))


_ROOT = DriveFile(
    id="",
    name="",
    path="",
    is_folder=True,
    size=None,
    media_type="",
    modified_at="",
    version="",
    url="https://www.dropbox.com/home",
)


def _place(file_id: str) -> str:
    """Return an id or path in Dropbox's form: an id, a path with a slash before it, or "" for the root."""
    if file_id.startswith("id:"):
        return file_id
    path = path_of(file_id, DROPBOX.name)
    return f"/{path}" if path else ""


def _is_there(one: Json) -> bool:
    return one[".tag"] in {"file", "folder"}


def _files_of(page: Json) -> list[DriveFile]:
    """Return the files of a page of matches, which has folders, too."""
    found = (one["metadata"].get("metadata", {}) for one in page["matches"])
    return [_shown(one) for one in found if one.get(".tag") == "file"]


def _shown(one: Json) -> DriveFile:
    is_folder = one[".tag"] == "folder"
    return DriveFile(
        id=one["id"],
        name=one["name"],
        path=str(one.get("path_display") or one["name"]).strip("/"),
        is_folder=is_folder,
        size=None if is_folder else int(one["size"]),
        media_type="",
        modified_at="" if is_folder else instant(datetime.fromisoformat(one["server_modified"])),
        version="" if is_folder else one["rev"],
        url="",  # the API has no URL, and a path in an app's own folder differs from the path on the web
    )


def _content_hash(source: Path) -> str:
    """Return Dropbox's hash of a content: the SHA-256, in hex, of the SHA-256 of each block of 4 MiB.

    https://www.dropbox.com/developers/reference/content-hash
    """
    whole = hashlib.sha256()
    with source.open("rb") as file:
        while block := file.read(_HASHED_BYTES):
            whole.update(hashlib.sha256(block).digest())
    return whole.hexdigest()
