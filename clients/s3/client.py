"""The S3 client: the objects of one bucket (https://docs.aws.amazon.com/AmazonS3/latest/API/). Folders are prefixes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import count, islice
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote_plus
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

import httpx
from msgspec.structs import replace

from clients.check_line import CheckLine, failed
from clients.client import Opening
from clients.drives.drive import Drive, DriveFile, FolderChanges
from clients.drives.entity_tags import entity_tag, is_same
from clients.drives.listed import FoundFiles, ListingCut, changes_of, folder_rows, named_like
from clients.drives.names import instant, opaque, path_of, require_name, taken
from clients.drives.safe_xml import parsed
from clients.drives.transfer import part_of, received, require_within
from clients.error_mapping import of_broken_connection, of_status, words_in
from clients.errors import AuthError, BadAnswer, Conflict, InvalidRequest, NotFound, RateLimited, ServiceError
from clients.listing import Json
from clients.s3.service import S3, S3Settings
from clients.s3.signature import EMPTY_SHA256, S3SigningCredentials, address, signed
from clients.secrets import known

PART_BYTES = 16 * 1024 * 1024
"""Larger files are uploaded in parts of this size; S3 takes 10,000 parts."""
_PARTS_MOST = 10_000
_TRIES = 3
_MARKER = "x-amz-meta-ai-orchestra"
_PAGES_MOST = 100


class S3Client(Drive):
    """One bucket."""

    service = S3
    http: httpx.Client

    def __init__(self, settings: S3Settings, http: httpx.Client) -> None:
        self.http = http
        self._url = settings.base_url.rstrip("/")
        secret = settings.secret_access_key.get_secret_value()
        self._by = S3SigningCredentials(settings.access_key_id, secret, settings.region)
        known.keep(f"objects at {self._url}", secret)

    @classmethod
    def open(cls, settings: S3Settings, opening: Opening) -> S3Client:
        """Return a client for these settings."""
        return cls(settings, opening.http(S3, settings.base_url))

    def account(self) -> str:
        """Return the key's id and the bucket; asks whether the server lets it in."""
        self._page({"max-keys": "1"})
        return self.identity()

    def identity(self) -> str:
        """Return the key's id and the address of the bucket."""
        where = self._url.partition("://")[2]
        return f"{self._by.access_key_id} at {where}" if self._by.access_key_id else where

    def check(self) -> list[CheckLine]:
        """Try to list the bucket."""
        if not self._url:
            return [
                CheckLine("settings", ok=False, text="There is no address of a bucket yet. Enter it.", field="base_url")
            ]
        try:
            self._page({"max-keys": "1"})
        except ServiceError as error:
            return [failed(self.service, "sign-in", error)]
        return [CheckLine("sign-in", ok=True, text=f"Signed in as {self.identity()}.")]

    def entries(self, folder: str, limit: int) -> list[DriveFile]:
        """List a folder, by name."""
        return sorted(islice(self._inside(folder), limit), key=lambda one: one.name)

    def search(self, words: str, folder: str, limit: int) -> FoundFiles:
        """Go through all objects below a folder."""
        return named_like(self._found(self._prefix(folder), {}, _PAGES_MOST), words, limit)

    def file(self, file_id: str) -> DriveFile:
        """Return a file or folder."""
        path = path_of(file_id, S3.name)
        if not path:
            return self._folder("")
        try:
            answer = self._asked("HEAD", path)
        except NotFound:
            # A folder is only a prefix, not an object; raises NotFound for anything else.
            self._prefix(path)
            return self._folder(path)
        has = answer.headers
        at = instant(parsedate_to_datetime(has["last-modified"]))
        return self._file(path, int(has["content-length"]), at, has["etag"])

    def download(self, file_id: str, into: Path, limit: int) -> DriveFile:
        """Download a file."""
        found = self.file(file_id)
        if found.is_folder or found.size is None:
            raise InvalidRequest(f"{found.path!r} is a folder.", service=S3.name)
        require_within(S3, found.size, limit)
        received(S3, lambda headers: self._part_of(found.path, headers), into, found.size, limit, found.version)
        return found

    def upload(self, folder: str, name: str, source: Path, marker: str) -> DriveFile:
        """Upload a file that carries the marker in its metadata, in parts if it is large."""
        path = self._prefix(folder) + require_name(S3, name)
        headers = {_MARKER: marker or "none"}
        size = source.stat().st_size
        with suppress(NotFound):  # not every server knows If-None-Match
            self._asked("HEAD", path)
            raise taken(S3, path, None)
        with source.open("rb") as content:
            try:
                if size > PART_BYTES:
                    self._in_parts(path, content, size, headers)
                else:
                    self._asked("PUT", path, headers={**headers, "If-None-Match": "*"}, content=content.read())
            except Conflict as error:
                raise taken(S3, path, error.http_status) from error
        try:
            return self.file(path)
        except NotFound as error:
            raise BadAnswer("The S3 server accepted the file, but does not have it.", service=S3.name) from error

    def uploaded(self, folder: str, name: str, source: Path, marker: str) -> DriveFile | None:
        """Return the file that carries the marker."""
        del source
        try:
            path = self._prefix(folder) + require_name(S3, name)
            is_own = self._asked("HEAD", path).headers.get(_MARKER) == marker
        except NotFound:
            return None
        return self.file(path) if is_own else None

    def remove(self, file_id: str, version: str) -> None:
        """Delete a file; a bucket with versions keeps it."""
        path = path_of(file_id, S3.name)
        changed = Conflict(f"{path!r} was changed since.", service=S3.name)
        try:
            if not is_same(self.file(path).version, version):
                raise changed
            self._asked("DELETE", path, headers={"If-Match": version})
        except NotFound:
            return
        except Conflict as error:
            raise changed from error

    def changes(self, folder: str, cursor: str | None) -> FolderChanges:
        """Compare the listing of a folder with the one at the cursor."""
        return changes_of(self._inside(folder), cursor)

    def folders(self) -> list[Json]:
        """List folders: [{id, name, url}]; the name is the path."""
        return folder_rows(lambda folder: self._found(self._prefix(folder), {"delimiter": "/"}, _PAGES_MOST))

    def _prefix(self, folder: str) -> str:
        """Return the prefix of the keys in a folder. Raises NotFound for a folder without keys."""
        path = path_of(folder, S3.name)
        prefix = f"{path}/" if path else ""
        if path and self._page({"prefix": prefix, "max-keys": "1"}).find("{*}Contents") is None:
            raise NotFound(f"There is no folder {path!r}.", service=S3.name)
        return prefix

    def _inside(self, folder: str) -> Iterator[DriveFile]:
        return self._found(self._prefix(folder), {"delimiter": "/"})

    def _found(self, prefix: str, query: Mapping[str, str], most: int | None = None) -> Iterator[DriveFile]:
        """Yield the objects below a prefix, without the empty ones that represent folders.

        Raises ListingCut after `most` pages, BadAnswer if the server names a page again.
        """
        more = {"prefix": prefix, **query}
        for number in count():
            if number == most:
                raise ListingCut(f"Only the first {most} pages of objects were looked through: name a `folder`.")
            page = self._page(more)
            try:
                yield from self._shown(page)
            except (TypeError, ValueError, AttributeError) as error:
                raise of_broken_connection(S3, error) from error
            following = page.findtext("{*}NextContinuationToken", "")
            if not following:
                return
            if following == more.get("continuation-token"):
                raise BadAnswer("The S3 server lists the same page again and again.", service=S3.name)
            more["continuation-token"] = following

    def _shown(self, page: Element) -> Iterable[DriveFile]:
        for one in page.iterfind("{*}CommonPrefixes"):
            yield self._folder(unquote_plus(one.findtext("{*}Prefix", "")).rstrip("/"))
        for one in page.iterfind("{*}Contents"):
            key = unquote_plus(one.findtext("{*}Key", ""))
            if not key.endswith("/"):
                at = instant(datetime.fromisoformat(one.findtext("{*}LastModified", "")))
                size, version = int(one.findtext("{*}Size", "")), one.findtext("{*}ETag", "")
                yield self._file(key, size, at, version)

    def _page(self, query: Mapping[str, str]) -> Element:
        # A key may have characters that XML cannot contain (ListObjectsV2, encoding-type).
        asked = {"list-type": "2", "encoding-type": "url", **query}
        page = _document(self._asked("GET", "", asked))
        if not page.tag.endswith("ListBucketResult"):
            raise BadAnswer("The S3 server sent an answer that does not match its API.", service=S3.name)
        return page

    def _folder(self, path: str) -> DriveFile:
        return DriveFile(
            id=opaque(path),
            name=path.rpartition("/")[2],
            path=path,
            is_folder=True,
            size=None,
            media_type="",
            modified_at="",
            version="",
            url="",
        )

    def _file(self, path: str, size: int, at: str, version: str) -> DriveFile:
        """Return a file; its type is left out, since a listing does not say it."""
        return replace(self._folder(path), is_folder=False, size=size, modified_at=at, version=entity_tag(version))

    def _in_parts(self, path: str, content: BinaryIO, size: int, headers: Mapping[str, str]) -> None:
        """Upload a large file; nobody sees it before its last part, and nothing stays if it fails."""
        begun = _document(self._asked("POST", path, {"uploads": ""}, headers=headers))
        upload = {"uploadId": begun.findtext("{*}UploadId", "")}
        try:
            tags = [
                self._part(path, {**upload, "partNumber": str(number)}, piece)
                for number, piece in enumerate(_pieces(content, size), 1)
            ]
        except ServiceError:
            self._withdrawn(path, upload)
            raise
        try:
            done = self._asked("POST", path, upload, headers={"If-None-Match": "*"}, content=_whole(tags))
        except ServiceError as error:
            if error.outcome == "not_done":
                self._withdrawn(path, upload)
            raise
        if _document(done).tag.endswith("Error"):  # S3 may fail after it has begun to answer 200
            raise BadAnswer("The S3 server could not put the parts together.", service=S3.name)

    def _withdrawn(self, path: str, upload: Mapping[str, str]) -> None:
        """Let the server forget the parts of an upload, which would cost money."""
        with suppress(ServiceError):
            self._asked("DELETE", path, upload)

    def _part(self, path: str, query: Mapping[str, str], piece: bytes) -> str:
        """Upload a part, again if the connection breaks: the same part twice is one. Return its ETag."""
        for number in range(_TRIES):
            try:
                return str(self._asked("PUT", path, query, content=piece).headers["etag"])
            except ServiceError as error:
                if not error.retryable or number == _TRIES - 1:
                    raise
        raise AssertionError("unreachable")

    def _part_of(self, path: str, headers: Mapping[str, str]) -> AbstractContextManager[httpx.Response]:
        url = address(self._url, path, {})
        more = signed(self._by, "GET", url, headers, EMPTY_SHA256, datetime.now(UTC))
        return part_of(self.http, url, more, _refused)

    def _asked(self, method: str, path: str, query: Mapping[str, str] | None = None, **more: Any) -> httpx.Response:
        """Send a signed request. Raises ServiceError."""
        try:
            url, content = address(self._url, path, query or {}), more.get("content", b"")
            digest = hashlib.sha256(content).hexdigest()
            headers = signed(self._by, method, url, more.get("headers", {}), digest, datetime.now(UTC))
            answer = self.http.request(method, url, headers=headers, content=content or None)
            if answer.status_code >= 300:
                raise _refused(answer)
            return answer
        except Exception as error:
            raise of_broken_connection(S3, error) from error


def _pieces(content: BinaryIO, size: int) -> Iterator[bytes]:
    part_bytes = max(PART_BYTES, -(-size // _PARTS_MOST))
    while piece := content.read(part_bytes):
        yield piece


def _whole(tags: Iterable[str]) -> bytes:
    """Return the XML that completes an upload: the parts, in order."""
    row = "<Part><PartNumber>{}</PartNumber><ETag>{}</ETag></Part>"
    rows = "".join(row.format(number, escape(tag)) for number, tag in enumerate(tags, 1))
    return f"<CompleteMultipartUpload>{rows}</CompleteMultipartUpload>".encode()


def _document(answer: httpx.Response) -> Element:
    try:
        return parsed(answer.content)
    except ValueError as error:
        raise of_broken_connection(S3, error) from error


_KINDS: dict[str, type[ServiceError]] = {
    **dict.fromkeys(
        ("AuthorizationHeaderMalformed", "InvalidAccessKeyId", "ExpiredToken", "InvalidToken", "TokenRefreshRequired"),
        AuthError,
    ),
    **dict.fromkeys(("RequestTimeTooSkewed", "InvalidObjectState", "QuotaExceeded"), InvalidRequest),
    "SlowDown": RateLimited,
}
"""Codes that say more than their status (docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html)."""
_REMEDIES = {
    "RequestTimeTooSkewed": "Set the clock of this machine.",
    "InvalidObjectState": "It is in an archive: restore it first.",
    "QuotaExceeded": "Free some space there, or choose another place.",
    "PermanentRedirect": "Give the connection the address and the region of the bucket.",
}


def _refused(answer: httpx.Response) -> ServiceError:
    try:
        told = parsed(answer.content)
        code, words = told.findtext("{*}Code", ""), told.findtext("{*}Message", "")
    except ValueError:
        code, words = "", ""
    words = words or words_in(answer.content) or (answer.reason_phrase if answer.status_code >= 400 else "")
    kind = _KINDS.get(code)
    error = of_status(S3, answer.status_code, dict(answer.headers), f"{words} ({code})" if code else words, kind=kind)
    error.remedy = _REMEDIES.get(code, error.remedy)
    return error
