"""The values of n8n's parameters, in which a text that begins with `=` has expressions, as values of fields here."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from engine.workflows.n8n.functions import Cel, Untranslatable, literal, text_part
from engine.workflows.n8n.script import ScriptNames, parsed, translated

_QUOTE = re.compile(r'(?<!\\)(?:\\\\)*"')
_MARK = re.compile("\ue000([0-9]{1,4})\ue001")
Missed = list[str]
"""The expressions that have no counterpart, as they were."""


def value_of(found: object, names: ScriptNames, missed: Missed) -> Any:
    """Return a parameter as the value of a field; what cannot be translated stays, and is added to `missed`."""
    if isinstance(found, str):
        return text_of(found, names, missed)
    if isinstance(found, Mapping):
        if found.get("__rl") is True:  # a "resource locator": what was picked from a list, or typed
            return value_of(found.get("value", ""), names, missed)
        return {str(key): value_of(one, names, missed) for key, one in found.items()}
    if isinstance(found, list):
        return [value_of(one, names, missed) for one in found]
    return found


def text_of(text: str, names: ScriptNames, missed: Missed) -> str:
    """Return a text of n8n as a text with expressions of CEL."""
    if not text.startswith("="):
        return plain(text)
    parts = list[str]()
    for part, is_script in _parts(text[1:]):
        if not is_script:
            parts.append(plain(part))
            continue
        try:
            parts.append(f"{{{{ {translated(part, names)} }}}}")
        except Untranslatable:
            missed.append(part.strip())
            parts.append(f"{{{{ {part.strip()} }}}}")
    return "".join(parts)


def operand_of(found: object, names: ScriptNames) -> Cel:
    """Return a parameter as a value of CEL, to be compared with. Raises Untranslatable."""
    if isinstance(found, Mapping) and found.get("__rl") is True:
        found = found.get("value", "")
    if not isinstance(found, str) or not found.startswith("="):
        if isinstance(found, str | int | float | None):
            return Cel(literal(found), kind_of(found))
        raise Untranslatable
    parts = [
        parsed(part, names) if is_script else Cel(literal(part), "text")
        for part, is_script in _parts(found[1:])
        if part or is_script
    ]
    if len(parts) < 2:
        return parts[0] if parts else Cel("''", "text")
    return Cel(" + ".join(map(text_part, parts)), "text", is_single=False)


def kind_of(value: str | float | None) -> str:
    """Return the kind of a plain value, as in `Cel`."""
    if value is None:
        return "null"
    return "truth" if isinstance(value, bool) else "text" if isinstance(value, str) else "number"


def json_of(text: str, names: ScriptNames, missed: Missed) -> Any:
    """Return a text that is JSON, with expressions in it, as a value; as one text if it is none."""
    parts = list(_parts(text[1:])) if text.startswith("=") else [(text, False)]
    scripts, written, is_quoted = list[str](), list[str](), False
    for part, is_script in parts:
        if is_script:
            mark = f"\ue000{len(scripts)}\ue001"
            scripts.append(text_of(f"={{{{{part}}}}}", names, missed))
            written.append(mark if is_quoted else f'"{mark}"')
        else:
            written.append(part.replace("\ue000", ""))
            is_quoted ^= len(_QUOTE.findall(part)) % 2 == 1
    try:
        return _filled(json.loads("".join(written)), scripts)
    except (ValueError, RecursionError):
        return text_of(text, names, missed)


def _filled(found: Any, scripts: list[str]) -> Any:
    if isinstance(found, str):
        return _MARK.sub(lambda mark: scripts[int(mark[1])], plain(found))
    if isinstance(found, dict):
        return {key: _filled(one, scripts) for key, one in found.items()}
    return [_filled(one, scripts) for one in found] if isinstance(found, list) else found


def list_of(found: object, names: ScriptNames, missed: Missed) -> Any:
    """Return a parameter as a list of texts: of a list, or of texts between commas."""
    made = value_of(found, names, missed)
    if isinstance(made, str) and "{{" not in made:
        return [one.strip() for one in made.split(",") if one.strip()]
    return made


def plain(text: str) -> str:
    """Return a text in which braces mean nothing."""
    return text.replace("{{", "{{ '{{' }}")


def _parts(text: str) -> Iterator[tuple[str, bool]]:
    """Yield the parts of a text with whether each is an expression."""
    place = 0
    while (begin := text.find("{{", place)) >= 0:
        end = text.find("}}", begin)
        if end < 0:
            break
        while text[end : end + 3] == "}}}":  # an object of JavaScript may end the expression
            end += 1
        if begin > place:
            yield text[place:begin], False
        yield text[begin + 2 : end], True
        place = end + 2
    if place < len(text):
        yield text[place:], False
