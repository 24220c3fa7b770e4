"""One upload to OneDrive: in one request, or in parts of a session that goes on after a broken connection.

https://learn.microsoft.com/graph/api/driveitem-createuploadsession
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx

from clients.drives.parts import UploadProgress, UploadSession
from clients.error_mapping import of_broken_connection
from clients.errors import BadAnswer
from clients.oauth.api import OAuthApi
from clients.onedrive.refusals import refusal
from clients.onedrive.service import ONEDRIVE

PART_BYTES = 16 * 320 * 1024
"""Microsoft asks for multiples of 320 KiB."""


class OneDriveUpload:
    """An upload to one address, where nothing may be yet."""

    def __init__(self, api: OAuthApi, http: httpx.Client, url: str) -> None:
        self._api, self._http, self._url = api, http, url

    def sent(self, source: Path) -> dict[str, Any]:
        """Send a file; return the item. Raises Conflict if there is one already."""
        size = source.stat().st_size
        return dict(self._at_once(source) if size <= PART_BYTES else self._in_parts(source))

    def _at_once(self, source: Path) -> Any:
        url = f"{self._url}:/content?@microsoft.graph.conflictBehavior=fail"
        headers = {"Content-Type": "application/octet-stream"}
        return self._api.asked("PUT", url, headers=headers, content=source.read_bytes())

    def _in_parts(self, source: Path) -> Any:
        asked = {"item": {"@microsoft.graph.conflictBehavior": "fail"}}
        session = self._api.asked("POST", f"{self._url}:/createUploadSession", json=asked)["uploadUrl"]
        return UploadSession(
            ONEDRIVE,
            PART_BYTES,
            put=lambda offset, part, size: self._part(session, offset, part, size),
            state=lambda _: self._progress(self._told("GET", session)),
        ).sent(source)

    def _part(self, session: str, offset: int, part: bytes, size: int) -> UploadProgress:
        headers = {"Content-Range": f"bytes {offset}-{offset + len(part) - 1}/{size}"}
        return self._progress(self._told("PUT", session, headers=headers, content=part))

    def _progress(self, told: Any) -> UploadProgress:
        # The answer to the last part is the item itself.
        if "id" in told:
            return UploadProgress(0, told)
        ranges = told["nextExpectedRanges"]
        if not ranges:
            raise BadAnswer("OneDrive does not say which part it expects.", service=ONEDRIVE.name)
        return UploadProgress(int(ranges[0].partition("-")[0]))

    def _told(self, method: str, session: str, **more: Any) -> Any:
        """Ask the address of the session, which is its own key: no token may go there."""
        try:
            answer = self._http.request(method, session, **more)
            if answer.status_code >= 300:
                raise refusal(answer)
            return answer.json()
        except Exception as error:
            raise of_broken_connection(ONEDRIVE, error) from error
