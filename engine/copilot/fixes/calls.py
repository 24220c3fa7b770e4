"""Functions of other languages, written as this one has them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.expressions.foreign import ELSEWHERE, WRITTEN, meant_by
from engine.expressions.templates import closing_bracket, path_before, tokens

_SELECTED = re.compile(r"\s*\.\s*(\w+)(?!\s*\()")
_PLAIN = re.compile(r"[\w.\[\]'\"]+\Z")


def rewritten_call(source: str, name: str, offset: int) -> Iterator[str]:
    """Yield an expression with the right function in place of an unknown one that is called at `offset`."""
    meant = meant_by(name)
    run = [one for one in tokens(source) if one.kind != "space"]
    at = [n for n, one in enumerate(run[:-1]) if one.text == name and run[n + 1].text == "("]
    if meant is None or not at:
        return
    place = min(at, key=lambda n: abs(run[n].offset - offset))
    end = run[closing_bracket(run, place + 1)].offset
    begin = run[place].offset
    inside = source[run[place + 1].offset + 1 : end].strip()
    is_method = place > 0 and run[place - 1].text == "."
    holder = path_before(source, run[place - 1].offset) if is_method else ""
    start = run[place - 1].offset - len(holder) if is_method else begin
    for text in _calls(meant, holder, inside):
        yield f"{source[:start]}{text}{source[end + 1 :]}"


def as_property(source: str, offset: int) -> Iterator[str]:
    """Yield an expression with a function in place of what is a field in other languages: `x.length`."""
    found = _SELECTED.match(source, offset) or next(
        (one for one in _SELECTED.finditer(source) if one.start(1) == offset), None
    )
    if found is None or (found[1] not in ELSEWHERE and found[1] not in WRITTEN):
        return
    meant, holder = ELSEWHERE.get(found[1], found[1]), path_before(source, found.start())
    start = found.start() - len(holder)
    for text in _calls(meant, holder, ""):
        yield f"{source[:start]}{text}{source[found.end() :]}"


def _calls(name: str, holder: str, inside: str) -> Iterator[str]:
    """Yield the call of a function, as its example is written."""
    written = WRITTEN[name]
    if written.startswith("math."):
        yield f"math.{name}({', '.join(one for one in (holder, inside) if one and one != 'Math')})"
    elif f".{name}(" in written:
        first, _, rest = inside.partition(",")
        value = first.strip()
        target = holder or (value if _PLAIN.match(value) else f"({value})")
        yield f"{target}.{name}({inside if holder else rest.strip()})"
    else:
        yield f"{name}({', '.join(one for one in (holder, inside) if one)})"
