"""The base URL of a service, as set on a connection."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator


def base_url(text: str) -> str:
    """Validate a URL and strip its last slash; raises ValueError with the reason."""
    try:
        address = urlsplit(text.strip())
        address.port  # noqa: B018 - raises ValueError where it is not a port
    except ValueError:  # its words repeat a part of the text, which may be a secret
        raise ValueError("it is not an address: the host, or the port after its colon, cannot be one") from None
    if address.scheme not in {"http", "https"} or not address.hostname:
        raise ValueError("it must start with https:// (or http:// for your own server) and contain a host name")
    if address.username or address.password:
        raise ValueError("it must not contain a user name or password; put those in the connection's token")
    if address.query or address.fragment:
        raise ValueError("it must not contain ? or #")
    return text.strip().rstrip("/")


BaseUrl = Annotated[str, AfterValidator(base_url)]
"""The type of a connection's `base_url` setting."""
