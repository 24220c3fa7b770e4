"""Sends the bytes of a mail to Gmail: inside the request, or as an upload if they are large."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from clients.errors import InvalidRequest
from clients.gmail.transport import SERVICE

INLINE_MOST = 2 * 1024 * 1024
"""Maximum size of a mail sent inside a JSON request."""
MOST = 36_700_160
"""Maximum size of a mail: `maxSize` of each upload method in Google's description of the API."""


class MailUpload:
    """Builds the requests that carry a mail (https://developers.google.com/workspace/gmail/api/guides/uploads)."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url.rstrip("/")

    def request(
        self,
        method: Callable[..., Any],
        shape: Callable[[dict[str, Any]], Any],
        mail: dict[str, Any],
        content: bytes,
        **where: str,
    ) -> Any:
        """Return the SDK request of a method; `shape` builds the request's body from the mail's metadata.

        Raises InvalidRequest if the mail is larger than Gmail accepts.
        """
        if len(content) > MOST:
            raise InvalidRequest(
                f"The mail has {len(content) / 1024**2:.0f} MB with its attachments; Gmail accepts at most 35 MB.",
                service=SERVICE,
                remedy="Remove attachments, or send a link to them.",
            )
        if len(content) <= INLINE_MOST:
            raw = base64.urlsafe_b64encode(content).decode("ascii")
            return method(userId="me", body=shape({**mail, "raw": raw}), **where)
        return self._uploading(method(userId="me", body=shape(mail), media_body=_media(content), **where))

    def _uploading(self, request: Any) -> Any:
        """Point an upload to the connection's address: the SDK always uploads to Google itself."""
        parts = urlsplit(request.uri)
        request.uri = f"{self._base_url}{parts.path}?{parts.query}"
        return request


def _media(content: bytes) -> Any:
    from googleapiclient.http import MediaIoBaseUpload

    return MediaIoBaseUpload(io.BytesIO(content), mimetype="message/rfc822", resumable=False)
