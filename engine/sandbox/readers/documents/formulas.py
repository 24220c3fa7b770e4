"""Formulas of Office documents on one line, as a person would type them: `x=(−b±√(b^2−4ac))/(2a)`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from xml.etree.ElementTree import Element

_Parts = Mapping[str, Sequence[str]]
"""The texts of the children of an element, by their names."""


def linear(formula: Element) -> str:
    """Return a formula, or a part of one (ECMA-376, part 1, 22.1), as a text."""
    name = local_name(formula)
    if name == "t":
        return formula.text or ""
    if name.endswith("Pr") or name in ("del", "moveFrom"):
        return ""
    texts = [(local_name(one), linear(one)) for one in formula]
    write = _WRITTEN.get(name)
    if write is None:
        return "".join(text for _, text in texts)
    parts: dict[str, list[str]] = {}
    for one, text in texts:
        parts.setdefault(one, []).append(text)
    return write(parts, _signs(formula))


def local_name(element: Element) -> str:
    """Return the name of an element without its namespace."""
    return element.tag.rpartition("}")[2]


def _signs(formula: Element) -> Mapping[str, str]:
    """Return the signs that an element names in its properties, such as its brackets."""
    return {
        local_name(sign): value
        for properties in formula
        if local_name(properties).endswith("Pr")
        for sign in properties
        for attribute, value in sign.items()
        if attribute.endswith("}val")
    }


def _fraction(parts: _Parts, signs: Mapping[str, str]) -> str:
    return _one(parts, "num") + ("¦" if signs.get("type") == "noBar" else "/") + _one(parts, "den")


def _scripts(parts: _Parts, _signs: Mapping[str, str]) -> str:
    return _one(parts, "e") + _below_and_above(parts)


def _root(parts: _Parts, _signs: Mapping[str, str]) -> str:
    degree = "".join(parts.get("deg", ()))
    return f"√({degree}{'&' if degree else ''}{''.join(parts.get('e', ()))})"


def _sum(parts: _Parts, signs: Mapping[str, str]) -> str:
    return f"{signs.get('chr', '∫')}{_below_and_above(parts)} {''.join(parts.get('e', ()))}"


def _brackets(parts: _Parts, signs: Mapping[str, str]) -> str:
    return signs.get("begChr", "(") + signs.get("sepChr", "|").join(parts.get("e", ())) + signs.get("endChr", ")")


def _below_and_above(parts: _Parts) -> str:
    below, above = (_one(parts, "sub") or _one(parts, "lim"), _one(parts, "sup"))
    return (f"_{below}" if below else "") + (f"^{above}" if above else "")


def _one(parts: _Parts, name: str) -> str:
    """Return a part, in brackets if it is more than a number or a word."""
    text = "".join(parts.get(name, ()))
    return text if text.isalnum() or len(text) < 2 else f"({text})"


_WRITTEN: Mapping[str, Callable[[_Parts, Mapping[str, str]], str]] = {
    "f": _fraction,
    **dict.fromkeys(("sSup", "sSub", "sSubSup", "sPre", "limLow"), _scripts),
    "limUpp": lambda parts, _: f"{_one(parts, 'e')}^{_one(parts, 'lim')}",
    "rad": _root,
    "nary": _sum,
    "d": _brackets,
    "func": lambda parts, _: f"{''.join(parts.get('fName', ()))} {''.join(parts.get('e', ()))}",
    "mr": lambda parts, _: ", ".join(parts.get("e", ())),
    "m": lambda parts, _: f"[{'; '.join(parts.get('mr', ()))}]",
    "eqArr": lambda parts, _: "; ".join(parts.get("e", ())),
}
