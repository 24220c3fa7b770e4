"""An HTTP response as plain JSON (its text, data or file) with the connection's secrets removed."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

import httpx
from msgspec import Struct

from clients.drives.names import on_one_line
from clients.errors import InvalidRequest
from clients.http.credentials import Credentials
from clients.http.json_text import read_json
from clients.http.request import SERVICE
from clients.mail.charsets import body_text
from clients.transport import GZIP, MAX_ANSWER_BYTES, PACKED, AnswerRefused, AnswerTooLarge, unpacked
from clients.wording import counted

_TEXTUAL = ("json", "xml", "javascript", "yaml", "csv", "urlencoded")
# RFC 6266 4.3: the form with a charset takes precedence over the plain one, in any order.
_NAMES = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (r"filename\*=UTF-8'[^']*'([^;\s]+)", r'filename="((?:[^"\\]|\\.)*)"', r"filename=([^;\s\"]+)")
)
_UNKNOWN = "application/octet-stream"
_SAY_NOTHING = frozenset({_UNKNOWN, "binary/octet-stream", "application/x-octet-stream", "application/unknown"})
_BY_ENDING = {"json": "application/json", "geojson": "application/geo+json", "xml": "application/xml"}
_BY_ENDING |= dict.fromkeys(("jsonl", "ndjson"), "application/x-ndjson") | {"txt": "text/plain", "csv": "text/csv"}
_NO_BODY = frozenset({204, 205, 304})


class AnswerBody(Struct, frozen=True):
    """The content of an answer."""

    json: Any
    """None if it is not JSON, or empty."""
    text: str
    """Empty if its type says that it is not text."""
    notes: list[str]
    """Sentences on parts that were not read, or are not as the server says."""


def plain(answer: httpx.Response, credentials: Credentials) -> dict[str, Any]:
    """Return {status, headers, json, text, url, left_out}; `json` is null if the body is not JSON.

    `left_out` has sentences on a body that is not as the server says, or is neither text nor JSON. Never fails: the
    request was done.
    """
    body = body_of(answer)
    return {
        **facts(answer, credentials),
        "json": credentials.redacted_json(body.json),
        "text": credentials.redacted(body.text),
        "left_out": [credentials.redacted(note) for note in body.notes],
    }


def body_of(answer: httpx.Response) -> AnswerBody:
    """Return the content of an answer, read as the type that the server names; never fails."""
    kind = _kind(answer)
    try:
        content = content_of(answer)
    except AnswerRefused as error:
        return AnswerBody(None, "", [f"The body was not read: {error}. `as_file` keeps it as it came."])
    if not content or (kind and not _is_text(kind)):
        return AnswerBody(None, "", _of_no_text(answer, kind))
    text, note = body_text(content, answer.headers.get("content-type", ""))
    found, more = read_json(text, kind) if "json" in kind else (None, "")
    return AnswerBody(found, text, [one for one in (note, more) if one])


def content_of(answer: httpx.Response) -> bytes:
    """Return the body; a text that is compressed with gzip, although no header says so, is unpacked.

    Raises AnswerTooLarge if it has more bytes than may be read, AnswerRefused if it cannot be unpacked.
    """
    if codings := answer.extensions.get(PACKED):
        raise AnswerRefused(f"it is compressed ({codings})")
    if not answer.content.startswith(GZIP) or not _is_text(_kind(answer)):
        return answer.content
    most, content = answer.request.extensions.get("most_bytes", MAX_ANSWER_BYTES), bytearray()
    for piece in unpacked([answer.content]):
        content += piece
        if len(content) > most:
            raise AnswerTooLarge(f"it has more than {most} bytes when it is unpacked")
    return bytes(content)


def _of_no_text(answer: httpx.Response, kind: str) -> list[str]:
    if answer.content:
        body = f"The body is {counted(len(answer.content), 'byte')} of {kind}, not text."
        return [f"{body} `as_file` keeps it as a file."]
    is_due = answer.request.method != "HEAD" and answer.status_code not in _NO_BODY
    return [f"The server says that its answer is {kind}, but it is empty."] if "json" in kind and is_due else []


def facts(answer: httpx.Response, credentials: Credentials) -> dict[str, Any]:
    """Return {status, headers, url} of a response; header names in lower case, no cookies."""
    headers = {name.lower(): credentials.redacted(value) for name, value in answer.headers.items()}
    headers.pop("set-cookie", None)
    url = credentials.redacted(str(credentials.without(answer.request.url)))
    return {"status": answer.status_code, "headers": headers, "url": url}


def file_of(answer: httpx.Response, credentials: Credentials) -> tuple[bytes, str, str]:
    """Return content, name and media type of a downloaded file; without a name, the last part of the address is used.

    Secrets of the connection are redacted in text; any other file that contains one is refused, since redacting would
    corrupt it. Raises InvalidRequest.
    """
    told = answer.headers.get("content-disposition", "")
    named = next((match[1] for form in _NAMES if (match := form.search(told))), "").replace('\\"', '"')
    name = credentials.redacted(unquote(named) or unquote(answer.request.url.path.rpartition("/")[2]))
    # A server must not choose a folder (RFC 6266 4.3), nor insert line ends where the name is used.
    last = re.split(r"[/\\]", name)[-1][:200]
    return harmless(answer.content, answer, credentials), on_one_line(last) or "answer", media_type_of(answer)


def media_type_of(answer: httpx.Response) -> str:
    """Return the media type of a response without its parameters; if it has none, the type that its name suggests."""
    return _kind(answer) or _UNKNOWN


def harmless(content: bytes, answer: httpx.Response, credentials: Credentials) -> bytes:
    """Return the content of an answer without secrets of the connection. Raises InvalidRequest as `file_of`."""
    content = credentials.redacted_bytes(content) if _is_text(_kind(answer)) else content
    if credentials.are_in(content):
        raise InvalidRequest(
            "The file that the server sent contains a secret of the connection, so it is not kept.",
            service=SERVICE,
            remedy="Request another address, or leave out `as_file`: in text and JSON the secret is redacted.",
            outcome="unknown",  # for a write: it was done, but its result cannot be shown
        )
    return content


def _is_text(kind: str) -> bool:
    return kind.startswith("text/") or any(word in kind for word in _TEXTUAL)


def _kind(answer: httpx.Response) -> str:
    """Return the media type, in lower case; the ending of the address replaces a type that says nothing.

    Stores of files name such a type for whatever was put there without one. Empty if nothing is known.
    """
    kind = str(answer.headers.get("content-type", "")).partition(";")[0].strip().lower()[:100]
    if kind and kind not in _SAY_NOTHING:
        return kind
    return _BY_ENDING.get(answer.request.url.path.lower().rpartition(".")[2], kind)
