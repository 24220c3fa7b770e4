"""The WebDAV client: files of one user (RFC 4918). The id of a file is its path below the connection's address."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import httpx

from clients.check_line import CheckLine, failed
from clients.client import Opening
from clients.drives.drive import Drive, DriveFile, FolderChanges
from clients.drives.entity_tags import entity_tag, is_same, is_strong
from clients.drives.listed import FoundFiles, changes_of, folder_rows, has_content, named_like, walked
from clients.drives.names import instant, opaque, path_of, require_name, taken
from clients.drives.transfer import part_of, received
from clients.error_mapping import of_broken_connection, of_status, words_in
from clients.errors import BadAnswer, Conflict, InvalidRequest, NotFound, ServiceError
from clients.listing import Json
from clients.request_tracking import asking
from clients.secrets import known
from clients.webdav.multistatus import MultistatusResponse, found_in, said
from clients.webdav.service import WEBDAV, WebdavSettings

_PROPERTIES = (
    b'<?xml version="1.0" encoding="utf-8"?><propfind xmlns="DAV:"><prop><resourcetype/><getcontentlength/>'
    b"<getcontenttype/><getetag/><getlastmodified/></prop></propfind>"
)


class WebdavClient(Drive):
    """The files of one user."""

    service = WEBDAV
    http: httpx.Client

    def __init__(self, settings: WebdavSettings, http: httpx.Client) -> None:
        self.http = http
        self._url = settings.base_url.rstrip("/")
        self._base = unquote(urlsplit(self._url).path)
        self._user = settings.user
        token = settings.token.get_secret_value()
        pair = base64.b64encode(f"{settings.user}:{token}".encode()).decode()
        self._headers = {"Authorization": f"Basic {pair}" if settings.user else f"Bearer {token}"} if token else {}
        known.keep(f"files of {settings.user} at {self._url}", token, pair)  # downloads are not redacted

    @classmethod
    def open(cls, settings: WebdavSettings, opening: Opening) -> WebdavClient:
        """Return a client for these settings."""
        return cls(settings, opening.http(WEBDAV, settings.base_url))

    def account(self) -> str:
        """Return user and host; asks whether the server lets the user in."""
        self.file("")
        return self.identity()

    def identity(self) -> str:
        """Return the user and the address of the files."""
        where = self._url.partition("://")[2]
        return f"{self._user} at {where}" if self._user else where

    def check(self) -> list[CheckLine]:
        """Try to list the root."""
        if not self._url:
            said = "There is no address yet. Nextcloud shows it at the bottom of Files settings."
            return [CheckLine("settings", ok=False, text=said, field="base_url")]
        try:
            found = self.entries("", 10_000)
        except ServiceError as error:
            return [failed(self.service, "sign-in", error)]
        return [
            CheckLine("sign-in", ok=True, text=f"Signed in as {self.identity()}; {len(found)} entries at the root.")
        ]

    def entries(self, folder: str, limit: int) -> list[DriveFile]:
        """List a folder, by name."""
        here, *found = self._asked(folder, 1)
        if not here.is_folder:
            raise NotFound(f"{folder!r} is a file, not a folder.", service=WEBDAV.name)
        return sorted(found, key=lambda one: one.name)[:limit]

    def search(self, words: str, folder: str, limit: int) -> FoundFiles:
        """Go through the folders, since few servers can search, and return the files whose names have all words."""
        return named_like(walked(self._listed, folder), words, limit)

    def file(self, file_id: str) -> DriveFile:
        """Return a file or folder."""
        return self._asked(file_id, 0)[0]

    def download(self, file_id: str, into: Path, limit: int) -> DriveFile:
        """Download a file."""
        found = self.file(file_id)
        if found.is_folder:
            raise InvalidRequest(f"{found.path!r} is a folder.", service=WEBDAV.name)
        size = self._announced(found.path) if found.size is None else found.size

        def send(headers: Mapping[str, str]) -> AbstractContextManager[httpx.Response]:
            return self._part_of(file_id, headers)

        try:
            received(WEBDAV, send, into, size, limit, found.version)
        except Conflict as error:
            if error.http_status is not None:
                raise
            self._require_same(found)
            received(WEBDAV, send, into, size, limit)  # downloads have other ETags than listings on this server
            self._require_same(found)
        return found

    def upload(self, folder: str, name: str, source: Path, marker: str) -> DriveFile:
        """Upload a file in one request that creates it, or fails, unless the server knows no conditions."""
        del marker  # a property could only be set afterwards
        path = _joined(folder, name)
        if not self.file(folder).is_folder:
            raise NotFound(f"{folder!r} is a file, not a folder.", service=WEBDAV.name)
        with suppress(NotFound):  # Go's server, as in rclone, ignores If-None-Match
            self.file(path)
            raise taken(WEBDAV, path, None)
        with source.open("rb") as content:
            try:
                self._sent("PUT", path, {"If-None-Match": "*"}, content=content)
            except Conflict as error:
                # A 409 says that the folder is gone (RFC 4918 9.7.1).
                is_taken = error.http_status == httpx.codes.PRECONDITION_FAILED
                raise taken(WEBDAV, path, error.http_status) if is_taken else error from error
        try:
            return self.file(path)
        except NotFound as error:
            words = "The WebDAV server accepted the file, but does not have it."
            raise BadAnswer(words, service=WEBDAV.name) from error

    def uploaded(self, folder: str, name: str, source: Path, marker: str) -> DriveFile | None:
        """Return the file of this name if it has the same content."""
        del marker
        try:
            found = self.file(_joined(folder, name))
        except NotFound:
            return None
        return found if has_content(self, found, source) else None

    def remove(self, file_id: str, version: str) -> None:
        """Delete a file; Nextcloud keeps it in the trash."""
        path = path_of(file_id, WEBDAV.name)
        changed = Conflict(f"{path!r} was changed since.", service=WEBDAV.name)
        try:
            found = self.file(path)
            if not is_same(found.version, version):
                raise changed
            self._sent("DELETE", path, {"If-Match": found.version} if is_strong(found.version) else {})
        except NotFound:
            return
        except Conflict as error:
            raise changed from error

    def changes(self, folder: str, cursor: str | None) -> FolderChanges:
        """Compare the listing of a folder with the one at the cursor."""
        return changes_of(self._listed(folder), cursor)

    def folders(self) -> list[Json]:
        """List folders: [{id, name, url}]; name and id are the path."""
        return folder_rows(self._listed)

    def _listed(self, folder: str) -> list[DriveFile]:
        return [one for one in self._asked(folder, 1)[1:] if not one.name.startswith(".")]

    def _asked(self, file_id: str, depth: int) -> list[DriveFile]:
        """Return the properties of a file or folder, then of the items in it. Raises NotFound, ServiceError."""
        headers = {"Depth": str(depth), "Content-Type": "application/xml; charset=utf-8"}
        wanted = path_of(file_id, WEBDAV.name)
        with asking():
            # The address of a folder ends with a slash (RFC 4918 5.2): some servers redirect without it.
            answer = self._sent("PROPFIND", wanted + "/" * (depth and wanted != ""), headers, content=_PROPERTIES)
        try:
            found = [self._shown(one) for one in found_in(answer.content)]
            here = next(one for one in found if one.path == wanted)
        except Exception as error:
            raise of_broken_connection(WEBDAV, error) from error
        return [here, *(one for one in found if one.path != wanted and one.path.rpartition("/")[0] == wanted)]

    def _shown(self, found: MultistatusResponse) -> DriveFile:
        where = unquote(urlsplit(found.href).path)
        if not (where.rstrip("/") + "/").startswith(f"{self._base}/"):
            raise ValueError(f"{found.href!r} is not below the address of the connection")
        path = where.removeprefix(self._base).strip("/")
        has = found.properties
        at, length = has.get("getlastmodified", ""), has.get("getcontentlength", "")
        return DriveFile(
            id=opaque(path),
            name=path.rpartition("/")[2],
            path=path,
            is_folder=found.is_folder,
            size=int(length) if length.isdigit() and not found.is_folder else None,
            media_type="" if found.is_folder else has.get("getcontenttype", "").partition(";")[0],
            modified_at=_modified_at(at),
            version="" if found.is_folder else entity_tag(has.get("getetag", "")) or at,
            url=self._address(path),
        )

    def _announced(self, path: str) -> int:
        """Return the size of a file that listings do not say. Raises BadAnswer."""
        size = self._sent("HEAD", path, {}).headers.get("content-length", "")
        if not size.isdigit():
            raise BadAnswer(f"The WebDAV server does not say how large {path!r} is.", service=WEBDAV.name)
        return int(size)

    def _require_same(self, found: DriveFile) -> None:
        """Raise Conflict if a file is another one than before."""
        if not is_same(self.file(found.id).version, found.version):
            raise Conflict("The file changed while it was downloaded.", service=WEBDAV.name)

    def _address(self, path: str) -> str:
        return f"{self._url}/{quote(path)}"

    def _part_of(self, file_id: str, headers: Mapping[str, str]) -> AbstractContextManager[httpx.Response]:
        url = self._address(path_of(file_id, WEBDAV.name))
        return part_of(self.http, url, {**self._headers, **headers}, _refused)

    def _sent(self, method: str, path: str, headers: Mapping[str, str], **more: Any) -> httpx.Response:
        """Send a request. Raises ServiceError."""
        try:
            given = {**self._headers, **headers}
            answer = self.http.request(method, self._address(path), headers=given, **more)
            if answer.status_code >= 300:
                raise _refused(answer)
            return answer
        except Exception as error:
            raise of_broken_connection(WEBDAV, error) from error


def _refused(answer: httpx.Response) -> ServiceError:
    reason = answer.reason_phrase if answer.status_code >= 400 else ""
    told = said(answer.content) or words_in(answer.content) or reason
    return of_status(WEBDAV, answer.status_code, dict(answer.headers), told)


def _modified_at(date: str) -> str:
    """Return a date of HTTP as `DriveFile.modified_at`; some servers write ISO 8601 instead."""
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        with suppress(ValueError):
            return instant(read(date))
    return ""


def _joined(folder: str, name: str) -> str:
    return "/".join(filter(None, (path_of(folder, WEBDAV.name), require_name(WEBDAV, name))))
