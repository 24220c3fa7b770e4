"""A file as an answer, whole or the part that was asked for (RFC 9110, 14)."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import Response

_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


def file_answer(request: Request, content: bytes, headers: dict[str, str]) -> Response:
    """Return the content with status 200, a part of it with 206, or 416."""
    asked = _RANGE.fullmatch(request.headers.get("range", ""))
    if asked is None:
        return Response(content, 200, headers, "application/octet-stream")
    begin, end = int(asked[1]), min(int(asked[2] or len(content)), len(content) - 1)
    if begin > end:
        return Response(b"", 416, {"content-range": f"bytes */{len(content)}"})
    told = {**headers, "content-range": f"bytes {begin}-{end}/{len(content)}"}
    return Response(content[begin : end + 1], 206, told, "application/octet-stream")
