"""The Google Drive client (google-api-python-client): the files of one account, and of its shared drives."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path

import httpx
from msgspec.structs import replace

from clients.check_line import CheckLine, failed
from clients.client import Opening
from clients.drives.drive import Drive, DriveFile, FolderChanges
from clients.drives.listed import changes_of
from clients.drives.names import instant, require_name, taken
from clients.drives.transfer import AS_FILE, received, require_within
from clients.error_mapping import of_broken_connection, reading
from clients.errors import BadAnswer, Conflict, InvalidRequest, NotFound, ServiceError, Timeout, Unavailable
from clients.google.sign_in import GoogleSignIn
from clients.google.transport import answered, refusal
from clients.google_drive.app import DRIVE_APP, sdk, user_of
from clients.google_drive.exports import ExportFormat, form_of
from clients.google_drive.places import FIELDS, FOLDER, SHARED, Places, quoted
from clients.google_drive.service import GOOGLE_DRIVE, GoogleDriveSettings
from clients.google_drive.uploads import DriveUploads
from clients.listing import Json
from clients.oauth.api import OAuthApi
from clients.oauth.tokens import tokens_of
from clients.sign_in import Seal

KEY = "orchestra"
"""The property of a file that tells which upload made it: only this program's OAuth client sees it."""
_SETTLES_SECONDS = 1.0
"""A list may be a moment behind."""
_FOLDERS_SHOWN = 2000


class GoogleDriveClient(Drive):
    """The files of one account."""

    service = GOOGLE_DRIVE
    http: httpx.Client
    sign_in_way = GoogleSignIn(DRIVE_APP)

    def __init__(self, settings: GoogleDriveSettings, http: httpx.Client, seal: Seal | None = None) -> None:
        self.http = http
        self._tokens = tokens_of(DRIVE_APP, settings, http, seal)
        self._sdk = sdk(http, self._tokens, settings.base_url)
        self._api = OAuthApi(http, self._tokens, partial(refusal, self._tokens))
        self._uploads = DriveUploads(http, self._tokens, settings.base_url)
        self._url, self._documents_as = f"{settings.base_url}/drive/v3/files", settings.documents_as
        self._me: dict[str, str] = {}

    @classmethod
    def open(cls, settings: GoogleDriveSettings, opening: Opening) -> GoogleDriveClient:
        """Return a client for these settings."""
        return cls(settings, opening.http(GOOGLE_DRIVE, settings.base_url), opening.seal(settings.token_file))

    def account(self) -> str:
        """Return the address of the account: as noted at sign-in, or asked once."""
        return self._tokens.owner() or self._user()["emailAddress"]

    def identity(self) -> str:
        """Return the id of the user, which never changes."""
        return self._user()["permissionId"]

    def sign_in_version(self) -> str | None:
        """Return a value that changes with each sign-in; None for a bare token."""
        return self._tokens.version()

    def check(self) -> list[CheckLine]:
        """Try to sign in and to list the root."""
        try:
            found, who = self.entries("", 1000), user_of(self._sdk)["emailAddress"]
        except ServiceError as error:
            return [failed(self.service, "sign-in", error)]
        return [CheckLine("sign-in", ok=True, text=f"Signed in as {who}; {len(found)} entries at the root.")]

    def entries(self, folder: str, limit: int) -> list[DriveFile]:
        """List a folder, by name."""
        return sorted(islice(self._inside(folder), limit), key=lambda one: one.name)

    def search(self, words: str, folder: str, limit: int) -> list[DriveFile]:
        """Find files as Drive searches: by how words in their names begin; new files may take a while."""
        places = Places(self._sdk)
        within = places.folder(folder)
        where = {"corpora": "drive", "driveId": within["driveId"]} if within.get("driveId") else {}
        terms = (f"name contains {quoted(word)}" for word in words.split())
        found = places.found(f"mimeType != {quoted(FOLDER)}", *terms, **where)
        below = (one for one in found if places.is_below(one, within))
        return [_shown(one, places.path_of(one)) for one in islice(below, limit)]

    def file(self, file_id: str) -> DriveFile:
        """Return a file or folder."""
        places = Places(self._sdk)
        found = places.item(file_id)
        return _shown(found, places.path_of(found))

    def download(self, file_id: str, into: Path, limit: int) -> DriveFile:
        """Download a file and compare its hash; one of Google's own documents is exported instead."""
        places = Places(self._sdk)
        found = places.item(file_id)
        if found["mimeType"] == FOLDER:
            raise InvalidRequest(f"{file_id!r} is a folder.", service=GOOGLE_DRIVE.name)
        shown, form = _shown(found, places.path_of(found)), form_of(found, self._documents_as)
        if form is not None:
            return self._exported(shown, form, into, limit)
        received(GOOGLE_DRIVE, partial(self._part, shown.id), into, shown.size or 0, limit)
        if found.get("md5Checksum") not in {None, _md5(into)}:
            raise Conflict("The file changed while it was downloaded.", service=GOOGLE_DRIVE.name)
        return shown

    def upload(self, folder: str, name: str, source: Path, marker: str) -> DriveFile:
        """Upload a file that carries the marker, in parts if it is large.

        Its id is fixed beforehand, so that after a broken connection Drive can be asked for it at once. Drive takes
        several files of one name; the name is looked for first, and two uploads at the same moment may both be made.
        """
        places = Places(self._sdk)
        within = places.folder(folder)
        path = f"{places.path_of(within)}/{require_name(GOOGLE_DRIVE, name)}".lstrip("/")
        if places.named(within, name):
            raise taken(GOOGLE_DRIVE, path, None)
        answer = answered(self._sdk.files().generateIds(count=1), "ids")
        with reading(DRIVE_APP.service):
            new_id = str(answer["ids"][0])
        marks = {"appProperties": {KEY: marker}} if marker else {}
        try:
            # An id that was used already is refused (409), so a repeated upload cannot make a second file.
            made = self._uploads.sent({"id": new_id, "name": name, "parents": [within["id"]], **marks}, source)
        except (BadAnswer, Timeout, Unavailable) as error:
            made = self._arrived(new_id, error)
        return _shown(made, path)

    def uploaded(self, folder: str, name: str, source: Path, marker: str) -> DriveFile | None:
        """Return the file in the folder that carries the marker."""
        del source
        places = Places(self._sdk)
        try:
            within = places.folder(folder)
        except NotFound:
            return None
        mark = f"appProperties has {{ key={quoted(KEY)} and value={quoted(marker)} }}"
        found = next(places.inside(within, mark), None)
        if found is None:
            time.sleep(_SETTLES_SECONDS)
            found = next(places.inside(within, mark), None)
        return _shown(found, f"{places.path_of(within)}/{found['name']}".lstrip("/")) if found else None

    def remove(self, file_id: str, version: str) -> None:
        """Move a file to the trash. Drive cannot make this depend on the version, so it is looked at just before."""
        try:
            found = Places(self._sdk).by_id(file_id)
            if _version(found) != version:
                raise Conflict("The file was changed since.", service=GOOGLE_DRIVE.name)
            answered(
                self._sdk.files().update(
                    fileId=found["id"], body={"trashed": True}, supportsAllDrives=True, fields="id,trashed"
                )
            )
        except NotFound:
            return

    def changes(self, folder: str, cursor: str | None) -> FolderChanges:
        """Compare a folder's listing with the one at the cursor: Drive's changes do not say which files are new."""
        return changes_of(self._inside(folder), cursor)

    def folders(self) -> list[Json]:
        """List folders: [{id, name, url}]; the name is the path."""
        places = Places(self._sdk)
        root = places.by_id("root")
        every = {one["id"]: one for one in islice(places.found(f"mimeType = {quoted(FOLDER)}"), _FOLDERS_SHOWN)}
        paths = {one["id"]: path for one in every.values() if (path := _path_in(every, one, root["id"]))}
        rows = [{"id": key, "name": path, "url": every[key].get("webViewLink", "")} for key, path in paths.items()]
        shared = [{"id": one["id"], "name": f"{SHARED}/{one['name']}", "url": ""} for one in places.shared_drives()]
        return sorted([*rows, *shared], key=lambda row: row["name"])

    def _user(self) -> dict[str, str]:
        self._me = self._me or user_of(self._sdk)
        return self._me

    def _inside(self, folder: str) -> Iterator[DriveFile]:
        places = Places(self._sdk)
        within = places.folder(folder)
        here = places.path_of(within)
        return (_shown(one, f"{here}/{one['name']}".lstrip("/")) for one in places.inside(within))

    def _arrived(self, new_id: str, broken: ServiceError) -> Json:
        """Return the file that a broken request has made; raises the request's error if there is no such file."""
        if broken.outcome == "not_done":
            raise broken
        try:
            return answered(self._sdk.files().get(fileId=new_id, fields=FIELDS, supportsAllDrives=True), "id")
        except ServiceError:
            raise broken from None

    def _part(self, file_id: str, headers: Mapping[str, str]) -> AbstractContextManager[httpx.Response]:
        query = {"alt": "media", "supportsAllDrives": "true"}
        url = f"{self._url}/{file_id}"
        return self._api.streamed("GET", url, params=query, headers=dict(headers), extensions=dict(AS_FILE))

    def _exported(self, found: DriveFile, form: ExportFormat, into: Path, limit: int) -> DriveFile:
        url, query = f"{self._url}/{found.id}/export", {"mimeType": form.media_type}
        try:
            with (
                self._api.streamed("GET", url, params=query, extensions=dict(AS_FILE)) as answer,
                into.open("wb") as out,
            ):
                for chunk in answer.iter_raw():
                    require_within(GOOGLE_DRIVE, out.tell() + len(chunk), limit)
                    out.write(chunk)
        except Exception as error:
            raise of_broken_connection(GOOGLE_DRIVE, error) from error
        name, size = f"{found.name}{form.suffix}", into.stat().st_size
        return replace(found, name=name, media_type=form.media_type, size=size)


def _path_in(every: Mapping[str, Json], one: Json, root: str) -> str:
    """Return the path of a folder below the root, by the folders that are known; empty if it is elsewhere."""
    names: list[str] = []
    # Bounded, as a broken answer could make folders contain each other.
    while len(names) <= len(every):
        names.append(str(one["name"]))
        parent = (one.get("parents") or [""])[0]
        if parent == root:
            return "/".join(reversed(names))
        if parent not in every:
            return ""
        one = every[parent]
    return ""


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _version(one: Json) -> str:
    """Return the revision of the content; a document of Google's own has none, so it is the time of its last change."""
    return str(one.get("headRevisionId") or one["modifiedTime"])


def _shown(one: Json, path: str) -> DriveFile:
    with reading(DRIVE_APP.service):
        is_folder = one["mimeType"] == FOLDER
        return DriveFile(
            id=str(one["id"]),
            name=str(one["name"]),
            path=path,
            is_folder=is_folder,
            size=int(one["size"]) if "size" in one and not is_folder else None,
            media_type="" if is_folder else str(one["mimeType"]),
            modified_at=instant(datetime.fromisoformat(one["modifiedTime"])),
            version="" if is_folder else _version(one),
            url=str(one.get("webViewLink", "")),
        )
