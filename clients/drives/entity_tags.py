"""ETags as servers write them: with quotation marks (RFC 9110, 8.8.3), without, weak, or named after a compression."""

from __future__ import annotations

import re

_COMPRESSED = re.compile(r"[-;:]{1,2}(gzip|br|deflate|zstd)\Z")
"""What Apache and proxies add to the ETag of an answer that they may compress."""


def entity_tag(written: str) -> str:
    """Return an ETag with its quotation marks, which WsgiDAV and others leave out in listings; "" stays "".

    Conditions of requests (If-Match, If-Range) need them.
    """
    is_whole = not written or written.startswith(('"', "W/"))
    return written if is_whole else f'"{written}"'


def is_strong(tag: str) -> bool:
    """Return whether it is an ETag that If-Match and If-Range take (RFC 9110, 13.1)."""
    return tag.startswith('"')


def is_same(one: str, other: str) -> bool:
    """Return whether two ETags name the same content, however they are written."""
    return _opaque(one) == _opaque(other)


def _opaque(tag: str) -> str:
    return _COMPRESSED.sub("", tag.strip().removeprefix("W/").strip('"'))
