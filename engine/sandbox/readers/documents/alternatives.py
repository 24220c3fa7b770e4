"""Content that an Office document has in several forms, for programs of different age (ECMA-376, part 3)."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from engine.sandbox.readers.documents.formulas import local_name

_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"


def keep_one_form(part: Element) -> None:
    """Where a part has several forms, keep one in the place of the oldest: the first with text, or else the oldest."""
    for forms in list(part.iter(f"{_MC}AlternateContent")):
        kept = next(filter(has_text, forms), forms.find(f"{_MC}Fallback"))
        forms[:] = [] if kept is None else [kept]
        for one in forms:
            one.tag = f"{_MC}Fallback"


def has_text(element: Element) -> bool:
    """Return whether there is text in an element, of whatever namespace."""
    return any(local_name(one) == "t" and (one.text or "").strip() for one in element.iter())
