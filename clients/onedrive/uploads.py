"""One upload to OneDrive: in one request, or in parts of a session that goes on after a broken connection.

https://learn.microsoft.com/graph/api/driveitem-createuploadsession
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx

from clients.error_mapping import of_broken_connection
from clients.errors import BadAnswer, Conflict, InvalidRequest, ServiceError, Timeout, Unavailable
from clients.oauth.api import Api
from clients.onedrive.refusals import refusal
from clients.onedrive.service import ONEDRIVE

PART_BYTES = 16 * 320 * 1024
"""Microsoft asks for multiples of 320 KiB."""
_TRIES = 4


class Upload:
    """An upload to one address, where nothing may be yet."""

    def __init__(self, api: Api, http: httpx.Client, url: str, path: str) -> None:
        self._api, self._http, self._url, self._path = api, http, url, path

    def sent(self, source: Path) -> dict[str, Any]:
        """Send a file; return the item. Raises Conflict if there is one already."""
        size = source.stat().st_size
        try:
            made = self._at_once(source) if size <= PART_BYTES else self._in_parts(source, size)
        except Conflict as error:
            remedy = "Upload it under another name, or remove that file; it is never replaced."
            raise Conflict(
                f"There is a file {self._path!r} already.",
                service=ONEDRIVE.name,
                remedy=remedy,
                http_status=error.http_status,
            ) from error
        return dict(made)

    def _at_once(self, source: Path) -> Any:
        url = f"{self._url}:/content?@microsoft.graph.conflictBehavior=fail"
        headers = {"Content-Type": "application/octet-stream"}
        return self._api.asked("PUT", url, headers=headers, content=source.read_bytes())

    def _in_parts(self, source: Path, size: int) -> Any:
        asked = {"item": {"@microsoft.graph.conflictBehavior": "fail"}}
        session = self._api.asked("POST", f"{self._url}:/createUploadSession", json=asked)["uploadUrl"]
        offset, found = 0, None
        with source.open("rb") as file:
            while found is None:
                file.seek(offset)
                part = file.read(PART_BYTES)
                is_last = offset + len(part) == size
                if not part or offset + len(part) > size:
                    self._ended(session)
                    raise InvalidRequest("The file changed while it was uploaded.", service=ONEDRIVE.name)
                try:
                    offset, found = self._part(session, offset, part, size)
                except ServiceError as error:
                    if not is_last:  # the file appears with its last part
                        error.outcome = "not_done"
                    raise
        return found

    def _part(self, session: str, offset: int, part: bytes, size: int) -> tuple[int, Any]:
        """Send one part; return where the next one begins, and the item after the last.

        After a broken connection the session says what it has.
        """
        headers = {"Content-Range": f"bytes {offset}-{offset + len(part) - 1}/{size}"}
        for left in reversed(range(_TRIES)):
            try:
                return self._following(self._told("PUT", session, headers=headers, content=part))
            except (Timeout, Unavailable) as error:
                if not left:
                    raise
                broken = error
            try:
                following, _ = self._following(self._told("GET", session))
            except ServiceError as error:
                raise broken from error  # after the last part the session is gone: what became of it is unknown
            if following != offset:
                return following, None
        raise AssertionError

    def _following(self, told: Any) -> tuple[int, Any]:
        if "id" in told:
            return 0, told
        ranges = told["nextExpectedRanges"]
        if not ranges:
            raise BadAnswer("OneDrive does not say which part it expects.", service=ONEDRIVE.name)
        return int(ranges[0].partition("-")[0]), None

    def _told(self, method: str, session: str, **more: Any) -> Any:
        """Ask the address of the session, which is its own key: no token may go there."""
        try:
            answer = self._http.request(method, session, **more)
            if answer.status_code >= 300:
                raise refusal(answer)
            return answer.json()
        except Exception as error:
            raise of_broken_connection(ONEDRIVE, error) from error

    def _ended(self, session: str) -> None:
        self._http.request("DELETE", session)
