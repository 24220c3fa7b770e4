"""One upload to Dropbox: in one request, or in parts of a session that goes on after a broken connection."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from clients.dropbox.refusals import OffsetRefused
from clients.dropbox.service import DROPBOX
from clients.errors import InvalidRequest, ServiceError, Timeout, Unavailable
from clients.oauth.api import OAuthApi

PART_BYTES = 8 * 1024 * 1024
"""A multiple of 4 MiB, as Dropbox asks for."""
_TRIES = 4


class DropboxUpload:
    """An upload to one path, where nothing may be yet: `strict_conflict` also refuses a file of the same content."""

    def __init__(self, api: OAuthApi, url: str, path: str) -> None:
        self._api, self._url = api, f"{url}/2/files"
        self._commit = {"path": path, "mode": "add", "autorename": False, "mute": True, "strict_conflict": True}

    def sent(self, source: Path) -> dict[str, Any]:
        """Send a file; return its metadata. Raises Conflict if there is one already."""
        size = source.stat().st_size
        return dict(self._at_once(source) if size <= PART_BYTES else self._in_parts(source, size))

    def _at_once(self, source: Path) -> Any:
        return self._asked("upload", self._commit, source.read_bytes())

    def _in_parts(self, source: Path, size: int) -> Any:
        """Send parts to a session. Nothing is in the account before the last request, so earlier failures are sure."""
        try:
            session = self._asked("upload_session/start", {"close": False}, b"")["session_id"]
            offset = 0
            with source.open("rb") as file:
                while offset < size:
                    file.seek(offset)
                    offset = self._appended(session, offset, file.read(PART_BYTES))
        except ServiceError as error:
            error.outcome = "not_done"
            raise
        if offset != size:
            raise InvalidRequest("The file changed while it was uploaded.", service=DROPBOX.name)
        cursor = {"session_id": session, "offset": size}
        return self._asked("upload_session/finish", {"cursor": cursor, "commit": self._commit}, b"")

    def _appended(self, session: str, offset: int, part: bytes) -> int:
        """Send one part; return where the next one begins: a part that arrived without an answer is not sent again."""
        asked = {"cursor": {"session_id": session, "offset": offset}, "close": False}
        for left in reversed(range(_TRIES)):
            try:
                self._asked("upload_session/append_v2", asked, part)
            except OffsetRefused as error:
                if offset < error.correct_offset <= offset + len(part):
                    return error.correct_offset
                raise
            except (Timeout, Unavailable) as error:
                if not left or error.http_status is not None:
                    raise
            else:
                break
        return offset + len(part)

    def _asked(self, path: str, argument: dict[str, Any], content: bytes) -> Any:
        # An HTTP header is ASCII, and json.dumps leaves only DEL unescaped of what headers must not have.
        written = json.dumps(argument).replace("\x7f", "\\u007f")
        headers = {"Dropbox-API-Arg": written, "Content-Type": "application/octet-stream"}
        return self._api.asked("POST", f"{self._url}/{path}", headers=headers, content=content)
