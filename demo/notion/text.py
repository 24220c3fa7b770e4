"""Rich text in requests: validated against Notion's limits and completed."""

from __future__ import annotations

from typing import Any

from demo import rich_text
from demo.notion.call import invalid, too_long

# All three: https://developers.notion.com/reference/request-limits
LONGEST_TEXT = 2000
"""In UTF-16 units, as JavaScript counts."""
LONGEST_EQUATION = 1000
LONGEST_LIST = 100


def complete(given: Any, where: str) -> rich_text.RichText:
    """Return rich text with all fields of an answer; raises Refused 400 that names the place `where`."""
    if not isinstance(given, list):
        raise invalid(f"body failed validation: {where} should be an array, instead was `{given!r}`.")
    if len(given) > LONGEST_LIST:
        raise too_long(where, LONGEST_LIST, len(given))
    return [_piece(each, f"{where}[{number}]") for number, each in enumerate(given)]


def _piece(given: Any, where: str) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise invalid(f"body failed validation: {where} should be an object, instead was `{given!r}`.")
    if "equation" in given:
        return _equation(given, where)
    text = given.get("text")
    if not isinstance(text, dict) or not isinstance(text.get("content"), str):
        raise invalid(f"body failed validation: {where}.text.content should be a string, instead was `undefined`.")
    content: str = text["content"]
    if (units := len(content.encode("utf-16-le")) // 2) > LONGEST_TEXT:
        raise too_long(f"{where}.text.content", LONGEST_TEXT, units)
    link = (text.get("link") or {}).get("url")
    if link is not None and len(link) > LONGEST_TEXT:
        raise too_long(f"{where}.text.link.url", LONGEST_TEXT, len(link))
    return rich_text.piece(content, link, **_marks(given, where))


def _equation(given: dict[str, Any], where: str) -> dict[str, Any]:
    expression = (given["equation"] or {}).get("expression")
    if not isinstance(expression, str) or not expression:
        raise invalid(f"body failed validation: {where}.equation.expression should be a string.")
    if len(expression) > LONGEST_EQUATION:
        raise too_long(f"{where}.equation.expression", LONGEST_EQUATION, len(expression))
    return rich_text.equation(expression, **_marks(given, where))


def _marks(given: dict[str, Any], where: str) -> dict[str, Any]:
    marks: dict[str, Any] = given.get("annotations") or {}
    if unknown := sorted(set(marks) - set(rich_text.PLAIN)):
        raise invalid(f"body failed validation: {where}.annotations.{unknown[0]} should be not present.")
    return marks
