"""Signs requests to S3 (https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

_ALGORITHM = "AWS4-HMAC-SHA256"
EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True)
class S3SigningCredentials:
    """Who signs, and for where."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    region: str


def address(base_url: str, key: str, query: Mapping[str, str]) -> str:
    """Return the URL of a key, encoded as the signature expects it."""
    path = quote(key, safe="/-_.~")
    pairs = "&".join(f"{_quoted(name)}={_quoted(query[name])}" for name in sorted(query))
    return f"{base_url}/{path}" + (f"?{pairs}" if pairs else "")


def signed(
    by: S3SigningCredentials, method: str, url: str, headers: Mapping[str, str], content_sha256: str, at: datetime
) -> dict[str, str]:
    """Return the headers of a request and of its signature; `url` comes from `address`."""
    parts = urlsplit(url)
    stamp = at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    given = {"host": parts.netloc, "x-amz-content-sha256": content_sha256, "x-amz-date": stamp}
    # The signature covers values without repeated blanks; sent like this, they are what was signed.
    given |= {name.lower(): " ".join(value.split()) for name, value in headers.items()}
    names = ";".join(sorted(given))
    lines = "".join(f"{name}:{given[name]}\n" for name in sorted(given))
    request = "\n".join((method, parts.path or "/", parts.query, lines, names, content_sha256))
    scope = f"{stamp[:8]}/{by.region}/s3/aws4_request"
    text = "\n".join((_ALGORITHM, stamp, scope, hashlib.sha256(request.encode()).hexdigest()))
    key = f"AWS4{by.secret_access_key}".encode()
    for part in (stamp[:8], by.region, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    told = f"{_ALGORITHM} Credential={by.access_key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
    return {**given, "authorization": told}


def _quoted(text: str) -> str:
    return quote(text, safe="-_.~")
