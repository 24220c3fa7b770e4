"""Checks the signature of a request to S3, from what arrived (AWS Signature Version 4)."""

from __future__ import annotations

import hashlib
import hmac
import re

from starlette.requests import Request

_SHAPE = re.compile(r"AWS4-HMAC-SHA256 Credential=([^,]*), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})")


def is_signed(request: Request, body: bytes, secret: str) -> bool:
    """Return whether a request, with its content, is signed with this secret."""
    found = _SHAPE.fullmatch(request.headers.get("authorization", ""))
    digest = request.headers.get("x-amz-content-sha256", "")
    if found is None or digest != hashlib.sha256(body).hexdigest():
        return False
    names = found[2].split(";")
    if not {"host", "x-amz-date", "x-amz-content-sha256"} <= set(names):
        return False
    # As sent: decoding and encoding again might give another text than the one that was signed.
    path, query = request.scope["raw_path"].decode(), request.scope["query_string"].decode()
    # The canonical form: sorted, and with "=" even without a value.
    query = "&".join(sorted(pair if "=" in pair else f"{pair}=" for pair in query.split("&") if pair))
    lines = "".join(f"{name}:{request.headers.get(name, '').strip()}\n" for name in names)
    canonical = "\n".join([request.method, path, query, lines, found[2], digest])
    scope = found[1].partition("/")[2]
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{request.headers['x-amz-date']}\n{scope}\n{hashed}"
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
    key = b"AWS4" + secret.encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.compare_digest(hmac.new(key, text.encode(), hashlib.sha256).hexdigest(), found[3])
