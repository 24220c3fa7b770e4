"""An HTTP response as plain JSON (its text, data or file) with the connection's secrets removed."""

from __future__ import annotations

import json
import re
from codecs import BOM_UTF8
from collections.abc import Mapping
from math import isinf
from typing import Any
from urllib.parse import unquote

import httpx

from clients.drives.names import on_one_line
from clients.errors import BadAnswer, InvalidRequest
from clients.http.credentials import Credentials
from clients.http.request import SERVICE
from clients.listing import require_shallow
from clients.wording import counted

_TEXTUAL = ("json", "xml", "javascript", "yaml", "csv", "urlencoded")
# RFC 6266 4.3: the form with a charset takes precedence over the plain one, in any order.
_NAMES = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (r"filename\*=UTF-8'[^']*'([^;\s]+)", r'filename="((?:[^"\\]|\\.)*)"', r"filename=([^;\s\"]+)")
)
_ARE_LINES = re.compile(r"(ndjson|jsonl|jsonlines|json-lines|json-seq|stream\+json|json-stream)\b")
_UNKNOWN = "application/octet-stream"


def plain(answer: httpx.Response, credentials: Credentials) -> dict[str, Any]:
    """Return {status, headers, json, text, url, left_out}; `json` is null if the body is not JSON.

    `left_out` has a sentence for a body that is neither text nor JSON. Raises BadAnswer, and InvalidRequest for a
    number that is too large.
    """
    found, text = data(answer), said(answer)
    is_given = found is not None or bool(text) or not answer.content
    body = f"The body is {counted(len(answer.content), 'byte')} of {media_type_of(answer)}, not text."
    return {
        **facts(answer, credentials),
        "json": credentials.redacted_json(found),
        "text": credentials.redacted(text),
        "left_out": [] if is_given else [f"{body} `as_file` keeps it as a file."],
    }


def facts(answer: httpx.Response, credentials: Credentials) -> dict[str, Any]:
    """Return {status, headers, url} of a response; header names in lower case, no cookies."""
    headers = {name.lower(): credentials.redacted(value) for name, value in answer.headers.items()}
    headers.pop("set-cookie", None)
    url = credentials.redacted(str(credentials.without(answer.request.url)))
    return {"status": answer.status_code, "headers": headers, "url": url}


def data(answer: httpx.Response) -> Any:
    """Return the response's JSON, or null if its type says that it is not JSON. Raises BadAnswer, InvalidRequest.

    JSON lines (also as a sequence of RFC 7464, and where the type says only JSON) are a list.
    """
    if "json" not in _kind(answer) or not answer.content.strip():
        return None
    content = answer.content
    try:
        found = _lines(content) if _ARE_LINES.search(_kind(answer)) else _loaded(content)
    except (ValueError, RecursionError) as error:
        try:
            found = _lines(content)
        except (ValueError, RecursionError):
            raise BadAnswer("The server says that its answer is JSON, but it is not.", service=SERVICE) from error
    require_shallow(found, SERVICE)
    return found


def _lines(content: bytes) -> list[Any]:
    """Return the values of JSON lines. Raises ValueError."""
    parts = [part for part in re.split(rb"[\n\x1e]", content.removeprefix(BOM_UTF8)) if part.strip()]
    return [_loaded(part) for part in parts]


def _loaded(content: bytes) -> Any:
    return json.loads(content, parse_constant=_refuse, parse_float=_finite)


def said(answer: httpx.Response) -> str:
    """Return the response's text, or "" if its type says that it is not text."""
    kind = _kind(answer)
    return decoded(answer.content, answer.charset_encoding or "") if not kind or _is_text(kind) else ""


def decoded(content: bytes, charset: str) -> str:
    """Return a text in the charset that the server names (empty: none), or in the one that it is in.

    A text that is not UTF-8 at all is in the usual charset of Windows; one with a few damaged places has U+FFFD there.
    """
    for named in filter(None, (charset, "utf-8")):
        try:
            return content.decode(named).removeprefix("\ufeff")
        except (LookupError, ValueError):
            continue
    text = content.decode("utf-8", "replace")
    damaged = text.count("\ufffd")
    sound = len(text) - len(text.encode("ascii", "ignore")) - damaged
    return text if sound >= damaged else content.decode("cp1252", "replace")


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
    return _content(answer, credentials), on_one_line(last) or "answer", media_type_of(answer)


def media_type_of(answer: httpx.Response) -> str:
    """Return the media type of a response without its parameters."""
    return _kind(answer).partition(";")[0].strip() or _UNKNOWN


def _content(answer: httpx.Response, credentials: Credentials) -> bytes:
    content = credentials.redacted_bytes(answer.content) if _is_text(_kind(answer)) else answer.content
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
    headers: Mapping[str, str] = answer.headers
    return headers.get("content-type", "").lower()


def _refuse(word: str) -> None:
    raise ValueError(word)


def _finite(written: str) -> float:
    number = float(written)
    if isinf(number):
        raise InvalidRequest(
            f"The JSON of the server's answer has the number {written[:40]}, which is too large to be kept.",
            service=SERVICE,
            remedy="Let the server send it as text, or take the answer as a file (`as_file`).",
            outcome="unknown",  # for a write: it was done, but its result cannot be kept
        )
    return number
