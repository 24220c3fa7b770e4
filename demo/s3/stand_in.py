"""S3's API of one bucket, as far as steps use it; the bucket is the root of the address."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any
from urllib.parse import quote_plus
from xml.sax.saxutils import escape

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from demo.call import StandInCall, page_routes
from demo.drive import SAMPLES, DriveFiles, content_of, file_answer, files_page, http_date
from demo.s3.signature import is_signed
from demo.store import Store

TOKEN = "demo-s3-secret-access-key"  # noqa: S105 - the same for everybody, good for loopback only
FILES = DriveFiles("s3")
_PART = re.compile(rb"<PartNumber>(\d+)</PartNumber><ETag>([^<]+)</ETag>")
# Except the last one: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
_SMALLEST_PART = 5 * 1024 * 1024


def ERROR(status: int, message: str) -> dict[str, Any]:  # noqa: N802 - the name the stand-ins share
    """Return an error; S3's own are XML."""
    return {"status": status, "message": message}


def refusal(store: Store, token: str, method: str) -> tuple[int, str] | None:
    """Let the route check the signature, since it covers the whole request."""
    del store, method
    return None if token.startswith("Credential=") else (403, "Access Denied")


def seed(store: Store) -> None:
    """Create three folders and some files."""
    for key, text in {"Attachments/": "", **SAMPLES}.items():
        put(store, key, text.encode(), {})


def show(store: Store) -> dict[str, Any]:
    """Return keys, sizes and hashes."""
    return {"objects": FILES.show(store)}


def put(store: Store, key: str, content: bytes, metadata: dict[str, str], tag: str = "") -> dict[str, Any]:
    """Store an object."""
    tag = tag or f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'
    facts = {"key": key, "etag": tag, "sha256": hashlib.sha256(content).hexdigest(), "metadata": metadata}
    return FILES.put(store, key, facts, content)


def routes(store: Store) -> list[Route]:
    """Return the one route of the bucket, and a page with the objects."""

    async def answer(request: Request) -> Response:
        body = await request.body()
        if not is_signed(request, body, TOKEN):
            said = "The request signature we calculated does not match the signature you provided."
            return _refused(403, "SignatureDoesNotMatch", said)
        with store.transaction():
            return _answered(store, request, request.path_params["key"], body)

    methods = ["GET", "HEAD", "PUT", "POST", "DELETE"]
    return [*page_routes(store, [("/_files", _page)]), Route("/{key:path}", answer, methods=methods)]


def _answered(store: Store, request: Request, key: str, body: bytes) -> Response:
    asked = request.query_params
    if request.method == "POST":
        return _begun(store, request, key) if "uploads" in asked else _completed(store, request, key, body)
    if request.method == "PUT":
        return _part(store, request, body) if "uploadId" in asked else _put(store, request, key, body)
    if request.method == "DELETE":
        return _delete(store, request, key)
    if not key:
        return _list(store, request)
    return _get(store, request, key)


def _refused(status: int, code: str, message: str) -> Response:
    text = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
    return Response(text, status, media_type="application/xml")


def _xml(name: str, inner: str) -> Response:
    text = f'<?xml version="1.0"?><{name} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{inner}</{name}>'
    return Response(text, 200, media_type="application/xml")


def _list(store: Store, request: Request) -> Response:
    asked = request.query_params
    prefix, delimiter = asked.get("prefix", ""), asked.get("delimiter", "")
    most = min(int(asked.get("max-keys", 1000)), 1000)
    rows: dict[str, str] = {}
    # S3 lists keys in the order of their UTF-8 bytes.
    for one in sorted(FILES.all(store), key=lambda one: str(one["key"]).encode()):
        key = one["key"]
        if not key.startswith(prefix):
            continue
        head, found, _ = key[len(prefix) :].partition(delimiter) if delimiter else ("", "", "")
        if found:
            common = f"{prefix}{head}{delimiter}"
            # As with encoding-type=url: XML cannot hold every character of a key.
            rows[common] = f"<CommonPrefixes><Prefix>{quote_plus(common, safe='/')}</Prefix></CommonPrefixes>"
        else:
            at = f"{one['at'][:19]}.000Z"
            facts = f"<LastModified>{at}</LastModified><ETag>{escape(one['etag'])}</ETag><Size>{one['size']}</Size>"
            rows[key] = f"<Contents><Key>{quote_plus(key, safe='/')}</Key>{facts}</Contents>"
    keys = [key for key in rows if key > base64.b64decode(asked.get("continuation-token", "")).decode()]
    page, rest = keys[:most], keys[most:]
    more = f"<IsTruncated>{str(bool(rest)).lower()}</IsTruncated>"
    if rest:
        token = base64.b64encode(page[-1].encode()).decode()
        more += f"<NextContinuationToken>{token}</NextContinuationToken>"
    return _xml("ListBucketResult", more + "".join(rows[key] for key in page))


def _get(store: Store, request: Request, key: str) -> Response:
    found = FILES.get(store, key)
    if found is None:
        return _refused(404, "NoSuchKey", "The specified key does not exist.")
    headers = {"ETag": found["etag"], "Last-Modified": http_date(found), "Accept-Ranges": "bytes", **found["metadata"]}
    sent = file_answer(request, found, headers, "binary/octet-stream")
    if sent.status_code == 416:
        return _refused(416, "InvalidRange", "The requested range is not satisfiable")
    return sent


def _may_not(store: Store, request: Request, key: str) -> Response | None:
    """Refuse to replace an object if the request says so."""
    if request.headers.get("if-none-match") != "*" or FILES.get(store, key) is None:
        return None
    said = "At least one of the pre-conditions you specified did not hold"
    return _refused(412, "PreconditionFailed", said)


def _metadata(request: Request) -> dict[str, str]:
    return {name: value for name, value in request.headers.items() if name.startswith("x-amz-meta-")}


def _put(store: Store, request: Request, key: str, body: bytes) -> Response:
    refused = _may_not(store, request, key)
    return refused or Response(headers={"ETag": put(store, key, body, _metadata(request))["etag"]})


def _begun(store: Store, request: Request, key: str) -> Response:
    upload = FILES.begin(store, key=key, metadata=_metadata(request))
    return _xml("InitiateMultipartUploadResult", f"<Key>{escape(key)}</Key><UploadId>{upload}</UploadId>")


def _part(store: Store, request: Request, body: bytes) -> Response:
    upload, number = request.query_params["uploadId"], int(request.query_params["partNumber"])
    if FILES.session(store, upload) is None:
        return _refused(404, "NoSuchUpload", "The specified multipart upload does not exist.")
    tag = f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'
    store.put(f"s3/parts/{upload}", str(number), {"etag": tag, "content": base64.b64encode(body).decode()})
    return Response(headers={"ETag": tag})


def _completed(store: Store, request: Request, key: str, body: bytes) -> Response:
    upload = request.query_params.get("uploadId", "")
    begun = FILES.session(store, upload)
    if begun is None or begun["key"] != key:
        return _refused(404, "NoSuchUpload", "The specified multipart upload does not exist.")
    refused = _may_not(store, request, key)
    if refused is not None:
        return refused
    parts = [(store.get(f"s3/parts/{upload}", number.decode()), tag.decode()) for number, tag in _PART.findall(body)]
    if not parts or any(one is None or one["etag"] != tag for one, tag in parts):
        return _refused(400, "InvalidPart", "One or more of the specified parts could not be found.")
    pieces = [content_of(one) for one, _ in parts if one is not None]
    if any(len(piece) < _SMALLEST_PART for piece in pieces[:-1]):
        return _refused(400, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed object size.")
    content = b"".join(pieces)
    # The suffix tells clients that this is not the MD5 of the content; real tags hash the parts' hashes.
    tag = f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}-{len(parts)}"'
    put(store, key, content, begun["metadata"], tag)
    _forget(store, upload)
    return _xml("CompleteMultipartUploadResult", f"<Key>{escape(key)}</Key><ETag>{escape(tag)}</ETag>")


def _forget(store: Store, upload: str) -> None:
    FILES.end(store, {"id": upload})
    for number in range(1, len(store.all(f"s3/parts/{upload}")) + 1):
        store.delete(f"s3/parts/{upload}", str(number))


def _delete(store: Store, request: Request, key: str) -> Response:
    if "uploadId" in request.query_params:
        _forget(store, request.query_params["uploadId"])
        return Response(status_code=204)
    found = FILES.get(store, key)
    if found is not None and request.headers.get("if-match", found["etag"]) != found["etag"]:
        return _refused(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
    FILES.delete(store, key)
    # S3 gives the same answer for a missing object.
    return Response(status_code=204)


def _page(call: StandInCall) -> str:
    """Return a page with all objects."""
    return files_page("S3", ((one["key"], one["size"]) for one in FILES.all(call.store)))
