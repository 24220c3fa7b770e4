"""The address of a service, as a connection's settings give it."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator


def base_url(text: str) -> str:
    """Check an address and drop its last slash; raises ValueError that says what is wrong."""
    address = urlsplit(text.strip())
    if address.scheme not in {"http", "https"} or not address.hostname:
        raise ValueError("it must start with https:// (or http:// for a server of your own) and name a host")
    if address.username or address.password:
        raise ValueError("it must not hold a name or a password; those belong into the connection's token")
    if address.query or address.fragment:
        raise ValueError("it must end before any ? or #")
    address.port  # noqa: B018 - raises ValueError where it is no port
    return text.strip().rstrip("/")


BaseUrl = Annotated[str, AfterValidator(base_url)]
"""The type of a `base_url` setting."""
