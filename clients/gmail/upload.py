"""The bytes of a mail on their way to Gmail: in the request itself, or uploaded where they are large."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from clients.errors import InvalidRequest
from clients.gmail.sign_in_file import SERVICE

INLINE_MOST = 2 * 1024 * 1024
"""How large a mail may be within the JSON of a request."""
MOST = 36_700_160
"""How large a mail may be: `maxSize` of each method that takes a mail, in Google's description of the API."""


class Upload:
    """Makes the requests that carry a mail (https://developers.google.com/workspace/gmail/api/guides/uploads)."""

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
        """Give the request of a method of the SDK; `shape` puts what is told of the mail into the request's body.

        Raises InvalidRequest where the mail is larger than Gmail takes.
        """
        if len(content) > MOST:
            raise InvalidRequest(
                f"The mail has {len(content) / 1024**2:.0f} MB with its attachments; Gmail takes 35 MB at most.",
                service=SERVICE,
                remedy="Leave attachments out, or send a link to them.",
            )
        if len(content) <= INLINE_MOST:
            raw = base64.urlsafe_b64encode(content).decode("ascii")
            return method(userId="me", body=shape({**mail, "raw": raw}), **where)
        return self._uploading(method(userId="me", body=shape(mail), media_body=_media(content), **where))

    def _uploading(self, request: Any) -> Any:
        """Point an upload to the address of the connection: the SDK sends every one to Google itself."""
        parts = urlsplit(request.uri)
        request.uri = f"{self._base_url}{parts.path}?{parts.query}"
        return request


def _media(content: bytes) -> Any:
    from googleapiclient.http import MediaIoBaseUpload

    return MediaIoBaseUpload(io.BytesIO(content), mimetype="message/rfc822", resumable=False)
