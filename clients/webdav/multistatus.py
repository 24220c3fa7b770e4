"""Reads the XML of WebDAV answers (RFC 4918, 14)."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from clients.drives.safe_xml import parsed


class MultistatusResponse(Struct, frozen=True):
    """One `response`: where it is, and its properties as text."""

    href: str
    is_folder: bool
    properties: dict[str, str]


def found_in(content: bytes) -> Iterator[MultistatusResponse]:
    """Yield the responses of a `multistatus`. Raises ValueError for anything else, and for a DTD."""
    root = parsed(content)
    if root.tag != "{DAV:}multistatus":
        raise ValueError("it is no multistatus")
    for one in root.iter("{DAV:}response"):
        properties = [
            prop
            for stat in one.iter("{DAV:}propstat")
            if " 200" in stat.findtext("{DAV:}status", "")
            for prop in stat.iterfind("{DAV:}prop/*")
        ]
        is_folder = any(prop.find("{DAV:}collection") is not None for prop in properties)
        texts = {prop.tag.removeprefix("{DAV:}"): (prop.text or "").strip() for prop in properties}
        yield MultistatusResponse(one.findtext("{DAV:}href", "").strip(), is_folder, texts)


def said(content: bytes) -> str:
    """Return a server's own words for an error, as sabre/dav (Nextcloud, ownCloud) gives them; empty if none."""
    try:
        return parsed(content).findtext("{http://sabredav.org/ns}message", "")
    except ValueError:
        return ""
