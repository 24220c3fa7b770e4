"""Which parts of a mail its HTML shows: pictures by `cid:` (RFC 2392) or by their place (RFC 2557)."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from urllib.parse import unquote, urljoin

_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_SHOWN = re.compile(
    r"(?:(?<![\w-])(?:src|srcset|background|poster|xlink:href)\s*+=\s*+"
    r"(?:\"([^\"]*+)\"|'([^']*+)'|([^\s>\"']++))"
    r"|(?<![\w-])url\(\s*+(?>(?:&quot;|&\#39;|&apos;|[\"'])?)([^)\"'&\s]++))",
    re.IGNORECASE,
)
_READ_MOST = 4_000_000
_SHOWN_MOST = 20_000
_LENGTH_MOST = 2000


def shown_parts(source: str, base: str = "") -> set[str]:
    """Return the references in HTML, as `part_key` writes them; `base` is the place of the HTML itself."""
    found = set()
    for number, written in enumerate(_written(_COMMENT.sub("", source[:_READ_MOST]))):
        if number >= _SHOWN_MOST:
            break
        found.add(_key(html.unescape(written).strip()[:_LENGTH_MOST], base))
    return found - {""}


def part_keys(content_id: str, location: str, base: str = "") -> set[str]:
    """Return the names that HTML may use for a part with this `Content-ID` and `Content-Location`."""
    by_id = content_id.strip().removeprefix("<").removesuffix(">").strip()[:_LENGTH_MOST]
    keys = {_key(f"cid:{by_id}", "") if by_id else "", _key(location.strip()[:_LENGTH_MOST], base)}
    return keys - {""}


def _written(source: str) -> Iterator[str]:
    for found in _SHOWN.finditer(source):
        yield next((group for group in found.groups() if group is not None), "")


def _key(written: str, base: str) -> str:
    """Return a reference in a form for comparison: mail programs differ in case and in escapes."""
    scheme, colon, rest = written.partition(":")
    if colon and scheme.strip().lower() in ("cid", "mid"):
        # `mid:` names the mail, then the part (RFC 2392 2).
        return f"cid:{unquote(rest).rpartition('/')[2] if scheme.lower() == 'mid' else unquote(rest)}".strip().lower()
    try:
        return unquote("".join(urljoin(base, written).split())).lower() if written else ""
    except ValueError:  # such as "http://["
        return ""
