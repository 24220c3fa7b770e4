"""Hidden text of Word documents (ECMA-376, part 1, 17.3.2.41: vanish), which may be meant for a model only."""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree.ElementTree import Element

from engine.sandbox.readers.documents.formulas import local_name

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
IGNORED = f"{W}del"
"""The name of an element that the library for Word documents does not read."""
_KEPT = ("rPr", "fldChar", "instrText")
"""What is kept of a hidden run: fields begin and end in runs of their own."""
_OFF = ("0", "false", "off")


def hidden_styles(styles: Element | None) -> Mapping[str, bool]:
    """Return {style: whether it hides text}, "" for paragraphs without one; nothing of a style that leaves it open."""
    if styles is None:
        return {}
    found = {one.get(f"{W}styleId", ""): one for one in styles.iter(f"{W}style")}
    usual = [name for name, one in found.items() if one.get(f"{W}default") == "1" and _is_of_paragraphs(one)]
    all_of_them = _vanish(styles.find(f"{W}docDefaults/{W}rPrDefault"))
    kinds = {name: _inherited(name, found) for name in found}
    for name, one in found.items():
        if kinds[name] is None and _is_of_paragraphs(one):
            kinds[name] = all_of_them
    kinds[""] = kinds[usual[0]] if usual else all_of_them
    return {name: is_hidden for name, is_hidden in kinds.items() if is_hidden is not None}


def hide(part: Element, styles: Mapping[str, bool]) -> int:
    """Give what is hidden in a part the name of elements that are not read; return how many characters it has."""
    count = 0
    by_paragraph: dict[int, bool] = {}
    if any(styles.values()):
        for paragraph in part.iter(f"{W}p"):
            style = paragraph.find(f"{W}pPr/{W}pStyle")
            is_hidden = styles.get("" if style is None else style.get(f"{W}val", ""), False)
            by_paragraph.update((id(one), is_hidden) for one in paragraph.iter() if local_name(one) == "r")
    for run in [one for one in part.iter() if local_name(one) == "r"]:
        direct = _vanish(run)
        style = run.find(f"{W}rPr/{W}rStyle")
        by_style = None if style is None else styles.get(style.get(f"{W}val", ""))
        found = [one for one in (direct, by_style, by_paragraph.get(id(run))) if one is not None]
        if found and found[0]:
            count += sum(len((one.text or "").strip()) for one in run.iter() if local_name(one) == "t")
            for one in run:
                one.tag = one.tag if local_name(one) in _KEPT else IGNORED
    return count


def _inherited(name: str, styles: Mapping[str, Element]) -> bool | None:
    seen: set[str] = set()
    while name in styles and name not in seen:
        seen.add(name)
        own = _vanish(styles[name])
        if own is not None:
            return own
        base = styles[name].find(f"{W}basedOn")
        name = "" if base is None else base.get(f"{W}val", "")
    return None


def _vanish(element: Element | None) -> bool | None:
    """Return whether the properties of a run, or of a style, hide it; None if they do not say."""
    mark = None if element is None else element.find(f"{W}rPr/{W}vanish")
    return None if mark is None else mark.get(f"{W}val", "1") not in _OFF


def _is_of_paragraphs(style: Element) -> bool:
    return style.get(f"{W}type", "paragraph") == "paragraph"
