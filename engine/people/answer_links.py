"""Keeps links that answer a question (engine/runs/approval_links.py) from people and programs that may answer none.

Such links get into mails, and from there into all that runs keep. So they are left out where something is sent: to
people who may start no runs (api/network/link_filter.py), by MCP (api/mcp/server.py), to models
(engine/connections/accounts.py).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from itertools import islice
from typing import Any

from engine.people.access import NOTIFIER, Principal, may, require

LINK_FORM = r"([a-z2-7]{8})\.([0-9]{10})\.([A-Za-z0-9_-]{43})"
"""The secret part of a link: the question, when the link ends, and the signature."""
LINK_LIKE = "%.__________.%"
"""A pattern of SQL's LIKE that every text with such a link matches, and few others."""
LONGEST_LINK_BYTES = 4_096
"""More than the secret part takes in any of the ways in which it may be written."""
_TOKEN = re.compile(rf"(?<![a-z2-7]){LINK_FORM}(?![A-Za-z0-9_-])")
_WHAT = "see what has a link in it with which anybody can answer a question"

_LINE_END = r"(?:\n|\r\n|\\\\{0,3}(?:r\\{1,4})?n)"
"""A line end, also as a text inside JSON has it."""
_BETWEEN = (
    rf"(?>(?:=?{_LINE_END}[ \t>]{{0,8}}"  # as in quoted-printable, or in a quoted mail
    r"|\\{1,4}(?=[._-]|\Z)|:color\[\]"  # Markdown, and as the dashboard writes it
    r"|<wbr ?/?>|&shy;|&#8203;|&ZeroWidthSpace;|\[U\+[0-9A-F]{4,5}\]|\\{1,4}u(?:00ad|200[bcd]|2060|feff)"
    r"|\xc2\xad|\xe2\x80[\x8b-\x8d]|\xe2\x81\xa0|\xef\xbb\xbf){0,4})"  # hidden characters, in UTF-8
)
"""What may be between two characters of a link."""


def _written(sign: str, entity: str) -> str:
    """Return a pattern of a sign as it is, and as addresses, mails, HTML and JSON encode it.

    Each way begins with a fixed character: the search for the first one is then ten times as fast.
    """
    code = f"{ord(sign):02x}"
    code = code[0] + (f"[{code[1]}{code[1].upper()}]" if code[1].isalpha() else code[1])
    in_html = rf"&(?:#{ord(sign)}|#[xX]{code}|{entity});"
    return rf"{re.escape(sign)}|%(?:25)?{code}|={code}|{in_html}|\\\\{{0,3}}u00{code}"


_DOT = f"(?:{_written('.', 'period')}){_BETWEEN}"
_SIGN = f"(?:[A-Za-z0-9]|{_written('-', 'hyphen')}|{_written('_', 'lowbar')})"
_QUESTION = re.compile(f"(?:[a-z2-7]{_BETWEEN}){{8}}\\Z")
_QUESTION_BYTES = 160
_REST = re.compile(
    f"(?P<ends>{_DOT}(?:[0-9]{_BETWEEN}){{10}}{_DOT})(?P<signature>{_SIGN}(?:{_BETWEEN}{_SIGN}){{19,42}})"
)
"""What follows the question. Half a signature counts: a text may be cut off, and nobody guesses the other half."""
_BASE64_SIGN = "[A-Za-z0-9+/_-]"
_BASE64 = re.compile(rf"{_BASE64_SIGN}{{60,}}+(?>(?:{_LINE_END}{_BASE64_SIGN}{{4,}}+)*)={{0,2}}")
_LINE_ENDS = re.compile(f"({_LINE_END})")
_FOR_ADDRESSES, _FROM_ADDRESSES = str.maketrans("+/", "-_"), str.maketrans("-_", "+/")


def require_no_link(p: Principal, run: Mapping[str, Any]) -> None:
    """Raise NotAllowed if `p` may answer no question and the document of a run has a link to one.

    A message to people has it, and so do a run that is started again with its inputs, and a mail that was read back.
    """
    if not may(p, "run") and (run["started_by"] == NOTIFIER.id or has_link(run)):
        require(p, "run", _WHAT)


def has_link(value: Any) -> bool:
    """Return whether a text anywhere in a JSON value has a link that answers a question."""
    if isinstance(value, str):
        return _TOKEN.search(value) is not None
    if isinstance(value, Mapping):
        return any(map(has_link, value.values()))
    return isinstance(value, list | tuple) and any(map(has_link, value))


def without_links(text: str) -> str:
    """Return a text with the secret part of such links left out, however they are encoded."""
    if text.isascii():
        return _without(text)
    return without_links_in_bytes(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")


def without_links_in_bytes(content: bytes) -> bytes:
    """Return bytes of any kind with the secret part of such links left out; there are as many as before."""
    return _without_in_part(content.decode("latin-1")).encode("latin-1")


def without_links_in(value: Any) -> Any:
    """Return a JSON value with the secret part of such links left out, in all its texts and names."""
    if isinstance(value, str):
        return without_links(value)
    if isinstance(value, Mapping):
        return {without_links(name): without_links_in(inner) for name, inner in value.items()}
    return [without_links_in(inner) for inner in value] if isinstance(value, list | tuple) else value


def _without(text: str) -> str:
    """Return bytes, one character each, without links, also without links in Base64."""
    return _BASE64.sub(_decoded, _REST.sub(_left_out, text))


def _without_in_part(text: str) -> str:
    """Return a part of such a text: Base64 at its beginning may be the rest of a piece that was cut anywhere."""
    begin = _BASE64.match(text)
    if begin is None:
        return _without(text)
    written = begin[0]
    for skipped in range(1, 4):  # four characters are three bytes: the cut may be after any of them
        written = written[:skipped] + _BASE64.sub(_decoded, written[skipped:])
    return _without(written + text[begin.end() :])


def _left_out(found: re.Match[str]) -> str:
    before = found.string[max(0, found.start() - _QUESTION_BYTES) : found.start()]
    if _QUESTION.search(before) is None:
        return found[0]
    size = len(found["signature"])
    return found["ends"] + ("left-out-" * size)[:size]


def _decoded(found: re.Match[str]) -> str:
    """Return Base64 whose content has no links, with the same line ends."""
    parts = _LINE_ENDS.split(found[0])
    is_escape = found.string[max(0, found.start() - 1) : found.start()] == "\\"  # the `n` of a line end inside JSON
    lead, parts[0] = parts[0][:is_escape], parts[0][is_escape:]
    written = "".join(parts[::2])
    end = len(written.rstrip("=")) // 4 * 4
    content = base64.b64decode(written[:end].translate(_FROM_ADDRESSES)).decode("latin-1")
    kept = _without(content)
    if kept == content:
        return found[0]
    encoded = base64.b64encode(kept.encode("latin-1")).decode("ascii")
    if "-" in written or "_" in written:
        encoded = encoded.translate(_FOR_ADDRESSES)
    signs = iter(encoded + written[end:])
    return lead + "".join(part if at % 2 else "".join(islice(signs, len(part))) for at, part in enumerate(parts))
