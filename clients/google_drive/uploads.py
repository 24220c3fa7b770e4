"""One upload to Google Drive: in one request, or in parts of a session that goes on after a broken connection.

https://developers.google.com/workspace/drive/api/guides/manage-uploads
"""

from __future__ import annotations

import json
import mimetypes
import re
import secrets
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from clients.drives.parts import UploadProgress, UploadSession
from clients.error_mapping import of_broken_connection
from clients.errors import BadAnswer
from clients.google.transport import refusal
from clients.google_drive.places import FIELDS
from clients.google_drive.service import GOOGLE_DRIVE
from clients.listing import Json
from clients.oauth.api import OAuthApi
from clients.oauth.app import TokenSource
from clients.transport import origin

AT_ONCE_BYTES = 5 * 1024 * 1024
"""Google recommends parts for larger files."""
PART_BYTES = 32 * 256 * 1024
"""Google asks for multiples of 256 KiB."""
_RECEIVED = re.compile(r"bytes=0-(\d+)")


class DriveUploads:
    """Makes files in one account."""

    def __init__(self, http: httpx.Client, tokens: TokenSource, base_url: str) -> None:
        self._http, self._origin = http, origin(base_url)
        self._refusal = partial(refusal, tokens)
        self._api = OAuthApi(http, tokens, self._refusal)
        self._url = f"{base_url}/upload/drive/v3/files"

    def sent(self, metadata: Json, source: Path) -> dict[str, Any]:
        """Make a file of the metadata and the content of `source`; return Drive's description of it."""
        media_type = mimetypes.guess_type(metadata["name"])[0] or "application/octet-stream"
        is_small = source.stat().st_size <= AT_ONCE_BYTES
        made = (self._at_once if is_small else self._in_parts)(metadata, media_type, source)
        if not isinstance(made, dict) or "id" not in made:
            raise BadAnswer("Google Drive does not say what it has made.", service=GOOGLE_DRIVE.name)
        return made

    def _at_once(self, metadata: Json, media_type: str, source: Path) -> Any:
        """Send metadata and content in one request (RFC 2387)."""
        boundary = secrets.token_hex(16)
        parts = (("application/json; charset=UTF-8", json.dumps(metadata).encode()), (media_type, source.read_bytes()))
        lines = [f"--{boundary}\r\nContent-Type: {kind}\r\n\r\n".encode() + it + b"\r\n" for kind, it in parts]
        return self._api.asked(
            "POST",
            self._url,
            params=_query("multipart"),
            headers={"Content-Type": f"multipart/related; boundary={boundary}"},
            content=b"".join([*lines, f"--{boundary}--".encode()]),
        )

    def _in_parts(self, metadata: Json, media_type: str, source: Path) -> Any:
        headers = {"X-Upload-Content-Type": media_type, "X-Upload-Content-Length": str(source.stat().st_size)}
        query = _query("resumable")
        begun = self._api.answered("POST", self._url, params=query, headers=headers, json=metadata)
        url = begun.headers.get("location", "")
        if not url or origin(url) != self._origin:
            raise BadAnswer("Google Drive names an address of another server.", service=GOOGLE_DRIVE.name)
        session = UploadSession(
            GOOGLE_DRIVE,
            PART_BYTES,
            put=lambda offset, part, size: self._told(url, f"{offset}-{offset + len(part) - 1}/{size}", part),
            state=lambda size: self._told(url, f"*/{size}", b""),
        )
        return session.sent(source)

    def _told(self, url: str, content_range: str, content: bytes) -> UploadProgress:
        """Ask the address of the session, which is its own key. It answers 308 as long as it waits for more."""
        try:
            answer = self._http.put(url, headers={"Content-Range": f"bytes {content_range}"}, content=content)
            if answer.status_code == httpx.codes.PERMANENT_REDIRECT:
                received = _RECEIVED.fullmatch(answer.headers.get("range", ""))
                return UploadProgress(int(received[1]) + 1 if received else 0)  # without `Range`, nothing has arrived
            if answer.status_code >= 300:
                raise self._refusal(answer)
            return UploadProgress(0, answer.json())
        except Exception as error:
            raise of_broken_connection(GOOGLE_DRIVE, error) from error


def _query(kind: str) -> dict[str, str]:
    return {"uploadType": kind, "supportsAllDrives": "true", "fields": FIELDS}
