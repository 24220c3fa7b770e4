"""Reads the XML of answers. A DTD is refused: it could make a small answer enormous."""

from __future__ import annotations

from xml.etree import ElementTree as ET
from xml.parsers import expat


def parsed(content: bytes) -> ET.Element:
    """Return the root of a document. Raises ValueError for anything but XML, and for a DTD."""
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _refuse
    try:
        parser.Parse(content, True)  # noqa: FBT003 - expat takes no name
        return ET.fromstring(content)  # noqa: S314 - a DTD is refused before
    except (expat.ExpatError, ET.ParseError, LookupError) as error:
        raise ValueError(f"it is not XML: {error}") from error


def _refuse(*_: object) -> None:
    raise ValueError("it has a DTD")
