"""What office documents say about themselves (ECMA-376, part 2, 11: core properties)."""

from __future__ import annotations

from typing import Any

from engine.sandbox.readers.file_kinds import SLIDES, FileKind
from engine.sandbox.readers.source import SourceFile
from engine.sandbox.readers.zips import opened_zip, refuse_entities, xml

_NAMES = {
    "title": "title",
    "creator": "author",
    "subject": "subject",
    "keywords": "keywords",
    "lastModifiedBy": "last_modified_by",
    "created": "created_at",
    "modified": "modified_at",
    "language": "language",
}


def facts(source: SourceFile, kind: FileKind) -> dict[str, Any]:
    """Return the properties that are set; old formats are not read."""
    if "openxmlformats" not in kind.media_type:
        return {}
    with opened_zip(source.content) as archive:
        refuse_entities(archive)
        core = xml(archive, "docProps/core.xml")
        found: dict[str, Any] = {}
        for one in core if core is not None else ():
            name = _NAMES.get(one.tag.rpartition("}")[2])
            if name and one.text and one.text.strip():
                found[name] = one.text.strip()[:2000]
        if kind is SLIDES:
            names = archive.namelist()
            found["pages"] = sum(one.startswith("ppt/slides/slide") for one in names)
    return found
