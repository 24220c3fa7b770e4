"""Signs of other languages, written as this one has them, and operands that do not go together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from engine.copilot.fixes.calls import rewritten_call
from engine.expressions.foreign import with_our_signs
from engine.expressions.patterns import encodable, linear
from engine.expressions.templates import Token, tokens
from engine.expressions.typed import TypedExpression

Compile = Callable[[str], TypedExpression | None]
_CHOICE = r"(?s)\s*(?P<yes>.+?)\s+if\s+(?P<asked>.+?)\s+else\s+(?P<no>.+?)\s*"
_FILTER = r"\s*(?P<value>[^|]+?)\s*\|\s*(?P<name>[A-Za-z_]\w*)\s*"
_MISSING = r"(?s)\s*(?P<path>[\w.]+?)\s*(?:\?\?|\|\|)\s*(?P<other>.+?)\s*"
_WEAKER = frozenset({"?", ":", ",", "=", "!", "<", ">", "&", "|", "in"})
"""Tokens that end an operand of `+`."""
_NUMBERS = ("INT", "DOUBLE", "UINT")


def other_languages(source: str) -> Iterator[str]:
    """Yield an expression with the signs of this language."""
    signs = with_our_signs(source)
    choice, filtered, missing = (linear(one).fullmatch(encodable(source)) for one in (_CHOICE, _FILTER, _MISSING))
    if choice is not None:
        yield f" {with_our_signs(choice['asked'])} ? {choice['yes']} : {choice['no']} "
    if filtered is not None:
        call = f"{filtered['name']}({filtered['value']})"
        yield from (f" {one} " for one in rewritten_call(call, filtered["name"], 0))
    if missing is not None:
        yield f" default({missing['path']}, {missing['other']}) "
    if signs != source:
        yield signs


def as_texts(source: str, offset: int, compiled: Compile) -> Iterator[str]:
    """Yield an expression in which all that `+` joins is text, or has a point if all are numbers."""
    run = [one for one in tokens(source) if one.kind != "space"]
    signs = [n for n, one in enumerate(run) if one.text == "+" and abs(one.offset - offset) <= 1]
    for sign in signs:
        begin, end = _ends(run, sign)
        operands = [(run[a].offset, run[b - 1].offset + len(run[b - 1].text)) for a, b in _split(run, begin, end)]
        kinds = [_kind(compiled, source[a:b]) for a, b in operands]
        call = "double" if set(kinds) <= {*_NUMBERS} else "string"
        wanted = "DOUBLE" if call == "double" else "STRING"
        text = source
        for (a, b), kind in reversed([*zip(operands, kinds, strict=True)]):  # from the end: earlier places stay right
            if kind != wanted and kind:
                used = call if kind in (*_NUMBERS, "BOOL") else "text"
                text = f"{text[:a]}{used}({text[a:b]}){text[b:]}"
        yield text


def _kind(compiled: Compile, source: str) -> str:
    typed = compiled(source)
    return "" if typed is None else typed.kind.split("<")[0]


def _ends(run: Sequence[Token], sign: int) -> tuple[int, int]:
    """Return where the sum around a `+` begins and ends."""
    begin = sign
    depth = 0
    while begin > 0:
        one = run[begin - 1]
        depth += {"close": 1, "open": -1}.get(one.kind, 0)
        if depth < 0 or (depth == 0 and one.text in _WEAKER):
            break
        begin -= 1
    end, depth = sign + 1, 0
    while end < len(run):
        one = run[end]
        depth += {"open": 1, "close": -1}.get(one.kind, 0)
        if depth < 0 or (depth == 0 and one.text in _WEAKER):
            break
        end += 1
    return begin, end


def _split(run: Sequence[Token], begin: int, end: int) -> list[tuple[int, int]]:
    """Return the operands of a sum, as ranges of tokens."""
    found, start, depth = [], begin, 0
    for place in range(begin, end):
        depth += {"open": 1, "close": -1}.get(run[place].kind, 0)
        if depth == 0 and run[place].text == "+" and place > start:
            found.append((start, place))
            start = place + 1
    return [*found, (start, end)] if start < end else found
